"""Are planted differences between statements and beliefs all found, and nothing else?"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.statement.mapping import READY, Reading
from service.ledger import agreement, statements
from service.ledger.engine import Ledger
from service.ledger.rules.sides import Scope
from service.ledger.rules.statements import select_all
from service.ledger.schema import beliefs, dispatches, mismatches, outbox, statement_lines
from service.ledger.schema import statements as statements_table
from service.work.reconcile import suspects
from service.work.statement.match import Matched, match
from service.work.statement.take import Order, take
from service.work.terms import Terms
from tests.books import Row, belief, charge, order, part, put, rows_of, states, told

# 2026-11-22 in Shanghai
DAWN = datetime(2026, 11, 21, 16, tzinfo=UTC)
NOON = DAWN + timedelta(hours=12)
DAY = (20_779, 20_779)
TERMS = Terms(epoch="e", sinks=("books",))
HEAD = "type,order_no,transaction_no,refund_no,id,amount,fee,currency,status,at\n"
CHANNEL = replace(READY["book"], against="charges")


def line(
    number: str,
    amount: int,
    *,
    what: str = "payment",
    at: datetime = NOON,
    transaction_no: str = "",
    refund_no: str = "",
    object_id: str = "",
    fee: str = "",
    currency: str = "cny",
    status: str = "",
) -> str:
    when = (at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")
    yuan = f"{amount // 100}.{amount % 100:02}"
    cells = (what, number, transaction_no, refund_no, object_id, yuan, fee, currency, status, when)
    return ",".join(cells) + "\n"


def paid(number: str, amount: int = 100, *, at: datetime = NOON, **columns: Any) -> dict[str, Any]:
    """A charge without an order whose money moved."""
    given: dict[str, Any] = {
        "order_id": None,
        "order_no": number,
        "amount": amount,
        "moved_at": at,
    }
    return charge(f"ch_{number}", **given | columns)


def bring(
    ledger: Ledger,
    folder: Path,
    lines: Iterable[str],
    *,
    source: str = "channel",
    days: tuple[int, int] | None = DAY,
    name: str = "bill.csv",
    reading: Reading = CHANNEL,
) -> int:
    path = folder / name
    path.write_text(HEAD + "".join(lines), encoding="utf-8")
    return take(ledger, Order(path, "shop", source, reading, days), now=NOON).id


def matching(
    ledger: Ledger, now: datetime = NOON, *, source: str = "channel", reading: Reading = CHANNEL
) -> Matched:
    return match(ledger, "shop", source, reading, terms=TERMS, now=now)


Found = list[tuple[str, str, str, str]]


def found(
    ledger: Ledger, folder: Path, rows: Sequence[Row], lines: Iterable[str], **how: Any
) -> Found:
    with ledger.begin() as connection:
        put(connection, rows)
    bring(ledger, folder, lines, **how)
    seen = matching(ledger, reading=how.get("reading", CHANNEL))
    return [
        (f.rule.removeprefix("statement_"), f.key.object_id.partition("/")[2], f.ours, f.theirs)
        for f in seen.findings
    ]


NEXT_DAY = DAWN + timedelta(days=1)
ORDERS = READY["book"]

AGREE: dict[str, tuple[list[Row], list[str], dict[str, Any]]] = {
    "a payment": ([paid("M1")], [line("M1", 100)], {}),
    "a payment under the channel's number": (
        [paid("M1", transaction_no="T1")],
        [line("other", 100, transaction_no="T1")],
        {},
    ),
    "a payment under its id": ([paid("M1")], [line("", 100, object_id="ch_M1")], {}),
    "an order of two charges, two lines": (
        [
            charge("ch1", order_no="M1", amount=60, moved_at=NOON, transaction_no="T1"),
            charge("ch2", order_no="M1", amount=40, moved_at=NOON, transaction_no="T2"),
        ],
        [line("M1", 60, transaction_no="T1"), line("M1", 40, transaction_no="T2")],
        {},
    ),
    "an order of two charges, one line of the book": (
        [
            order("o1", order_no="M1", moved_at=NOON),
            charge("ch1", order_no="M1", amount=60, moved_at=NOON),
            charge("ch2", order_no="M1", amount=40, moved_at=NOON),
        ],
        [line("M1", 100)],
        {"reading": ORDERS},
    ),
    "a refund in three parts, two lines": (
        [
            paid("M1"),
            *(
                part("refund", f"re{n}", n, order_id=None, charge_id="ch_M1", moved_at=NOON)
                for n in (1, 2, 3)
            ),
        ],
        [line("M1", 100), line("M1", 4, what="refund"), line("M1", 2, what="refund")],
        {},
    ),
    "an order's refund shows in two kinds": (
        [
            order("o1", order_no="M1", moved_at=NOON),
            charge("ch1", order_no="M1", moved_at=NOON),
            part("order_refund", "r1", 30, moved_at=NOON, charge_id="ch1"),
            part("refund", "re1", 30, moved_at=NOON, order_id=None, charge_id="ch1"),
        ],
        [line("M1", 100), line("M1", 30, what="refund")],
        {},
    ),
    "a refund that only names itself": (
        [paid("M1"), part("refund", "re1", 5, order_id=None, charge_id="ch_M1", moved_at=NOON)],
        [line("M1", 100), line("", 5, what="refund", refund_no="re1")],
        {},
    ),
    "two seconds before midnight here, three after there": (
        [paid("M1", at=NEXT_DAY - timedelta(seconds=2))],
        [line("M1", 100, at=NEXT_DAY + timedelta(seconds=3))],
        {"days": (DAY[0], DAY[0] + 1)},
    ),
    "before midnight, and the next day is not imported": (
        [paid("M1", at=NEXT_DAY - timedelta(seconds=2)), paid("M2")],
        [line("M2", 100)],
        {},
    ),
    "of the day before, booked on ours": (
        [paid("M1", at=DAWN - timedelta(seconds=2))],
        [line("M1", 100, at=DAWN + timedelta(seconds=3))],
        {},
    ),
    "what happened on days that nobody covers": (
        [paid("M1", at=NOON - timedelta(days=1)), paid("M2", at=NOON + timedelta(days=1))],
        [],
        {},
    ),
    "what has not moved on both sides": (
        [paid("M1", status="created", moved_at=None)],
        [line("M1", 100, status="CLOSED")],
        {},
    ),
    "another account": ([paid("M1", account="other")], [], {}),
    "a fee that only one side names": ([paid("M1")], [line("M1", 100, fee="0.01")], {}),
    "the same fee": ([paid("M1", fee=1)], [line("M1", 100, fee="-0.01")], {}),
    "another channel": (
        [paid("M1", channel="alipay"), paid("M2", channel="wx_pub")],
        [line("M2", 100)],
        {"reading": replace(CHANNEL, channels=("wx",))},
    ),
    "a withdrawal": (
        [belief("withdrawal", "w1", "succeeded", amount=9, order_no="W1", moved_at=NOON)],
        [line("W1", 9, what="withdrawal")],
        {"reading": replace(CHANNEL, covers=("withdrawal",))},
    ),
    "withdrawals that the source does not cover": (
        [belief("withdrawal", "w1", "succeeded", amount=9, order_no="W1", moved_at=NOON)],
        [],
        {},
    ),
}


@pytest.mark.parametrize("case", AGREE)
def test_sides_that_agree_have_no_finding(ledger: Ledger, tmp_path: Path, case: str) -> None:
    rows, lines, how = AGREE[case]
    assert found(ledger, tmp_path, rows, lines, **how) == []


DIFFER: dict[str, tuple[list[Row], list[str], dict[str, Any], Found]] = {
    "missing here": (
        [],
        [line("M1", 100)],
        {},
        [("missing_here", "payment/M1", "nothing", "100")],
    ),
    "missing there": (
        [paid("M1")],
        [],
        {},
        [("missing_there", "payment/M1", "100", "nothing")],
    ),
    "a fen more": ([paid("M1")], [line("M1", 101)], {}, [("amount", "payment/M1", "100", "101")]),
    "a fen less": ([paid("M1")], [line("M1", 99)], {}, [("amount", "payment/M1", "100", "99")]),
    "doubled": (
        [paid("M1")],
        [line("M1", 100), line("M1", 100)],
        {},
        [("duplicate", "payment/M1", "1", "2")],
    ),
    "swapped": (
        [paid("M1", 100), paid("M2", 200)],
        [line("M1", 200), line("M2", 100)],
        {},
        [("amount", "payment/M1", "100", "200"), ("amount", "payment/M2", "200", "100")],
    ),
    "another day, which is covered": (
        [paid("M1", at=NOON - timedelta(days=1))],
        [line("M1", 100)],
        {"days": (DAY[0] - 1, DAY[0])},
        [("date", "payment/M1", str(DAY[0] - 1), str(DAY[0]))],
    ),
    "another day, which is not": (
        [paid("M1", at=NOON - timedelta(days=3))],
        [line("M1", 100)],
        {},
        [("date", "payment/M1", str(DAY[0] - 3), str(DAY[0]))],
    ),
    "a fee": (
        [paid("M1", fee=1)],
        [line("M1", 100, fee="0.02")],
        {},
        [("fee", "payment/M1", "1", "2")],
    ),
    "a currency": (
        [paid("M1")],
        [line("M1", 100, currency="USD")],
        {},
        [("currency", "payment/M1", "cny", "usd")],
    ),
    "done there, not here": (
        [paid("M1", status="created", moved_at=None)],
        [line("M1", 100)],
        {},
        [("status", "payment/M1", "created", "done")],
    ),
    "done here, not there": (
        [paid("M1")],
        [line("M1", 100, status="CLOSED")],
        {},
        [("status", "payment/M1", "done", "CLOSED")],
    ),
    "one part of a refund is missing there": (
        [
            paid("M1"),
            *(
                part("refund", f"re{n}", n, order_id=None, charge_id="ch_M1", moved_at=NOON)
                for n in (1, 2)
            ),
        ],
        [line("M1", 100), line("M1", 1, what="refund")],
        {},
        [("amount", "refund/M1", "3", "1")],
    ),
    "a refund that nobody here knows": (
        [paid("M1")],
        [line("M1", 100), line("M1", 1, what="refund")],
        {},
        [("missing_here", "refund/M1", "nothing", "1")],
    ),
    "one of two charges with one number of the channel": (
        [paid("M1", transaction_no="T1"), paid("M2", transaction_no="T1")],
        [line("", 100, transaction_no="T1")],
        {},
        [("missing_there", "payment/M2", "100", "nothing")],
    ),
}


@pytest.mark.parametrize("case", DIFFER)
def test_a_difference_is_found_with_both_sides(ledger: Ledger, tmp_path: Path, case: str) -> None:
    rows, lines, how, expected = DIFFER[case]
    assert found(ledger, tmp_path, rows, lines, **how) == expected


def test_a_line_is_first_of_what_bears_both_of_its_numbers(ledger: Ledger, tmp_path: Path) -> None:
    """A channel's number that two orders share leads a line to the order that it names."""
    rows = [paid("M1", transaction_no="T1"), paid("M2", transaction_no="T1")]
    lines = [line("M2", 100, transaction_no="T1")]
    assert found(ledger, tmp_path, rows, lines) == [
        ("missing_there", "payment/M1", "100", "nothing")
    ]


def test_swapped_numbers_of_the_channel_are_followed(ledger: Ledger, tmp_path: Path) -> None:
    rows = [paid("M1", transaction_no="T1"), paid("M2", 70, transaction_no="T2")]
    lines = [line("M1", 70, transaction_no="T2"), line("M2", 100, transaction_no="T1")]
    assert found(ledger, tmp_path, rows, lines) == []
    doubled = [line("M1", 100, transaction_no="T2"), line("M2", 70, transaction_no="T2")]
    _empty(ledger)
    assert {one[:2] for one in found(ledger, tmp_path, rows, doubled)} == {
        ("missing_there", "payment/M1"),
        ("duplicate", "payment/M2"),
    }


def test_a_finding_lives_as_any_other(ledger: Ledger, tmp_path: Path, now: datetime) -> None:
    with ledger.begin() as connection:
        put(connection, [paid("M1")])
    bring(ledger, tmp_path, [line("M2", 5)])
    matching(ledger, now)
    expected = [("statement_missing_there", "open"), ("statement_missing_here", "suspected")]
    assert states(ledger) == expected
    # nobody else judges it
    suspects(ledger, terms=TERMS, now=now + timedelta(hours=2))
    assert states(ledger) == expected
    matching(ledger, now + timedelta(hours=2))
    assert [state for _, state in states(ledger)] == ["open", "open"]
    # the line and the object come late
    with ledger.begin() as connection:
        put(connection, [paid("M2", 5)])
    bring(ledger, tmp_path, [line("M1", 100)], name="late.csv")
    assert matching(ledger, now + timedelta(hours=3)).settled.total() == 2
    assert [state for _, state in states(ledger)] == ["settled", "settled"]
    assert len(told(ledger)) == 4


def test_removing_a_statement_settles_and_matching_another_source_does_not(
    ledger: Ledger, tmp_path: Path, now: datetime
) -> None:
    with ledger.begin() as connection:
        put(connection, [paid("M1")])
    number = bring(ledger, tmp_path, [line("M1", 101)])
    bring(ledger, tmp_path, [line("M1", 99)], source="book", reading=ORDERS)
    matching(ledger, now)
    matching(ledger, now, source="book", reading=ORDERS)
    sides = [(r["object_id"], r["ours"], r["theirs"]) for r in rows_of(ledger, mismatches)]
    # three ways: the channel, Ping++ and the book
    assert sides == [("channel/payment/M1", "100", "101"), ("book/payment/M1", "100", "99")]
    with ledger.begin() as connection:
        statements.remove(connection, number, "wrong", now)
    matching(ledger, now)
    matching(ledger, now, source="book", reading=ORDERS)
    assert [state for _, state in states(ledger)] == ["settled", "open"]


def test_matching_again_changes_nothing(ledger: Ledger, tmp_path: Path, now: datetime) -> None:
    bring(ledger, tmp_path, [line("M1", 1)])
    matching(ledger, now)
    before = rows_of(ledger, mismatches)
    assert matching(ledger, now).found.total() == 1
    assert rows_of(ledger, mismatches) == before


def test_a_wrong_file_is_said_and_settles_nothing(
    ledger: Ledger, tmp_path: Path, now: datetime
) -> None:
    with ledger.begin() as connection:
        put(connection, [paid("zz")])
    bring(ledger, tmp_path, [line("zz", 1)])
    matching(ledger, now)
    many = [line(f"A{n}", 1) for n in range(agreement.FINDINGS_LIMIT + 5)]
    bring(ledger, tmp_path, many, name="wrong.csv")
    seen = matching(ledger, now)
    assert seen.too_many
    assert seen.found.total() == agreement.FINDINGS_LIMIT
    assert ("statement_amount", "open") in states(ledger)


# --- planted differences -------------------------------------------------------------------------

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


def _empty(ledger: Ledger) -> None:
    with ledger.begin() as connection:
        for table in (statement_lines, statements_table, mismatches, dispatches, outbox, beliefs):
            connection.execute(sa.delete(table))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(plants=st.lists(st.sampled_from(PLANTS), max_size=12), seed=st.integers(0, 2**32))
def test_what_was_planted_is_found_and_nothing_else(
    ledger: Ledger, tmp_path: Path, plants: list[str], seed: int
) -> None:
    _empty(ledger)
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


# --- how the databases go about it ---------------------------------------------------------------


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
