"""Which statements are there, and how does one come in: staged by lines, then flipped at once?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.masking import mask_text
from service.core.statement.lines import Line
from service.ledger.dialect import insert_rows
from service.ledger.engine import Ledger
from service.ledger.schema import statement_lines, statements

# Lines written or removed in one transaction: other writers get their turn in between.
LINES_AT_ONCE = 5_000
# Statements that are listed, and those of one source that are compared together.
STATEMENTS_LIMIT = 10_000

_LIVE = statements.c.state == "imported"


class Statement(NamedTuple):
    """One file that was imported; days as days since 1970."""

    id: int
    account: str
    source: str
    name: str
    digest: str
    state: str
    lines: int
    known: int
    first_day: int
    last_day: int
    imported_at: datetime
    removed_at: datetime | None
    reason: str | None


class Window(NamedTuple):
    """Days that follow each other and are all covered, and the statements that cover them."""

    first_day: int
    last_day: int
    ids: tuple[int, ...]


def stage(
    connection: sa.Connection, account: str, source: str, name: str, digest: str, now: datetime
) -> int:
    """A statement that counts for nothing yet; its number."""
    done = connection.execute(
        sa.insert(statements)
        .values(
            account=account,
            source=source,
            name=name[:200],
            digest=digest,
            state="staged",
            lines=0,
            known=0,
            first_day=0,
            last_day=0,
            imported_at=now,
        )
        .returning(statements.c.id)
    )
    return int(done.scalar_one())


def add(
    connection: sa.Connection,
    statement_id: int,
    account: str,
    source: str,
    lines: Sequence[Line],
) -> None:
    """Stage lines."""
    insert_rows(
        connection,
        statement_lines,
        [
            {
                "statement_id": statement_id,
                "line": line.number,
                "account": account,
                "source": source,
                **{name: value for name, value in line._asdict().items() if name != "number"},
                "mark": line.digest,
                "known": False,
            }
            for line in lines
        ],
    )


def flip(
    connection: sa.Connection, statement_id: int, *, first_day: int, last_day: int, lines: int
) -> int:
    """Make a staged statement count, in one step; how many of its lines were known already."""
    _number_equals(connection, statement_id)
    known = _know(connection, statement_id)
    connection.execute(
        sa.update(statements)
        .where(statements.c.id == statement_id, statements.c.state == "staged")
        .values(state="imported", first_day=first_day, last_day=last_day, lines=lines, known=known)
    )
    return known


def _number_equals(connection: sa.Connection, statement_id: int) -> None:
    """Tell lines of one file apart that say the same: an overlap of files is no double line.

    Numbered once and kept: without statistics PostgreSQL would number them again for each line.
    """
    nth = sa.func.row_number().over(
        partition_by=statement_lines.c.mark, order_by=statement_lines.c.line
    )
    numbered = (
        sa.select(statement_lines.c.line, nth.label("nth"))
        .where(statement_lines.c.statement_id == statement_id)
        .cte("numbered")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    connection.execute(
        sa.update(statement_lines)
        .where(
            statement_lines.c.statement_id == statement_id,
            statement_lines.c.line == numbered.c.line,
            numbered.c.nth > 1,
        )
        .values(mark=statement_lines.c.mark + sa.cast(numbered.c.nth, sa.Text()))
    )


def _know(connection: sa.Connection, statement_id: int) -> int:
    """Mark the lines that a statement of the same source has already."""
    other = statement_lines.alias("other")
    before = (
        sa.select(sa.literal(1))
        .select_from(other.join(statements, statements.c.id == other.c.statement_id))
        .where(
            other.c.account == statement_lines.c.account,
            other.c.source == statement_lines.c.source,
            other.c.mark == statement_lines.c.mark,
            other.c.statement_id != statement_lines.c.statement_id,
            _LIVE,
        )
        .correlate(statement_lines)
        .exists()
    )
    done = connection.execute(
        sa.update(statement_lines)
        .where(statement_lines.c.statement_id == statement_id, before)
        .values(known=True)
    )
    return int(done.rowcount)


def discard(ledger: Ledger, statement_id: int) -> None:
    """Take back what was staged, some lines at a time, then the statement itself."""
    chosen = (
        sa.select(statement_lines.c.line)
        .where(statement_lines.c.statement_id == statement_id)
        .limit(LINES_AT_ONCE)
    )
    while True:
        with ledger.begin() as connection:
            done = connection.execute(
                sa.delete(statement_lines).where(
                    statement_lines.c.statement_id == statement_id,
                    statement_lines.c.line.in_(chosen),
                )
            )
        if done.rowcount < LINES_AT_ONCE:
            break
    with ledger.begin() as connection:
        connection.execute(
            sa.delete(statements).where(
                statements.c.id == statement_id, statements.c.state == "staged"
            )
        )


def abandoned(connection: sa.Connection, before: datetime) -> list[int]:
    """Statements whose import died on the way."""
    return list(
        connection.scalars(
            sa.select(statements.c.id).where(
                statements.c.state == "staged", statements.c.imported_at < before
            )
        )
    )


def remove(connection: sa.Connection, statement_id: int, reason: str, now: datetime) -> bool:
    """Let a statement count no longer; it and its lines stay, with the reason. False: it did not.

    Lines that another statement has too count there from now on.
    """
    done = connection.execute(
        sa.update(statements)
        .where(statements.c.id == statement_id, _LIVE)
        .values(state="removed", removed_at=now, reason=mask_text(reason)[:200])
    )
    if done.rowcount != 1:
        return False
    gone, twin = statement_lines.alias("gone"), statement_lines.alias("twin")
    first = (
        sa.select(sa.func.min(twin.c.statement_id))
        .select_from(twin.join(statements, statements.c.id == twin.c.statement_id))
        .where(_same_mark(twin, statement_lines), _LIVE)
        .correlate(statement_lines)
        .scalar_subquery()
    )
    freed = (
        sa.select(sa.literal(1))
        .where(
            _same_mark(gone, statement_lines),
            gone.c.statement_id == statement_id,
            sa.not_(gone.c.known),
        )
        .correlate(statement_lines)
        .exists()
    )
    connection.execute(
        sa.update(statement_lines)
        .where(statement_lines.c.known, freed, statement_lines.c.statement_id == first)
        .values(known=False)
    )
    return True


def _same_mark(one: Any, other: Any) -> sa.ColumnElement[bool]:
    return sa.and_(
        one.c.account == other.c.account,
        one.c.source == other.c.source,
        one.c.mark == other.c.mark,
    )


def find(connection: sa.Connection, statement_id: int) -> Statement | None:
    """One statement by its number."""
    row = connection.execute(_select().where(statements.c.id == statement_id)).one_or_none()
    return None if row is None else Statement(*row)


def imported(connection: sa.Connection, account: str, source: str, digest: str) -> Statement | None:
    """The statement that these bytes have become already."""
    row = connection.execute(
        _select().where(
            statements.c.account == account,
            statements.c.source == source,
            statements.c.digest == digest,
            _LIVE,
        )
    ).one_or_none()
    return None if row is None else Statement(*row)


def listed(
    connection: sa.Connection, *, source: str | None = None, removed: bool = True
) -> list[Statement]:
    """Statements, the newest first; those whose import is under way are left out."""
    states = ("imported", "removed") if removed else ("imported",)
    chosen = _select().where(statements.c.state.in_(states))
    if source is not None:
        chosen = chosen.where(statements.c.source == source)
    rows = connection.execute(chosen.order_by(statements.c.id.desc()).limit(STATEMENTS_LIMIT))
    return [Statement(*row) for row in rows]


def lines_of(connection: sa.Connection, statement_id: int, limit: int) -> list[dict[str, Any]]:
    """The first lines of a statement as they were kept."""
    rows = connection.execute(
        sa.select(statement_lines)
        .where(statement_lines.c.statement_id == statement_id)
        .order_by(statement_lines.c.line)
        .limit(limit)
    )
    return [dict(row) for row in rows.mappings()]


def sources(connection: sa.Connection) -> list[tuple[str, str]]:
    """Every account and source that has a statement, or had one."""
    rows = connection.execute(
        sa.select(statements.c.account, statements.c.source)
        .where(statements.c.state != "staged")
        .distinct()
        .order_by(statements.c.account, statements.c.source)
    )
    return [(account, source) for account, source in rows]


def windows(connection: sa.Connection, account: str, source: str) -> list[Window]:
    """The covered days of a source: statements that touch or overlap are one window."""
    rows = connection.execute(
        sa.select(statements.c.first_day, statements.c.last_day, statements.c.id)
        .where(statements.c.account == account, statements.c.source == source, _LIVE)
        .order_by(statements.c.first_day, statements.c.id)
    )
    found: list[Window] = []
    for first, last, number in rows:
        if found and first <= found[-1].last_day + 1:
            one = found[-1]
            found[-1] = Window(one.first_day, max(one.last_day, last), (*one.ids, number))
        else:
            found.append(Window(first, last, (number,)))
    return found


def _select() -> sa.Select[tuple[Any, ...]]:
    return sa.select(*(statements.c[name] for name in Statement._fields))
