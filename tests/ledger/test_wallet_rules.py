"""Do wallets and summaries agree with what is booked and believed, and only where that is known?"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.engine import Ledger
from service.ledger.rules.check import check
from service.ledger.schema import changes, postings
from tests.books import SEEN, Row, belief, charge, put

USER = Key("shop", "user", "app_1-u1")
BOOK = "wallet:app_1-u1"
OPENED = SEEN - timedelta(days=1)
STATED = SEEN
BETWEEN = SEEN - timedelta(hours=1)
BEFORE = OPENED - timedelta(hours=2)
SOON = OPENED + timedelta(seconds=8)
_entries = count(1)

Posting = dict[str, Any]


def person(balance: int | None, **more: Any) -> Row:
    """A user whose balance was last stated at STATED."""
    shown = {"user_type": "customer", "said": int(STATED.timestamp()), **more}
    if balance is not None:
        shown["available_balance"] = balance
    asked_at = OPENED - timedelta(seconds=1)
    return belief("user", USER.object_id, "known", app="app_1", since_at=asked_at, inside=shown)


def opening(balance: str = "100", seq: int = 1) -> Posting:
    """What was told of the user first."""
    return {
        **USER._asdict(),
        "seq": seq,
        "at": OPENED + timedelta(seconds=seq),
        "source": "poll",
        "after": f'{{"available_balance":{balance}}}',
        "correction": False,
    }


def moved(
    amount: int, at: datetime = BETWEEN, source: str = "d1", kind: str = "deposit"
) -> Posting:
    """A posting that brought so much to the wallet, or with a negative amount took it."""
    books = {"debit": "x", "credit": BOOK} if amount > 0 else {"debit": BOOK, "credit": "x"}
    return {
        "account": "shop",
        "kind": kind,
        "object_id": source,
        "entry": next(_entries),
        "line": 1,
        **books,
        "amount": abs(amount),
        "currency": "cny",
        "happened_at": at,
        "known_at": at,
    }


def deposit(born: datetime = BETWEEN, **columns: Any) -> Row:
    return belief("deposit", "d1", "succeeded", amount=50, created_at=born, **columns)


def withdrawal(status: str, born: datetime = BETWEEN, **columns: Any) -> Row:
    return belief(
        "withdrawal", "w1", status, amount=30, app="app_1", user_id="u1", created_at=born,
        fee=5, inside={"user_fee": 2}, **columns,
    )  # fmt: skip


def found(
    ledger: Ledger, rows: Sequence[Row], *, told: Sequence[Row] = (), booked: Sequence[Row] = ()
) -> list[tuple[str, str, str, str]]:
    with ledger.begin() as connection:
        keys = put(connection, rows)
        for one in told:
            connection.execute(sa.insert(changes), [dict(one)])
        for one in booked:
            connection.execute(sa.insert(postings), [dict(one)])
        findings = check(connection, keys, now=SEEN).found
    return [(f.rule, f.key.object_id, f.ours, f.theirs) for f in findings]


SOUND: dict[str, tuple[list[Row], list[Row], list[Row]]] = {
    "the opening balance itself": ([person(100)], [opening()], []),
    "the opening and a deposit": ([person(150), deposit()], [opening()], [moved(50)]),
    "what was posted before the opening": (
        [person(100), deposit(OPENED - timedelta(days=2))],
        [opening()],
        [moved(50, OPENED - timedelta(days=1))],
    ),
    "what happened after the statement": (
        [person(100), deposit()],
        [opening()],
        [moved(50, STATED + timedelta(seconds=6))],
    ),
    "what moved in the seconds around the statement": (
        [person(120), deposit()],
        [opening()],
        [moved(50, STATED - timedelta(seconds=4))],
    ),
    "a withdrawal asked for, already set aside": (
        [person(68), withdrawal("created")],
        [opening()],
        [],
    ),
    "a withdrawal asked for, not set aside": (
        [person(100), withdrawal("created")],
        [opening()],
        [],
    ),
    "a confirmed withdrawal, its fee set aside": (
        [person(68), withdrawal("pending")],
        [opening()],
        [moved(-30, kind="withdrawal", source="w1")],
    ),
    "a withdrawal from before the opening that failed": (
        [person(132), withdrawal("failed", OPENED - timedelta(hours=1))],
        [opening()],
        [],
    ),
    "a withdrawal from before the opening that may still fail": (
        [person(132), withdrawal("pending", OPENED - timedelta(hours=1))],
        [opening()],
        [],
    ),
    "a withdrawal from before the opening, paid by then and heard of later": (
        [person(100), withdrawal("succeeded", BEFORE, moved_at=OPENED - timedelta(hours=1))],
        [opening()],
        [moved(-30, kind="withdrawal", source="w1")],
    ),
    "what moved in the seconds around the opening, and is in it": (
        [person(100), deposit(OPENED)],
        [opening()],
        [moved(50, OPENED + timedelta(seconds=4))],
    ),
    "what moved in the seconds around the opening, and is not in it": (
        [person(150), deposit(OPENED)],
        [opening()],
        [moved(50, OPENED - timedelta(seconds=4))],
    ),
    "an older deposit that nobody dates, booked after the opening": (
        [person(100), deposit(BEFORE)],
        [opening()],
        [moved(50)],
    ),
    "a balance told later, and a deposit less than a minute before": (
        [person(100), deposit(BEFORE)],
        [opening() | {"after": "{}"}, opening(seq=2)],
        [moved(50, OPENED - timedelta(seconds=40))],
    ),
    "a withdrawal from before the opening, booked after it": (
        [person(100), withdrawal("succeeded", OPENED - timedelta(hours=1))],
        [opening()],
        [moved(-30, kind="withdrawal", source="w1")],
    ),
    "a user of whom no balance was told": ([person(7)], [], []),
    "a user who states none": ([person(None)], [opening()], []),
    "a first telling without a balance": (
        [person(100)],
        [opening() | {"after": "{}"}, opening(seq=2), opening("400", seq=3)],
        [],
    ),
    "a merchant's own user": ([person(7, user_type="business")], [opening()], []),
}


@pytest.mark.parametrize("story", SOUND)
def test_a_sound_wallet_is_not_found(ledger: Ledger, story: str) -> None:
    rows, told, booked = SOUND[story]
    assert found(ledger, rows, told=told, booked=booked) == []


WRONG: dict[str, tuple[list[Row], list[Row], tuple[str, str]]] = {
    "a fen less than the opening": ([person(99)], [], ("100", "99")),
    "a deposit that never came to the wallet": (
        [person(100), deposit()],
        [moved(50)],
        ("150", "100"),
    ),
    "a deposit that nobody knows of": ([person(150)], [], ("100", "150")),
    "more set aside than the withdrawal costs": (
        [person(67), withdrawal("created")],
        [],
        ("68", "67"),
    ),
    "a withdrawal that left the wallet alone": (
        [person(100), withdrawal("succeeded")],
        [moved(-30, kind="withdrawal", source="w1"), moved(-2, kind="withdrawal", source="w1")],
        ("68", "100"),
    ),
    "a fen, after a deposit soon after the opening": (
        [person(149), deposit(SOON)],
        [moved(50, SOON)],
        ("150", "149"),
    ),
    "a fen, after a deposit asked for before the opening and paid after it": (
        [person(149), deposit(BEFORE, moved_at=BETWEEN)],
        [moved(50)],
        ("150", "149"),
    ),
    "a fen too much, of who was once paid a withdrawal": (
        [person(101), withdrawal("succeeded", BEFORE, moved_at=BEFORE)],
        [moved(-30, BEFORE, kind="withdrawal", source="w1")],
        ("100", "101"),
    ),
    "a fen too much, of whose withdrawal failed before the opening": (
        [person(101), withdrawal("failed", BEFORE, since_at=BEFORE)],
        [],
        ("100", "101"),
    ),
}


@pytest.mark.parametrize("story", WRONG)
def test_a_wallet_that_differs_is_found(ledger: Ledger, story: str) -> None:
    rows, booked, (ours, theirs) = WRONG[story]
    expected = [("wallet_differs", USER.object_id, ours, theirs)]
    assert found(ledger, rows, told=[opening()], booked=booked) == expected


# --- summaries ------------------------------------------------------------------------------------

FIRST = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
LAST = FIRST + timedelta(days=1, seconds=-1)


def summary(amount: int, number: int, kind: str = "app_daily_summary") -> Row:
    facts = {
        "charges_count": number,
        "summary_from": int(FIRST.timestamp()),
        "summary_to": int(LAST.timestamp()),
    }
    return belief(kind, "s1", "known", app="app_1", amount=amount, inside={"facts": facts})


def sold(name: str, amount: int, at: datetime, **more: Any) -> Row:
    """A charge that was paid and seen at once."""
    columns: dict[str, Any] = {"app": "app_1", "moved_at": at, "since_at": at, "created_at": at}
    return charge(name, order_id=None, amount=amount) | columns | more


# before the day began, so that the day is known in full
EARLIER = sold("ch0", 7, FIRST - timedelta(seconds=1))
DAY = [
    EARLIER,
    sold("ch1", 100, FIRST),
    sold("ch2", 20, LAST),
    sold("ch3", 400, LAST + timedelta(seconds=1)),
    sold("ch4", 9, FIRST, app="app_2"),
    sold("ch5", 5, FIRST, status="created"),
]


def test_a_summary_that_agrees_is_not_found(ledger: Ledger) -> None:
    assert found(ledger, [*DAY, summary(120, 2)]) == []


@pytest.mark.parametrize("amount", [119, 121])
def test_a_total_that_differs_is_found_either_way(ledger: Ledger, amount: int) -> None:
    expected = [("summary_amount", "s1", "120", str(amount))]
    assert found(ledger, [*DAY, summary(amount, 2)]) == expected


def test_a_count_that_differs_is_found(ledger: Ledger) -> None:
    assert found(ledger, [*DAY, summary(120, 3)]) == [("summary_count", "s1", "2", "3")]


def test_a_day_from_before_the_first_charge_was_seen_is_not_judged(ledger: Ledger) -> None:
    late = dict(EARLIER) | {"since_at": FIRST + timedelta(days=9)}
    assert found(ledger, [late, *DAY[1:], summary(1, 1)]) == []


def test_an_accounts_summary_may_count_apps_that_are_not_ours(ledger: Ledger) -> None:
    assert found(ledger, [*DAY, summary(999, 9, "account_daily_summary")]) == []


def test_an_accounts_summary_with_too_little_is_found(ledger: Ledger) -> None:
    assert found(ledger, [*DAY, summary(128, 2, "account_daily_summary")]) == [
        ("summary_amount", "s1", "129", "128"),
        ("summary_count", "s1", "3", "2"),
    ]


def test_a_weekly_summary_is_not_judged(ledger: Ledger) -> None:
    assert found(ledger, [*DAY, summary(1, 1, "app_weekly_summary")]) == []
