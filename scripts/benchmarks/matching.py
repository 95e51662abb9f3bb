"""How fast is a statement imported and matched, beside polars on the same two tables?"""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from scripts.benchmarks.databases import POSTGRES, Databases
from service.core.statement.mapping import READY
from service.ledger.dialect import insert_rows
from service.ledger.engine import Ledger, open_ledger
from service.ledger.rules import Finding
from service.ledger.schema import beliefs
from service.work.statement.match import match
from service.work.statement.take import Order, take
from service.work.terms import Terms

DAWN = datetime(2026, 11, 21, 16, tzinfo=UTC)
NOW = DAWN + timedelta(days=2)
READING = replace(READY["book"], against="charges", covers=("payment",))
DIFFERENCES = 1_000
# what is planted, in turn, and which rule finds it
_RULES = {
    "more": "amount",
    "less": "amount",
    "missing": "missing_there",
    "extra": "missing_here",
    "double": "duplicate",
    "day": "date",
    "refund": "missing_here",
    "swapped": "amount",
}
PLANTS = (*_RULES, "swapped")
BATCH = 5_000
HEAD = "type,order_no,transaction_no,amount,fee,currency,status,at\n"


def measure_matching(database: str, count: int, databases: Databases) -> dict[str, Any]:
    """Seconds to import, to match, and for polars to read both and join them; memory in MB."""
    print(f"measuring statements on {database} …", file=sys.stderr, flush=True)
    with (
        databases.fresh(database) as url,
        closing(open_ledger(url)) as ledger,
        tempfile.TemporaryDirectory() as folder,
    ):
        _fill(ledger, count)
        path = Path(folder) / "bill.csv"
        _write(path, count)
        order = Order(path, "shop", "channel", READING, (20_779, 20_779))
        imported = _seconds(lambda: take(ledger, order, now=NOW))
        if database == POSTGRES:
            with ledger.begin() as connection:
                connection.exec_driver_sql("ANALYZE beliefs, statement_lines")
        found: list[Finding] = []
        terms = Terms(epoch="bench")
        matched = _seconds(
            lambda: found.extend(
                match(ledger, "shop", "channel", READING, terms=terms, now=NOW).findings
            )
        )
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        wrong = {(one.rule, one.key.object_id) for one in found} ^ planted(count)
        if wrong:
            raise RuntimeError(f"{len(wrong)} are not as they were planted: {sorted(wrong)[:9]}")
        # loading polars is no part of its time
        import_module("polars")
        joined = _seconds(lambda: _join(ledger))
    return {
        "import_s": imported,
        "match_s": matched,
        "polars_s": joined,
        "ratio": matched / joined,
        "memory_mb": memory,
    }


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _join(ledger: Ledger) -> None:
    import polars as pl

    ours = sa.text(
        "SELECT order_no, transaction_no, amount, fee, status, moved_at FROM beliefs"
        " WHERE account = 'shop' AND kind = 'charge'"
    )
    theirs = sa.text(
        "SELECT order_no, transaction_no, amount, fee, status, day FROM statement_lines"
    )
    with ledger.read() as connection:
        left = pl.read_database(ours, connection)
        right = pl.read_database(theirs, connection)
    # its types are not all known
    joined: Any = left.join(right, on="order_no", how="full", suffix="_there")
    differing = joined.filter(pl.col("amount") != pl.col("amount_there")).height
    alone = joined.filter(pl.col("amount").is_null() | pl.col("amount_there").is_null()).height
    if not differing + alone:
        raise RuntimeError("polars found nothing")


def _fill(ledger: Ledger, count: int) -> None:
    for start in range(0, count, BATCH):
        rows = [filled_belief(number) for number in range(start, min(start + BATCH, count))]
        with ledger.begin() as connection:
            insert_rows(connection, beliefs, rows)


def filled_belief(number: int) -> dict[str, Any]:
    at = _at(number)
    return {
        "account": "shop",
        "kind": "charge",
        "object_id": f"ch_{number:020}",
        # as long as that of a paid charge
        "state": "{" + " " * 900 + "}",
        "status": "paid",
        "final": True,
        "conflict": False,
        "failing": False,
        "contested": "",
        "order_no": _number(number),
        "currency": "cny",
        "amount": _amount(number),
        "amount_refunded": 0,
        "created_at": at,
        "since_at": at,
        "seq": 1,
        "updated_at": at,
        "transaction_no": f"4200{number:024}",
        "moved_at": at,
        "fee": _amount(number) // 200,
    }


def _number(number: int) -> str:
    return f"M{number:018}"


def _amount(number: int) -> int:
    return 100 + number * 7919 % 99_900


def _at(number: int) -> datetime:
    return DAWN + timedelta(seconds=600 + number % 85_000)


def _write(path: Path, count: int) -> None:
    """The lines in another order than the objects, with differences of every kind."""
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD)
        file.writelines(_lines(count))


def _shuffled(count: int) -> list[int]:
    numbers = list(range(count))
    random.Random(7).shuffle(numbers)
    return numbers


def _plant(place: int) -> str:
    return PLANTS[place % len(PLANTS)] if place < DIFFERENCES else ""


def planted(count: int) -> set[tuple[str, str]]:
    """What should be found: rule and number."""
    return {
        (f"statement_{_RULES[plant]}", _named(plant, number))
        for place, number in enumerate(_shuffled(count)[:DIFFERENCES])
        if (plant := _plant(place))
    }


def _named(plant: str, number: int) -> str:
    what = "refund" if plant == "refund" else "payment"
    return f"channel/{what}/{'X' if plant == 'extra' else ''}{_number(number)}"


def _lines(count: int) -> Iterator[str]:
    numbers = _shuffled(count)
    for place, number in enumerate(numbers):
        plant, amount, at = _plant(place), _amount(number), _at(number)
        if plant in ("more", "less"):
            amount += 1 if plant == "more" else -1
        elif plant == "swapped":
            # two of them stand side by side
            beside = place + 1 if _plant(place + 1) == plant else place - 1
            amount = _amount(numbers[beside])
        elif plant == "day":
            at += timedelta(days=1)
        if plant != "missing":
            yield _line(number, amount, at)
        if plant in ("extra", "double", "refund"):
            yield _line(number, amount, at, plant)


def _line(number: int, amount: int, at: datetime, more: str = "") -> str:
    own = "X" if more == "extra" else ""
    fee = _amount(number) // 200
    when = (at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")
    return (
        f"{'refund' if more == 'refund' else 'payment'},{own}{_number(number)},"
        f"{own}4200{number:024},{amount // 100}.{amount % 100:02},"
        f"{fee // 100}.{fee % 100:02},cny,SUCCESS,{when}\n"
    )
