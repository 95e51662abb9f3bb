"""How does it run: jobs and processes, accounts and keys, the audit, the settings in force?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from pydantic import BaseModel, SecretStr
from starlette.responses import Response

from service.core.masking import HIDDEN, mask_text
from service.ledger import audit as lines
from service.ledger import slots
from service.ledger.slots import Slot
from service.ledger.views import running
from service.runtime import load_rings
from service.settings import Account
from service.web.console.page import page
from service.web.console.visit import Visit, place_of
from service.web.console.words import WORDS

FIRINGS_SHOWN = 12
# a process that has not ticked for so long is gone
SILENT = timedelta(seconds=60)
ROTTEN_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Job:
    """One job: how often it fires, and how it went; none known: it keeps no record of firings."""

    name: str
    every: timedelta | None
    last: Slot | None
    firings: Sequence[Slot]

    @property
    def next_at(self) -> datetime | None:
        """When it fires again."""
        return self.last.slot_at + self.every if self.last and self.every else None


def jobs(visit: Visit) -> Response:
    """Every job with its last firings, and the processes that do the work."""
    visit.check_query(())
    every = {
        name.removesuffix("_seconds"): timedelta(seconds=seconds)
        for name, seconds in visit.settings.jobs.model_dump().items()
        if name.endswith("_seconds")
    }
    with visit.ledger.read() as connection:
        found = running.firings(connection, running.jobs(connection), limit=FIRINGS_SHOWN)
        processes = slots.running(connection, since=visit.now - SILENT)
    rows = [
        Job(name, every.get(name), firings[0] if firings else None, firings)
        for name, firings in ((name, found.get(name, [])) for name in sorted({*found, *every}))
    ]
    return page(
        visit,
        "jobs.html",
        rows=sorted(rows, key=lambda job: (not job.firings, job.name)),
        processes=processes,
        known=WORDS["job"],
    )


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key that Ping++ may sign with, and when it last did, among the newest deliveries."""

    fingerprint: str
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Holder:
    """One account of the settings."""

    name: str
    settings: Account
    keys: Sequence[PublicKey]
    strange: Sequence[tuple[str, datetime]]

    @property
    def turns(self) -> bool:
        """Whether a key waits to take over, or to be taken out."""
        return len(self.keys) > 1


def accounts(visit: Visit) -> Response:
    """Each account, its keys and how it is asked for; never a secret."""
    visit.check_query(())
    with visit.ledger.read() as connection:
        seen = running.keys_seen(connection, visit.scope)
    rings = load_rings(visit.settings)
    rows: list[Holder] = []
    for name in visit.accounts():
        known = rings[name].fingerprints if name in rings else ()
        keys = [PublicKey(one, seen.get((name, one))) for one in known]
        strange = [(k, at) for (whose, k), at in seen.items() if whose == name and k not in known]
        rows.append(Holder(name, visit.settings.accounts[name], keys, strange))
    return page(visit, "accounts.html", rows=rows)


def audit(visit: Visit) -> Response:
    """Who opened personal data, and why; who sees only some accounts sees what they did."""
    visit.check_query(("size", "after"))
    who = None if visit.scope is None else f"{visit.person.name} ({visit.person.id})"
    after = visit.after(int)
    with visit.ledger.read() as connection:
        found = running.noted(connection, who=who, after=after, size=visit.size())
    return page(visit, "audit.html", rows=found.rows, following=place_of(found.following))


def verify_audit(visit: Visit) -> Response:
    """Go through the chain of the audit, line by line."""
    with visit.ledger.read() as connection:
        found = running.noted(connection, who=None, after=None, size=visit.size())
    broken = [number for number, _ in zip(lines.broken(visit.ledger), range(ROTTEN_SHOWN))]  # noqa: B905
    return page(
        visit, "audit.html", rows=found.rows, following=place_of(found.following), broken=broken
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """One key as it is in force."""

    key: str
    value: str
    is_default: bool


def settings(visit: Visit) -> Response:
    """Everything that is set, with secrets and what links carry hidden."""
    visit.check_query(())
    return page(visit, "settings.html", rows=list(_shown(visit)))


def _shown(visit: Visit) -> Iterator[Setting]:
    for one in _walk(visit.settings, ""):
        parts = one.key.split(".")
        if parts[0] != "accounts" or len(parts) < 2 or visit.person.sees(parts[1]):
            yield one


def _walk(table: BaseModel | Mapping[str, Any], place: str) -> Iterator[Setting]:
    if isinstance(table, BaseModel):
        fields = type(table).model_fields
        for name in fields:
            default = fields[name].get_default(call_default_factory=True, validated_data={})
            yield from _setting(f"{place}{name}", getattr(table, name), default)
    else:
        for name in sorted(table):
            yield from _setting(f"{place}{name}", table[name], None)


def _setting(key: str, value: object, default: object) -> Iterator[Setting]:
    if isinstance(value, BaseModel):
        yield from _walk(value, f"{key}.")
    elif isinstance(value, Mapping):
        yield from _walk(cast("Mapping[str, Any]", value), f"{key}.")
    else:
        yield Setting(key, _text(value), value == default)


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, tuple):
        return ", ".join(_text(one) for one in cast("tuple[object, ...]", value))
    return "" if value is None else mask_text(str(value))
