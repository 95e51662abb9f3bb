"""What people look at: which pages are there, and who may open and change what?"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from service.web.console import (
    mismatches,
    static,
    today,
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


CONSOLE_DOORS: tuple[Door, ...] = (
    _open(STATIC_PATH + "/{digest}/{name}", static.file, "static"),
    _get("", today.home, "home"),
    _get("/today", today.today, "today"),
    _post("/language", today.language, "language", Role.VIEWER),
    _get("/mismatches", mismatches.desk, "mismatches"),
    _post("/mismatches", mismatches.act_on_many, "mismatches.act", Role.FINANCE),
    _get("/mismatches/{number}", mismatches.one, "mismatch"),
    _post("/mismatches/{number}", mismatches.act_on_one, "mismatch.act", Role.FINANCE),
)
