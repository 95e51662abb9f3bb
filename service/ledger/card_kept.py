"""Which lines of the provider's card were measured beforehand, and when?"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.ledger.dialect import insert_rows, upsert_rows
from service.ledger.engine import Connection
from service.ledger.judging import Scope, within
from service.ledger.provider_card import Ends, Events, Group, Line, Spread
from service.ledger.schema import card_lines, card_weeks

_EPOCH = date(1970, 1, 1)
_FIGURES = (
    "objects", "due", "lost", "asked_first", "events", "repeats", "late",
    "delays", "delay_p50", "delay_p99", "ended", "to_final_p50", "to_final_p99",
)  # fmt: skip


def measured(connection: Connection) -> dict[date, datetime]:
    """When each week was measured, by its Monday."""
    rows = connection.execute(sa.select(card_weeks.c.week, card_weeks.c.measured_at))
    return {_day(week): at for week, at in rows}


def keep(connection: Connection, monday: date, lines: Sequence[Line], *, now: datetime) -> None:
    """Keep the lines of a week instead of those that were kept of it before."""
    week = _number(monday)
    # first of all: whoever else keeps this week waits here, and then deletes these lines
    upsert_rows(connection, card_weeks, [{"week": week, "measured_at": now}])
    connection.execute(sa.delete(card_lines).where(card_lines.c.week == week))
    insert_rows(connection, card_lines, [_row(week, line) for line in lines])


def _row(week: int, line: Line) -> dict[str, Any]:
    figures = (*line.ends, *line.events, *line.delay, *line.to_final)
    return {
        "week": week,
        **line.group._asdict(),
        **dict(zip(_FIGURES, figures, strict=True)),
    }


def lines(
    connection: Connection,
    scope: Scope,
    *,
    since: date,
    until: date,
    account: str | None = None,
    limit: int,
) -> list[Line]:
    """Lines of the weeks whose Mondays lie from `since` to `until`, the newest week first."""
    key = (card_lines.c.account, card_lines.c.kind, card_lines.c.channel)
    chosen = (
        sa.select(card_lines.c.week, *key, *(card_lines.c[name] for name in _FIGURES))
        .where(card_lines.c.week >= _number(since), card_lines.c.week <= _number(until))
        .where(*within(card_lines.c.account, scope))
        .order_by(card_lines.c.week.desc(), *key)
        .limit(limit)
    )
    if account is not None:
        chosen = chosen.where(card_lines.c.account == account)
    return [_line(row) for row in connection.execute(chosen)]


def _line(row: Sequence[Any]) -> Line:
    figures = row[4:]
    return Line(
        Group(*row[1:4]),
        _day(row[0]),
        Ends(*figures[:4]),
        Events(*figures[4:7]),
        Spread(*figures[7:10]),
        Spread(*figures[10:]),
    )


def _number(day: date) -> int:
    return (day - _EPOCH).days


def _day(number: int) -> date:
    return _EPOCH + timedelta(days=number)
