"""Are planted differences between statements and beliefs all found, and nothing else, by index?"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.ledger import agreement, statements
from service.ledger.engine import Ledger
from service.ledger.rules.sides import Scope
from service.ledger.rules.statements import select_all
from service.ledger.schema import beliefs
from tests.books import part, put
from tests.work.statement.matching import CHANNEL, DAWN, DAY, bring, empty, line, matching, paid

PLANTS = (
    "plus", "minus", "missing", "extra", "doubled", "swapped", "day", "refund", "fee", "status",
)  # fmt: skip


@dataclass
class Plot:
    """Payments with refunds, their honest lines, and what was planted: rule and number."""

    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    lines: list[str] = field(default_factory=list[str])
    planted: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])


def plot(chance: random.Random, plants: Sequence[str], honest: int) -> Plot:
    made = Plot()
    for number, plant in enumerate([*plants, *["honest"] * honest]):
        _plant(made, f"M{number}", plant, chance)
    chance.shuffle(made.lines)
    return made


def _plant(made: Plot, name: str, plant: str, chance: random.Random) -> None:
    amount = chance.randrange(100, 100_000)
    at = DAWN + timedelta(seconds=chance.randrange(600, 85_000))
    fee = chance.randrange(1, 90)

    def say(number: str, said: int, when: datetime = at, extra: int = 0, status: str = "") -> None:
        own = f"T{number}"
        cost = f"0.{fee + extra:02}"
        made.lines.append(line(number, said, at=when, fee=cost, transaction_no=own, status=status))

    def know(number: str, known: int) -> None:
        made.rows.append(paid(number, known, at=at, transaction_no=f"T{number}", fee=fee))

    says: dict[str, Callable[[], None]] = {
        "plus": lambda: say(name, amount + 1),
        "minus": lambda: say(name, amount - 1),
        "missing": lambda: None,
        "doubled": lambda: (say(name, amount), say(name, amount))[0],
        "swapped": lambda: (say(name, amount + 7), say(f"{name}b", amount))[0],
        "day": lambda: say(name, amount, at + timedelta(days=1)),
        "fee": lambda: say(name, amount, extra=1),
        "status": lambda: say(name, amount, status="CLOSED"),
    }
    if plant != "extra":
        know(name, amount)
    if plant == "swapped":
        know(f"{name}b", amount + 7)
    says.get(plant, lambda: say(name, amount))()
    if plant == "refund" or (plant == "honest" and chance.random() < 0.5):
        _refund(made, name, amount, at, chance, is_wrong=plant == "refund")
    if plant in EXPECTED:
        what = "refund" if plant == "refund" else "payment"
        made.planted.add((EXPECTED[plant], f"channel/{what}/{name}"))
    if plant == "swapped":
        made.planted.add((EXPECTED[plant], f"channel/payment/{name}b"))


EXPECTED = {
    "plus": "statement_amount",
    "minus": "statement_amount",
    "missing": "statement_missing_there",
    "extra": "statement_missing_here",
    "doubled": "statement_duplicate",
    "swapped": "statement_amount",
    "day": "statement_date",
    "refund": "statement_amount",
    "fee": "statement_fee",
    "status": "statement_status",
}


def _refund(
    made: Plot, name: str, amount: int, at: datetime, chance: random.Random, *, is_wrong: bool
) -> None:
    """Some parts here, other parts there, of one sum unless it is wrong."""
    total = chance.randrange(3, amount)
    cut = chance.randrange(1, total)
    for number, some in enumerate((cut, total - cut)):
        made.rows.append(
            part(
                "refund",
                f"re_{name}_{number}",
                some,
                order_id=None,
                charge_id=f"ch_{name}",
                moved_at=at,
            )
        )
    said = total + 1 if is_wrong else total
    for n, share in enumerate((1, 1, said - 2)):
        made.lines.append(
            line(
                name,
                share,
                what="refund",
                at=at,
                transaction_no=f"T{name}",
                refund_no=f"R{name}{n}",
            )
        )


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(plants=st.lists(st.sampled_from(PLANTS), max_size=12), seed=st.integers(0, 2**32))
def test_what_was_planted_is_found_and_nothing_else(
    ledger: Ledger, tmp_path: Path, plants: list[str], seed: int
) -> None:
    empty(ledger)
    made = plot(random.Random(seed), plants, honest=8)
    with ledger.begin() as connection:
        put(connection, made.rows)
    bring(ledger, tmp_path, made.lines)
    seen = matching(ledger)
    assert {(f.rule, f.key.object_id) for f in seen.findings} == made.planted


def test_a_thousand_planted_differences_are_all_found(ledger: Ledger, tmp_path: Path) -> None:
    made = plot(random.Random(4), [PLANTS[n % len(PLANTS)] for n in range(1_000)], honest=1_000)
    with ledger.begin() as connection:
        connection.execute(sa.insert(beliefs), [_full(row) for row in made.rows])
    bring(ledger, tmp_path, made.lines)
    seen = matching(ledger)
    assert {(f.rule, f.key.object_id) for f in seen.findings} == made.planted
    assert len(made.planted) == 1_100
    # the first, cheap pass leaves nothing out
    with ledger.read() as connection:
        (window,) = statements.windows(connection, "shop", "channel")
        scope = Scope(CHANNEL.against, CHANNEL.covers, CHANNEL.channels, window.ids)
        values = agreement.bounds("shop", "channel", CHANNEL, window)
        rows = connection.execute(select_all(scope).params(values)).all()
    assert {(row.rule, row.object_id) for row in rows} == made.planted


def _full(row: dict[str, Any]) -> dict[str, Any]:
    return {"transaction_no": None, "fee": None, "moved_at": None, "channel": None} | row


def test_lines_find_what_they_are_of_by_index(ledger: Ledger, tmp_path: Path) -> None:
    made = plot(random.Random(1), [], honest=400)
    with ledger.begin() as connection:
        connection.execute(sa.insert(beliefs), [_full(row) for row in made.rows])
    number = bring(ledger, tmp_path, made.lines)
    window = statements.Window(DAY[0], DAY[1], (number,))
    query = select_all(Scope("charges", ("payment", "refund"), (), window.ids))
    values = agreement.bounds("shop", "channel", CHANNEL, window)
    plan = explained(ledger, query, values)
    assert "ix_beliefs_transaction_no" in plan
    assert "ix_beliefs_moved_at" in plan or "Seq Scan" in plan
    walked = [step for step in plan.splitlines() if "elsewhere" in step and "moved_at>" in step]
    assert walked == []


def explained(ledger: Ledger, query: Any, values: dict[str, Any]) -> str:
    compiled = query.compile(ledger.writer)
    given = compiled.construct_params(values)
    with ledger.begin() as connection:
        if ledger.dialect == "postgresql":
            connection.exec_driver_sql("ANALYZE beliefs")
            rows = connection.exec_driver_sql(f"EXPLAIN {compiled}", given)
        else:
            ordered = tuple(given[name] for name in compiled.positiontup)
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", ordered)
        return "\n".join(str(row) for row in rows)
