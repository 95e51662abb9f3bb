"""Which ledger do people look at? A month of a shop with as many orders as wanted.

Every table that a page asks is filled, by one INSERT … SELECT each over a series of numbers, so
that a million orders take minutes. What a page decodes is as `work.apply` would have left it;
what only takes room (states, bodies) is padding of the usual length.

Of 100 orders 95 were paid, each by one charge; about half of those were shared out, 3 refunded; one
withdrawal and one user come with them. One in a hundred broke a rule, one in 2,000 still does.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from scripts.benchmarks.shop_rows import Rows, all_rows
from service.core.closing import FIRST, FORM, Closing, Standing, Total
from service.core.instant import to_micros
from service.ledger import closings
from service.ledger.engine import Connection, Ledger

SPAN = timedelta(days=30)
BATCH = 20_000
ACCOUNTS = ("shop", "second", "quiet")
APPS = {name: f"app_{name}" for name in ACCOUNTS}

_SERIES = {
    "sqlite": "WITH RECURSIVE s(i) AS"
    " (SELECT :first UNION ALL SELECT i + 1 FROM s WHERE i < :last)",
    "postgresql": "WITH s(i) AS"
    " (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint)))",
}


def fill(ledger: Ledger, count: int, *, now: datetime) -> None:
    """A month that ends now, in transactions of some thousand orders."""
    values = {
        "start": to_micros(now - SPAN),
        "step": to_micros(now) // count - to_micros(now - SPAN) // count,
        "count": count,
        "pad": " " * 600,
        "body": bytes(900),
        "small": bytes(300),
        "signature": "s" * 344,
    }
    for first in range(0, count, BATCH):
        span = {"first": first, "last": min(first + BATCH, count) - 1}
        with ledger.begin() as connection:
            if ledger.dialect == "postgresql":
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            for rows in all_rows():
                _insert(connection, rows, values | span)


def order_id(number: int) -> str:
    """The id of an order."""
    return str(2010000000000000000 + number)


def order_no(number: int) -> str:
    """The merchant's own number of it."""
    return f"M{100000000000000000 + number}"


def charge_id(number: int) -> str:
    """The id of the charge that paid it."""
    return f"ch_{1000000000000000000 + number}"


def transaction_no(number: int) -> str:
    """The channel's number of that."""
    return f"4200{1000000000000000000 + number}"


def user_id(number: int) -> str:
    """The id of a user of the first account."""
    return f"{APPS['shop']}-user_{number}"


def settle(ledger: Ledger) -> None:
    """As it is after some days: statistics are there, and numbers go on behind the last."""
    with ledger.begin() as connection:
        if ledger.dialect == "postgresql":
            for table in ("deliveries", "outbox"):
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"
                    f" (SELECT max(id) FROM {table}))"
                )
    with ledger.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(
            "VACUUM ANALYZE" if ledger.dialect == "postgresql" else "ANALYZE"
        )


def _insert(connection: Connection, rows: Rows, values: dict[str, Any]) -> None:
    names, chosen = ", ".join(rows.columns), ", ".join(rows.columns.values())
    text = (
        f"INSERT INTO {rows.table} ({names}) {_SERIES[connection.dialect.name]}"
        f" SELECT {chosen} FROM s WHERE {rows.where} ORDER BY s.i"
    )
    statement = sa.text(text)
    connection.execute(statement, {name: values[name] for name in statement.compile().params})


def close_days(ledger: Ledger, *, now: datetime) -> date:
    """Close the days before today; gives the last of them."""
    last = now.date() - timedelta(days=1)
    previous = FIRST
    for ago in reversed(range(SPAN.days)):
        day = last - timedelta(days=ago)
        begin = datetime.combine(day, time(), UTC)
        made = Closing(
            form=FORM,
            day=day,
            zone="Asia/Shanghai",
            begins_at=begin,
            ends_at=begin + timedelta(days=1),
            closed_at=now,
            by="bench",
            reason="",
            pending=0,
            open=(),
            previous=previous,
            cut=1,
            next_from=1,
            mismatches=(),
            postings=50_000,
            totals=tuple(_totals(day)),
            balances=tuple(
                Standing(account, f"{book}:{APPS[account]}", "cny", 5_000, 5_000)
                for account in ACCOUNTS
                for book in ("clearing", "payable", "wallet")
            ),
        )
        with ledger.begin() as connection:
            previous = closings.add(connection, made)
    return last


def _totals(day: date) -> Iterator[Total]:
    """As many lines as accounts, channels and kinds make."""
    for account in ACCOUNTS:
        for channel in ("wx_pub", "alipay", "wx_lite"):
            for kind, debit, credit in (
                ("charge", "clearing", "orders"),
                ("order", "orders", "payable"),
                ("allocation", "payable", "wallet"),
                ("order_refund", "refunds", "clearing"),
            ):
                app = APPS[account]
                yield Total(
                    day, account, app, channel, kind, "cny", debit, credit, 9_000, 900_000, 0
                )
