"""What people look at: which pages are there, and who may open and change what?"""

from collections.abc import Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from service.settings import Console
from service.web.console import (
    closings,
    deliveries,
    mismatches,
    objects,
    provider,
    reports,
    sinks,
    statements,
    static,
    three_way,
    today,
    upkeep,
)
from service.web.console.page import STATIC_PATH, Handler, answering
from service.web.doors import Door, Role

PREFIX = "/console"


def _get(path: str, handler: Handler, name: str, role: Role = Role.VIEWER) -> Door:
    return Door(PREFIX + path, "GET", role, answering(handler), f"console.{name}")


def _post(path: str, handler: Handler, name: str, role: Role) -> Door:
    return Door(PREFIX + path, "POST", role, answering(handler), f"console.{name}")


def _open(path: str, answer: Callable[[Request], Response], name: str) -> Door:
    return Door(path, "GET", None, answer, f"console.{name}")


UPLOAD = "statements.upload"
CONSOLE_DOORS: tuple[Door, ...] = (
    _open(STATIC_PATH + "/{digest}/{name}", static.file, "static"),
    _get("", today.home, "home"),
    _get("/today", today.today, "today"),
    _post("/language", today.language, "language", Role.VIEWER),
    _get("/mismatches", mismatches.desk, "mismatches"),
    _post("/mismatches", mismatches.act_on_many, "mismatches.act", Role.FINANCE),
    _get("/mismatches/{number}", mismatches.one, "mismatch"),
    _post("/mismatches/{number}", mismatches.act_on_one, "mismatch.act", Role.FINANCE),
    _get("/objects", objects.listed, "objects"),
    _get("/objects/{account}/{kind}/{id}", objects.one, "object"),
    _post("/objects/{account}/{kind}/{id}/look", objects.look, "object.look", Role.OPERATOR),
    _post("/objects/{account}/{kind}/{id}/open", objects.open_object, "object.open", Role.FINANCE),
    _get("/deliveries", deliveries.listed, "deliveries"),
    _post("/deliveries/requeue", deliveries.requeue, "deliveries.requeue", Role.OPERATOR),
    _get("/deliveries/{number}", deliveries.one, "delivery"),
    _post("/deliveries/{number}/open", deliveries.open_delivery, "delivery.open", Role.FINANCE),
    _get("/sinks", sinks.listed, "sinks"),
    _post("/sinks/{name}", sinks.act, "sink.act", Role.OPERATOR),
    _get("/letters", sinks.letters, "letters"),
    _post("/letters", sinks.act_on_letters, "letters.act", Role.OPERATOR),
    _get("/statements", statements.listed, "statements"),
    _post("/statements", statements.upload, UPLOAD, Role.FINANCE),
    _get("/statements/three-way", three_way.laid, "three_way"),
    _get("/statements/{number}", statements.one, "statement"),
    _post("/statements/{number}/remove", statements.remove, "statement.remove", Role.FINANCE),
    _get("/closings", closings.listed, "closings"),
    _get("/closings/{day}", closings.one, "closing"),
    _post("/closings/{day}/verify", closings.verify, "closing.verify", Role.FINANCE),
    _get("/reports", reports.listed, "reports"),
    _get("/reports/file", reports.taken, "report.file", Role.FINANCE),
    _get("/provider", provider.card, "provider"),
    _get("/jobs", upkeep.jobs, "jobs"),
    _get("/accounts", upkeep.accounts, "accounts"),
    _get("/audit", upkeep.audit, "audit"),
    _post("/audit/verify", upkeep.verify_audit, "audit.verify", Role.ADMIN),
    _get("/settings", upkeep.settings, "settings"),
)


def console_doors(settings: Console) -> tuple[Door, ...]:
    """The console's table of doors, with what the settings grant at them."""
    return tuple(
        replace(door, file_bytes=settings.upload_bytes, file_seconds=settings.upload_seconds)
        if door.name == f"console.{UPLOAD}"
        else door
        for door in CONSOLE_DOORS
    )
