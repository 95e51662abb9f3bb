"""How far the walks over the provider's lists have come."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa

from service.ledger.dialect import upsert_rows
from service.ledger.schema import pages


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """One list's cursor, in Unix seconds of the items' `created`.

    since: everything created before it was walked. until, began: a walk that was cut short has
    everything down to `until`, and began at `began`; 0 when none was.
    """

    since: int
    until: int = 0
    began: int = 0


@dataclass(frozen=True, slots=True)
class Walk:
    """Which list: the kind of its items and the app it belongs to.

    span: which bounds it was walked within on demand; "" for the walk that goes on for ever.
    """

    account: str
    kind: str
    app: str
    span: str = ""

    @property
    def name(self) -> str:
        """Its name within the account."""
        return "/".join(part for part in (self.kind, self.app, self.span) if part)


def read(connection: sa.Connection, walk: Walk) -> Progress | None:
    """How far a walk has come; None before the first."""
    text = connection.scalar(
        sa.select(pages.c.cursor).where(pages.c.account == walk.account, pages.c.list == walk.name)
    )
    return None if text is None else msgspec.json.decode(text, type=Progress)


def write(connection: sa.Connection, walk: Walk, progress: Progress, *, now: datetime) -> None:
    """Keep how far a walk has come."""
    row = {
        "account": walk.account,
        "list": walk.name,
        "cursor": msgspec.json.encode(progress).decode(),
        "walked_at": now,
    }
    upsert_rows(connection, pages, [row])


def forget(connection: sa.Connection, walk: Walk) -> None:
    """A walk on demand has come to its end: the same question walks it anew."""
    connection.execute(
        sa.delete(pages).where(pages.c.account == walk.account, pages.c.list == walk.name)
    )
