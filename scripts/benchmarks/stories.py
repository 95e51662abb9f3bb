"""Which ledger do the rules run over? As many honest orders as wanted, and some planted errors.

A few stories are applied as they would be in life; each is then copied by the database itself, with
other numbers: of ten orders one was refunded in part, two were paid in two parts and two were
shared out, so that a million bring 1,200,000 charges, 100,000 refunds and 200,000 allocations.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from scripts.benchmarks import events
from service.core.observation import Observation, Source
from service.ledger.columns import Instant
from service.ledger.dialect import insert_rows
from service.ledger.engine import Connection, Ledger, open_ledger
from service.ledger.migrations import migrate
from service.ledger.schema import beliefs, watches
from service.pingpp.reader import read_object
from service.work.apply import apply
from service.work.terms import Terms

ACCOUNT = "shop"
DAWN = datetime(2024, 8, 16, 6, 0, tzinfo=UTC)
STORIES = 10
"""Orders of one round of stories."""
APART = timedelta(milliseconds=300)
"""Between one order and the next: a million lie within four days."""
_MARK = 777_777_777_770
_FIRST = 200_000_000_000
_TEMPLATE = "template"
_BATCH = 100_000

Fields = dict[str, Any]


def now(count: int) -> datetime:
    """When the rules run: soon after the last of `count` orders."""
    return DAWN + APART * count + timedelta(hours=1)


def fill(ledger: Ledger, count: int) -> None:
    """Write `count` honest orders with all that belongs to them; a multiple of STORIES."""
    _hurry(ledger)
    for table, rows in _templates().items():
        with ledger.begin() as connection:
            insert_rows(connection, table, rows)
        for start in range(0, count, _BATCH):
            last = min(start + _BATCH, count) // STORIES - 1
            with ledger.begin() as connection:
                connection.execute(_copy(table), {"first": start // STORIES, "last": last})
        with ledger.begin() as connection:
            connection.execute(sa.delete(table).where(table.c.account.startswith(_TEMPLATE)))


def _hurry(ledger: Ledger) -> None:
    """Let SQLite keep pages and not wait for the disk; the ledger is to be closed afterwards."""
    if ledger.dialect == "sqlite":
        with closing(ledger.writer.raw_connection()) as connection:
            for pragma in ("synchronous=OFF", "cache_size=-300000"):
                connection.cursor().execute(f"PRAGMA {pragma}")


def _templates() -> dict[sa.Table, list[dict[str, Any]]]:
    """The rows of each story under an account of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_ledger(f"sqlite:///{folder}/stories.db")) as ledger,
    ):
        migrate(ledger)
        for story in range(STORIES):
            at = DAWN + timedelta(minutes=5)
            apply(ledger, list(_seen(story, at)), terms=Terms(), now=at)
        with ledger.read() as connection:
            return {
                table: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
                for table in (beliefs, watches)
            }


def _seen(story: int, at: datetime) -> Iterator[Observation]:
    for fields in _objects(story):
        account = f"{_TEMPLATE}{story}"
        yield from read_object(
            fields, account=account, source=Source.WEBHOOK, seen_at=at
        ).observations


def _objects(story: int) -> Iterator[Fields]:
    """One order and what belongs to it: refunded (0), in two parts (1, 2), shared out (3, 4)."""
    number = _MARK + story
    order = events.order(number)
    amount = 10_000 + story
    (charge,) = order["charges"]["data"]
    order |= {"amount": amount, "actual_amount": amount, "amount_paid": amount}
    charge |= {"amount": amount, "amount_settle": amount}
    if story in (1, 2):
        other = charge | {"id": f"ch_9{number:023d}", "amount": 4_000, "amount_settle": 4_000}
        charge |= {"amount": amount - 4_000, "amount_settle": amount - 4_000}
        order["charges"]["data"].append(other)
    if story == 0:
        order |= {"status": "refunded", "refunded": True, "amount_refunded": 3_000}
        charge |= {"refunded": True, "amount_refunded": 3_000}
        yield _refund(number, order["id"], charge["id"])
    if story in (3, 4):
        yield _allocation(number, order["id"])
    yield order


def _refund(number: int, order_id: str, charge_id: str) -> Fields:
    return {
        "id": f"201{number:016d}",
        "object": "order_refund",
        "created": 1_723_788_000,
        "livemode": True,
        "app": events.APP,
        "order": order_id,
        "charge": charge_id,
        "order_no": f"R{number}",
        "uid": "user_1",
        "amount": 3_000,
        "status": "succeeded",
        "time_succeeded": 1_723_788_100,
        "description": "退一件商品",
    }


def _allocation(number: int, order_id: str) -> Fields:
    shares = ({"user": "user_1", "amount": 2_000}, {"user": "user_2", "amount": 500})
    return {
        "id": f"301{number:016d}",
        "object": "allocation",
        "type": "allocation",
        "created": 1_723_788_000,
        "livemode": True,
        "app": events.APP,
        "order": order_id,
        "order_no": f"A{number}",
        "amount": 2_500,
        "status": "succeeded",
        "time_succeeded": 1_723_788_100,
        "recipients": [{"status": "succeeded", **share} for share in shares],
    }


def _copy(table: sa.Table) -> sa.TextClause:
    """The INSERT that copies the stories for the rounds `first` to `last`."""
    number = f"CAST({_FIRST} + round.n * {STORIES} + story AS TEXT)"
    mark = f"CAST({_MARK} + story AS TEXT)"
    step = APART // timedelta(microseconds=1)
    values: list[str] = []
    for column in table.columns:
        name = f"story.{column.name}"
        if column.name == "account":
            values.append(f"'{ACCOUNT}'")
        elif isinstance(column.type, Instant):
            values.append(f"{name} + (round.n * {STORIES} + story) * {step}")
        elif isinstance(column.type, sa.String):
            values.append(f"replace({name}, {mark}, {number})")
        else:
            values.append(name)
    columns = ", ".join(column.name for column in table.columns)
    story = f"CAST(substr(account, {len(_TEMPLATE) + 1}) AS INTEGER) AS story"
    return sa.text(
        "WITH RECURSIVE round(n) AS (SELECT CAST(:first AS BIGINT) UNION ALL"
        " SELECT n + 1 FROM round WHERE n < :last),"
        f" story AS MATERIALIZED (SELECT {table.name}.*, {story} FROM {table.name}"
        f" WHERE account LIKE '{_TEMPLATE}%')"
        f" INSERT INTO {table.name} ({columns}) SELECT {', '.join(values)}"
        " FROM round CROSS JOIN story"
    )


@dataclass(frozen=True, slots=True)
class Error:
    """A kind of error: what is done to the `kind` of one order of a story, and what that breaks.

    sets: columns and their new values as SQL; none: the object is taken away.
    """

    story: int
    kind: str
    sets: str
    breaks: tuple[str, ...]


ERRORS = (
    Error(5, "order", "amount_paid = amount_paid - 1", ("paid_sum", "paid_short")),
    Error(6, "order", "amount_paid = amount_paid + 1", ("paid_sum", "overpaid")),
    Error(1, "charge", "", ("paid_sum",)),
    Error(0, "order_refund", "", ("refund_unseen",)),
    Error(0, "order_refund", "amount = amount + 1", ("refunded_sum_refunds",)),
    Error(7, "charge", "currency = 'usd'", ("paid_sum", "other_currency")),
    Error(8, "order", "order_no = '900000000000'", ("order_no_twice",)),
    Error(3, "allocation", "amount = amount * 9", ("recipients_sum", "allocated_over_paid")),
    Error(9, "charge", "moved_at = created_at - 86400000000", ("time_before_created",)),
    Error(4, "order", "notified_at = NULL", ("learned_by_polling",)),
)
PLANTED = 100
"""Of each kind of error."""


def plant(ledger: Ledger, count: int) -> Counter[str]:
    """Break PLANTED objects in each way, evenly among the orders; what is to be found, by rule."""
    expected: Counter[str] = Counter()
    rounds = count // STORIES
    with ledger.begin() as connection:
        for place, error in enumerate(ERRORS):
            for turn in range(PLANTED):
                at = (turn * rounds // PLANTED + place * rounds // PLANTED // len(ERRORS)) % rounds
                _break(connection, error, at * STORIES + error.story)
            expected.update(dict.fromkeys(error.breaks, PLANTED))
    # of those that share a number the first is no finding
    expected["order_no_twice"] -= 1
    return expected


def _break(connection: Connection, error: Error, number: int) -> None:
    """The first one of that kind in the order, or the order itself."""
    own = "object_id" if error.kind == "order" else "order_id"
    what = f"UPDATE beliefs SET {error.sets}" if error.sets else "DELETE FROM beliefs"
    first = (
        f"SELECT min(object_id || '') FROM beliefs WHERE account = :a AND kind = :k AND {own} = :o"
    )
    connection.execute(
        sa.text(f"{what} WHERE account = :a AND kind = :k AND object_id = ({first})"),
        {"a": ACCOUNT, "k": error.kind, "o": _id_of(number)},
    )


def _id_of(number: int) -> str:
    return str(events.order(_FIRST + number)["id"])
