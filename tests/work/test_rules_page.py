"""Every example of docs/rules is what its rule finds, with both sides and all of its numbers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from service.core.observation import Key, Source
from service.ledger.engine import Ledger
from service.ledger.rules import BY_CODE
from service.ledger.rules.check import check
from service.ledger.schema import changes, postings
from service.pingpp.reader import read_object
from service.work.apply import apply
from service.work.terms import Terms
from tests import bodies
from tests.bodies import Fields
from tests.books import SEEN, Row, belief, charge, key, order, part, put, watch
from tests.ledger.test_wallet_rules import EARLIER, FIRST, moved, opening, person, sold, summary
from tests.ledger.test_wallet_rules import deposit as deposited
from tests.work.statement.matching import DAY, NOON, found, line, paid

PAGES = ("rules.md", "rules.zh-CN.md")
DOCS = Path(__file__).parents[2] / "docs"
TERMS = Terms(epoch="e1")
MINUTE = timedelta(minutes=1)
NUMBER = re.compile(r"(?<![\w-])\d+(?![\w-])")
SIDE = r"(?:`([^`]+)`|(\d+))"
SIDES = re.compile(rf"(?:ours|本地) {SIDE}(?:, theirs|，对方) {SIDE}")

Sides = tuple[str, str]


@dataclass(frozen=True)
class Example:
    """What is believed: put so (rows), or seen so by notification or question, a minute apart.

    lines: what a statement has of it. says: numbers of the text that are no amounts: days, counts.
    told, booked: what opened a wallet, and moved it. about: the object that is found.
    """

    about: str
    rows: Sequence[Row] = ()
    seen: Sequence[tuple[Fields, Source]] = ()
    lines: Sequence[str] = ()
    told: Sequence[Row] = ()
    booked: Sequence[Row] = ()
    says: tuple[int, ...] = ()


def whole(amount: int = 1000, **columns: Any) -> Row:
    given: dict[str, Any] = {"amount": amount, "amount_paid": amount}
    return order(**given | columns)


def sale(amount: int, name: str = "ch1", **columns: Any) -> Row:
    return charge(name, amount=amount, **columns)


def refund(amount: int, name: str = "r1", **columns: Any) -> Row:
    return part("order_refund", name, amount, **columns)


def withdrawal(status: str, amount: int = 900, **columns: Any) -> Row:
    return belief("withdrawal", "w1", status, amount=amount, **columns)


ASKED, NOTIFIED = Source.POLL, Source.WEBHOOK
WITHDRAWN = bodies.withdrawal(amount=900)
W = WITHDRAWN["id"]
SOLD = bodies.order(amount=1000, amount_paid=1000, charges=None, created=int(SEEN.timestamp()))
S = SOLD["id"]
UNPAID = {**SOLD, "status": "created", "paid": False, "amount_paid": 0, "time_paid": None}
LONG_AGO = SEEN - timedelta(days=8)
TWICE = [line("N10", 500, transaction_no="T")] * 2
USER = "app_1-u1"

EXAMPLES: Mapping[str, Example] = {
    "paid_sum": Example("o1", [whole(amount_paid=900), sale(600), sale(400, "ch2")]),
    "refunded_sum_charges": Example(
        "o1", [whole(amount_refunded=300), sale(1000, amount_refunded=290), refund(300)]
    ),
    "refunded_sum_refunds": Example(
        "o1", [whole(amount_refunded=200), refund(200), refund(100, "r2")]
    ),
    "refund_unseen": Example("o1", [whole(amount_refunded=300)]),
    "charge_refunded_sum": Example(
        "ch1",
        [
            sale(1000, order_id=None, amount_refunded=300),
            part("refund", "re1", 200, order_id=None, charge_id="ch1"),
        ],
    ),
    "refunded_over_paid": Example("o1", [whole(amount_refunded=1001)]),
    "canceled_but_paid": Example(
        "o1",
        [
            whole(status="canceled", amount_paid=0),
            sale(1000, amount_refunded=300),
            refund(300),
        ],
    ),
    "overpaid": Example("o1", [whole(amount_paid=2000), sale(1000), sale(1000, "ch2")]),
    "allocated_over_paid": Example(
        "o1",
        [
            whole(amount_refunded=400),
            part("allocation", "a1", 800),
            part("allocation_refund", "b1", 100, allocation_id="a1"),
        ],
    ),
    "refund_over_charge": Example(
        "ch1", [sale(1000), refund(1001, status="pending", charge_id="ch1")]
    ),
    "charge_refund_unseen": Example("ch1", [sale(1000, order_id=None, amount_refunded=300)]),
    "recipients_sum": Example("a1", [part("allocation", "a1", 500, inside={"shares": [300, 201]})]),
    "allocation_returned": Example(
        "a1",
        [
            part("allocation", "a1", 500),
            part("allocation_refund", "b1", 300, allocation_id="a1"),
            part("allocation_refund", "b2", 201, allocation_id="a1"),
        ],
    ),
    "allocation_unfinished": Example(
        "o1", [whole(), part("allocation", "a1", 300, created_at=LONG_AGO)], says=(1, 9)
    ),
    "end_without_time": Example("w1", [withdrawal("succeeded", inside={"timed": False})]),
    "time_without_end": Example("w1", [withdrawal("failed", inside={"timed": True})]),
    "time_before_created": Example(
        "w1",
        [withdrawal("succeeded", created_at=SEEN, moved_at=SEEN - timedelta(seconds=301))],
        says=(301,),
    ),
    "paid_short": Example("o1", [whole(amount_paid=900)]),
    "paid_unsaid": Example("o1", [whole(status="created")]),
    "refund_flag": Example("o1", [whole(amount_refunded=300, inside={"refund_asked": False})]),
    "answer_differs": Example(
        W,
        seen=[
            ({**WITHDRAWN, "status": "succeeded"}, NOTIFIED),
            ({**WITHDRAWN, "status": "pending"}, ASKED),
        ],
    ),
    # 120 to 150: see below
    "wallet_differs": Example(
        USER, [person(149), deposited()], told=[opening()], booked=[moved(50)], says=(30, 120)
    ),
    "withdrawal_fee": Example("w1", [withdrawal("succeeded", fee=20, inside={"user_fee": 21})]),
    "summary_amount": Example(
        "s1", [EARLIER, sold("ch1", 100, FIRST), sold("ch2", 20, FIRST), summary(121, 2)]
    ),
    "summary_count": Example(
        "s1", [EARLIER, sold("ch1", 100, FIRST), sold("ch2", 20, FIRST), summary(120, 3)]
    ),
    "fact_changed": Example(
        S, seen=[(UNPAID, NOTIFIED), ({**SOLD, "amount": 900, "amount_paid": 900}, NOTIFIED)]
    ),
    "order_no_twice": Example("o2", [order("o1", order_no="N1"), order("o2", order_no="N1")]),
    "overdue": Example(
        "a1",
        [
            part("allocation", "a1", 300, status="created"),
            watch("allocation", "a1", deadline_at=SEEN - 2 * MINUTE),
        ],
        says=(404,),
    ),
    "pending_with_failure": Example(
        "c1",
        [belief("allocation_complete", "c1", "pending", order_id="o1", failing=True), whole()],
    ),
    "conflict": Example(
        W, seen=[({**WITHDRAWN, "status": word}, NOTIFIED) for word in ("succeeded", "failed")]
    ),
    "learned_by_polling": Example(S, seen=[(SOLD, ASKED)]),
    "unknown_status": Example(W, seen=[({**WITHDRAWN, "status": "parked"}, NOTIFIED)]),
    "other_currency": Example("ch1", [sale(1000, currency="usd")]),
    "statement_missing_here": Example("payment/N7", lines=[line("N7", 500)]),
    "statement_missing_there": Example("payment/N8", [paid("N8", 500)], says=(22,)),
    "statement_amount": Example("payment/N9", [paid("N9", 500)], lines=[line("N9", 499)]),
    "statement_duplicate": Example("payment/N10", [paid("N10", 500)], lines=TWICE),
    "statement_fee": Example(
        "payment/N12", [paid("N12", 1000, fee=6)], lines=[line("N12", 1000, fee="0.07")]
    ),
    "statement_currency": Example(
        "payment/N13", [paid("N13", 500)], lines=[line("N13", 500, currency="USD")]
    ),
    "statement_status": Example(
        "payment/N11",
        [paid("N11", 500, status="created", moved_at=None)],
        lines=[line("N11", 500)],
    ),
    "statement_date": Example(
        "payment/N14",
        [paid("N14", 500)],
        lines=[line("N14", 500, at=NOON + timedelta(days=2))],
        says=(24,),
    ),
}


def examples(page: str) -> dict[str, str]:
    """The text of each rule's example."""
    text = (DOCS / page).read_text(encoding="utf-8")
    rows = [one.strip("|").split("|") for one in text.splitlines() if one.startswith("| `")]
    return {row[0].strip(" `"): row[1] for row in rows if len(row) == 2}


def sides(text: str) -> Sides:
    said = SIDES.search(text)
    assert said is not None, text
    word, number, other, another = said.groups()
    return word or number, other or another


def judged(ledger: Ledger, example: Example) -> list[tuple[str, str, str, str]]:
    """(rule, object, ours, theirs) of all that the rules find."""
    with ledger.begin() as connection:
        put(connection, example.rows)
        for table, rows in ((changes, example.told), (postings, example.booked)):
            for row in rows:
                connection.execute(sa.insert(table), [dict(row)])
    for minutes, (fields, source) in enumerate(example.seen):
        at = SEEN + minutes * MINUTE
        read = read_object(fields, account="shop", source=source, seen_at=at)
        apply(ledger, read.observations, terms=TERMS, now=at)
    with ledger.read() as connection:
        checked = check(connection, _keys(example), now=SEEN)
    return [(one.rule, one.key.object_id, one.ours, one.theirs) for one in checked.found]


def _keys(example: Example) -> list[Key]:
    keys = [key(row) for row in example.rows]
    for fields, source in example.seen:
        read = read_object(fields, account="shop", source=source, seen_at=SEEN)
        keys += [one.key for one in read.observations]
    return list(dict.fromkeys(keys))


def findings(ledger: Ledger, folder: Path, code: str) -> list[tuple[str, str, str]]:
    """(object, ours, theirs) of what the rule finds in its example."""
    example = EXAMPLES[code]
    if code.startswith("statement_"):
        days = (DAY[0], DAY[0] + 2)
        seen = found(ledger, folder, example.rows, example.lines, days=days)
        return [one[1:] for one in seen if one[0] == code.removeprefix("statement_")]
    return [one[1:] for one in judged(ledger, example) if one[0] == code]


def numbers(value: object) -> Iterator[int]:
    """Every whole number in rows, in what they keep as JSON, and in what was seen."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int):
        yield value
    elif isinstance(value, str):
        yield from map(int, re.findall(r"\d+", value))
    elif isinstance(value, Mapping):
        for one in cast("Mapping[str, object]", value).values():
            yield from numbers(one)
    elif isinstance(value, list | tuple):
        for one in cast("Sequence[object]", value):
            yield from numbers(one)


def test_every_rule_has_its_example() -> None:
    assert list(EXAMPLES) == list(BY_CODE)


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_is_what_its_rule_finds(ledger: Ledger, tmp_path: Path, code: str) -> None:
    ours_and_theirs = {sides(examples(page)[code]) for page in PAGES}
    assert findings(ledger, tmp_path, code) == [
        (EXAMPLES[code].about, *both) for both in ours_and_theirs
    ]


@pytest.mark.parametrize("code", EXAMPLES)
@pytest.mark.parametrize("page", PAGES)
def test_an_example_says_no_number_that_is_not_planted(page: str, code: str) -> None:
    text, example = examples(page)[code], EXAMPLES[code]
    yuan = [
        round(float(cell) * 100) for one in example.lines for cell in one.split(",")[5:7] if cell
    ]
    planted = {*numbers([dict(row) for row in (*example.rows, *example.told, *example.booked)])}
    planted |= {*numbers([list(one) for one in example.seen]), *yuan, *example.says}
    derived = {int(side) for side in sides(text) if side.isdigit()}
    said = {int(one) for one in NUMBER.findall(text)}
    assert said <= planted | derived


def test_a_coupon_is_no_shortage(ledger: Ledger) -> None:
    coupon = whole(amount_paid=900, inside={"actual_amount": 900})
    assert [one for one in judged(ledger, Example("o1", [coupon])) if one[0] == "paid_short"] == []


@pytest.mark.parametrize(
    ("stated", "agrees"), [(119, False), (120, True), (150, True), (151, False)]
)
def test_while_a_withdrawal_is_asked_for_both_balances_agree(
    ledger: Ledger, stated: int, agrees: bool
) -> None:
    going = withdrawal("created", 30, app="app_1", user_id="u1", created_at=SEEN - MINUTE)
    rows = [person(stated), deposited(), going]
    example = Example(USER, rows, told=[opening()], booked=[moved(50)])
    assert ("wallet_differs" not in {one[0] for one in judged(ledger, example)}) is agrees


def test_six_questions_in_vain_are_overdue(ledger: Ledger) -> None:
    asked = Example("o1", [watch("order", "o1", failures=6)])
    assert judged(ledger, asked) == [("overdue", "o1", "final", "never seen")]
