"""What do the rules of statements find about one source, and what is on the books already?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from service.core.instant import MICROS, to_micros
from service.core.observation import Key
from service.core.statement.mapping import Reading
from service.ledger import statements
from service.ledger.engine import Ledger
from service.ledger.keys import listed_values, values_as_parameter
from service.ledger.rules.apart import apart, is_numbered, led
from service.ledger.rules.check import Checked, Live
from service.ledger.rules.rule import Finding
from service.ledger.rules.sides import Scope
from service.ledger.rules.sources import word, words
from service.ledger.rules.statements import KIND, STATEMENTS, select_all
from service.ledger.schema import mismatches
from service.ledger.snapshots import patient
from service.ledger.statements import Window

# More findings than this are no differences, but a wrong file or a wrong mapping.
FINDINGS_LIMIT = 10_000
# Numbers that are compared once more in full; above that all of them are.
APART_LIMIT = 50_000
_NUMBERS = "numbers"
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  a wall clock's day; its zone is put on below


def compare(
    ledger: Ledger, account: str, source: str, reading: Reading
) -> tuple[Checked, bool, int]:
    """Both sides of one source over all days it covers; whether that was too much; how many days.

    When there are more findings than FINDINGS_LIMIT, those that were not reached are not known:
    nothing may be settled for not being among them.
    """
    found: list[Finding] = []
    days = 0
    with patient(ledger) as connection:
        live = _live(connection, account, source)
        for window in statements.windows(connection, account, source):
            days += window.last_day - window.first_day + 1
            left = FINDINGS_LIMIT + 1 - len(found)
            found += _findings(connection, account, source, reading, window, left)
            if len(found) > FINDINGS_LIMIT:
                return Checked(tuple(found[:FINDINGS_LIMIT]), tuple(live)), True, days
    return Checked(tuple(_once(found)), tuple(live)), False, days


def _once(found: list[Finding]) -> list[Finding]:
    """A number that two windows speak of is one finding."""
    return list({(one.rule, one.key): one for one in found}.values())


def _findings(
    connection: sa.Connection,
    account: str,
    source: str,
    reading: Reading,
    window: Window,
    limit: int,
) -> list[Finding]:
    scope = Scope(reading.against, reading.covers, reading.channels, window.ids)
    values = bounds(account, source, reading, window)
    numbers = _apart(connection, scope, values)
    if numbers is not None:
        scope = _among(connection, scope)
        values |= {_NUMBERS: values_as_parameter(numbers)}
    rows = connection.execute(select_all(scope).limit(limit).params(values))
    return [Finding(row.rule, _key(row), row.ours, row.theirs, row.currency) for row in rows]


def _apart(
    connection: sa.Connection, scope: Scope, values: Mapping[str, Any]
) -> Sequence[str] | None:
    """The numbers that are worth a closer look; None: too many for that."""
    numbered = bool(connection.scalar(is_numbered(scope)))
    query = apart(scope, numbered=numbered).limit(APART_LIMIT + 1).params(values)
    numbers = list(connection.scalars(query))
    if len(numbers) > APART_LIMIT:
        return None
    named = led(_among(connection, scope)).params(
        {**values, _NUMBERS: values_as_parameter(numbers)}
    )
    return sorted({*numbers, *connection.scalars(named)})


def _among(connection: sa.Connection, scope: Scope) -> Scope:
    listed = listed_values(connection.dialect.name, _NUMBERS, sa.Text())
    return replace(scope, among=listed)


def _key(row: Any) -> Key:
    return Key(row.account, row.kind, row.object_id)


def bounds(account: str, source: str, reading: Reading, window: Window) -> dict[str, Any]:
    """The parameters of the rules, in microseconds; the offset is that of the first day."""
    zone = ZoneInfo(reading.zone)
    first = (_EPOCH + timedelta(days=window.first_day)).replace(tzinfo=zone)
    after = (_EPOCH + timedelta(days=window.last_day + 1)).replace(tzinfo=zone)
    offset = first.utcoffset() or timedelta(0)
    return {
        "account": account,
        "source": source,
        "low": to_micros(first),
        "high": to_micros(after),
        "cut": reading.cut_seconds * MICROS,
        "offset": int(offset.total_seconds()) * MICROS,
    }


def _live(connection: sa.Connection, account: str, source: str) -> list[Live]:
    """The mismatches of this source that are not settled."""
    one, begins = mismatches, f"{source}/"
    rows = connection.execute(
        sa.select(
            one.c.id,
            one.c.rule,
            one.c.account,
            one.c.kind,
            one.c.object_id,
            one.c.ours,
            one.c.theirs,
            one.c.currency,
            one.c.state,
            one.c.found_at,
            one.c.opened_at,
        )
        .where(
            one.c.state != word("settled"),
            one.c.rule.in_(words(*(rule.code for rule in STATEMENTS))),
            one.c.account == account,
            one.c.kind == word(KIND),
            sa.func.substr(one.c.object_id, 1, len(begins)) == begins,
        )
        .order_by(one.c.id)
    )
    return [
        Live(
            row.id,
            Finding(row.rule, Key(*row[2:5]), row.ours, row.theirs, row.currency),
            row.state,
            row.found_at,
            row.opened_at,
            answered=True,
        )
        for row in rows
    ]
