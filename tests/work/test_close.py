"""A day closes in order and once, holds what was moved on it, and never changes afterwards."""

import hashlib
import json
import threading
from collections.abc import Callable
from contextlib import closing as closes
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from service.core.closing import FIRST, Assignment, Pending, Total, mark
from service.core.errors import GiveUp
from service.core.statement.mapping import READY
from service.ledger import closings
from service.ledger.engine import Ledger, open_ledger
from service.ledger.schema import closings as table
from service.ledger.schema import meta, mismatches, notices, outbox, postings
from service.work.close import (
    ClosingTerms,
    Overdue,
    Source,
    StillOpen,
    close,
    close_due,
    derive,
    lines,
    overdue,
    still_open,
)
from service.work.statement.take import EPOCH, Order, take
from tests import bodies
from tests.books import rows_of
from tests.conftest import VAULT
from tests.days import DAWN, DAY, FIRST_DAY, HOUR, RULES, TERMS, morning, pay, shut, tell
from tests.work.stories import arrive

APP = bodies.order()["app"]
CHANNEL = bodies.charge()["channel"]
SECOND, THIRD = FIRST_DAY + DAY, FIRST_DAY + 2 * DAY


def total(day: date, kind: str, debit: str, credit: str, count: int, amount: int) -> Total:
    channel = "yeepay_wx_pub" if "clearing" in (debit, credit) else ""
    return Total(day, "shop", APP, channel, kind, "cny", debit, credit, count, amount, 0)


def test_a_day_holds_what_was_moved_on_it(ledger: Ledger) -> None:
    pay(ledger, 1, DAWN + HOUR)
    pay(ledger, 2, DAWN + DAY - HOUR)
    pay(ledger, 3, DAWN + DAY + HOUR)
    kept = shut(ledger).closing
    assert kept.totals == (
        total(FIRST_DAY, "order", "orders", "payable", 2, 2400),
        total(FIRST_DAY, "charge", "clearing", "orders", 2, 2400),
    )
    assert (kept.postings, kept.adjusted, kept.adjustments) == (4, 0, ())
    assert {one.book: one.debit - one.credit for one in kept.balances} == {
        "clearing:yeepay_wx_pub": 2400,
        "orders": 0,
        f"payable:{APP}": -2400,
    }
    assert (kept.by, kept.reason, kept.pending, kept.open) == ("pingledger", "", 0, ())


def test_fees_and_wallets_are_added_up(ledger: Ledger) -> None:
    at = int((DAWN + HOUR).timestamp())
    for number, user in ((1, "u1"), (2, "u2")):
        tell(
            ledger,
            bodies.withdrawal(
                id=f"17{number}", status="succeeded", app="app_1", user=user, amount=900, fee=20,
                user_fee=5, created=at, time_succeeded=at, channel="yeepay",
            ),
            DAWN + HOUR,
        )  # fmt: skip
    kept = shut(ledger).closing
    assert {(one.debit, one.credit): (one.count, one.amount, one.fees) for one in kept.totals} == {
        ("wallet", "transit"): (2, 1800, 0),
        ("transit", "bank"): (2, 1800, 0),
        ("fees", "clearing"): (2, 40, 40),
        ("wallet", "fees"): (2, 10, -10),
    }
    standing = {one.book: one.debit - one.credit for one in kept.balances}
    assert standing == {
        "bank": -1800, "clearing:yeepay": -40, "fees": 30, "transit": 0, "wallet:app_1": 1810,
    }  # fmt: skip


def test_what_comes_later_is_an_adjustment_of_the_next_day_and_names_its_own(
    ledger: Ledger,
) -> None:
    pay(ledger, 1, DAWN + HOUR)
    first = shut(ledger)
    pay(ledger, 2, DAWN + 2 * HOUR, known=DAWN + DAY + 9 * HOUR)
    pay(ledger, 3, DAWN + DAY + HOUR)
    second = shut(ledger, SECOND)
    assert [one.day for one in second.closing.adjustments] == [FIRST_DAY, FIRST_DAY]
    assert [one.amount for one in second.closing.adjustments] == [1200, 1200]
    assert [one.day for one in second.closing.totals] == [SECOND, SECOND]
    assert (second.closing.postings, second.closing.adjusted) == (4, 2)
    pay(ledger, 4, DAWN + 3 * HOUR, known=DAWN + 2 * DAY + HOUR)
    assert closings.closing(ledger, FIRST_DAY) == first
    for known in (first, second):
        assert derive(ledger, known) == (known.text, [])


def test_the_hashes_are_those_of_the_bytes_that_are_shown(ledger: Ledger) -> None:
    pay(ledger, 1, DAWN + HOUR)
    known = shut(ledger)
    shown = b"".join(lines(ledger, known))
    assert hashlib.sha256(shown).hexdigest() == known.closing.digest
    assert hashlib.sha256(known.text.encode()).hexdigest() == known.hash
    first = json.loads(shown.splitlines()[0])
    with ledger.read() as connection:
        row = connection.execute(sa.select(postings).order_by(postings.c.id).limit(1)).one()
    assert first[:10] == list(row[:10])
    assert first[12] == int(row.happened_at.timestamp()) * 1_000_000


def test_days_are_a_chain_and_every_posting_is_in_one_of_them(ledger: Ledger) -> None:
    for number in range(6):
        pay(ledger, number, DAWN + number * 9 * HOUR, known=DAWN + number * 9 * HOUR + HOUR)
    made = [shut(ledger)]
    pay(ledger, 90, DAWN + HOUR, known=DAWN + 2 * DAY)
    pay(ledger, 91, DAWN + 30 * DAY, known=DAWN + 2 * DAY)
    made += [shut(ledger, SECOND), shut(ledger, THIRD)]
    assert [one.closing.previous for one in made] == [FIRST, made[0].hash, made[1].hash]
    assert closings.kept_end(ledger) == made[2].hash
    days = Assignment([mark(one.closing) for one in made])
    placed: list[list[bytes]] = [[], [], [], []]
    for entry in closings.all_entries(ledger):
        placed[days.place(entry.id, entry.happened_at)].append(json.dumps(entry).encode())
    assert [len(each) for each in placed[:3]] == [one.closing.postings for one in made]
    assert len(placed[3]) == 2
    assert closings.closings(ledger, since=SECOND) == made[:0:-1]


@pytest.mark.parametrize("day", [FIRST_DAY - DAY, THIRD, SECOND + 90 * DAY])
def test_days_close_in_order_and_not_before_they_begin(ledger: Ledger, day: date) -> None:
    pay(ledger, 1, DAWN + HOUR)
    shut(ledger)
    with pytest.raises(GiveUp, match=r"in order|has not begun"):
        shut(ledger, day, now=morning(THIRD), reason="all the same")


def test_a_day_that_is_closed_is_not_closed_again(ledger: Ledger) -> None:
    pay(ledger, 1, DAWN + HOUR)
    first = shut(ledger)
    again = close(ledger, FIRST_DAY, RULES, terms=TERMS, now=morning(SECOND), by="anna")
    assert again == (first, False)


def opened(ledger: Ledger, **how: Any) -> tuple[Pending, ...]:
    with pytest.raises(StillOpen) as refusal:
        shut(ledger, **how)
    assert closings.last(ledger) is None
    assert refusal.value.count == len(refusal.value.named)
    return refusal.value.named


def test_what_is_still_open_keeps_a_day_from_closing(ledger: Ledger) -> None:
    at = DAWN + HOUR
    going = bodies.withdrawal(status="pending", created=int(at.timestamp()))
    tell(ledger, going, at)
    tell(ledger, going | {"id": "1799", "created": int((at - DAY).timestamp())}, at)
    arrive(ledger, "shop", b'{"id":"evt_1","type":"order.succeeded"}', at)
    arrive(ledger, "shop", b'{"id":"evt_2","type":"order.succeeded"}', DAWN + DAY)
    assert opened(ledger, now=DAWN + 20 * HOUR) == (
        Pending("day", state="not over"),
        Pending("delivery", "shop", "order.succeeded", "1", "waiting"),
        Pending("object", "shop", "withdrawal", going["id"], "pending"),
    )


def test_a_reason_closes_what_is_open_and_is_kept_with_it(ledger: Ledger) -> None:
    at = DAWN + HOUR
    tell(ledger, bodies.withdrawal(status="pending", created=int(at.timestamp())), at)
    kept = shut(ledger, reason="the bank is away, ask 13812345678", by="anna").closing
    assert (kept.by, kept.reason) == ("anna", "the bank is away, ask 138****5678")
    assert (kept.pending, kept.open[0].kind) == (1, "withdrawal")


def test_what_is_followed_no_more_may_stand(ledger: Ledger) -> None:
    at = DAWN + HOUR
    tell(ledger, bodies.withdrawal(status="pending", created=int(at.timestamp())), at)
    with ledger.begin() as connection:
        connection.execute(sa.text("UPDATE watches SET state = 'ended'"))
    assert shut(ledger).closing.pending == 0


def test_what_a_person_has_waived_may_stand(ledger: Ledger) -> None:
    at = DAWN + HOUR
    fields = bodies.withdrawal(status="pending", created=int(at.timestamp()))
    tell(ledger, fields, at)
    row = mismatch("withdrawal", fields["id"], "overdue")
    with ledger.begin() as connection:
        connection.execute(sa.insert(mismatches).values(row))
    assert len(opened(ledger)) == 1
    with ledger.begin() as connection:
        waived = {"state": "waived", "waived_until": DAWN + 9 * DAY}
        connection.execute(sa.update(mismatches).values(waived))
    kept = shut(ledger).closing
    assert [(one.rule, one.state, one.count) for one in kept.mismatches] == [
        ("overdue", "waived", 1)
    ]


def mismatch(kind: str, object_id: str, rule: str) -> dict[str, Any]:
    key: dict[str, Any] = {"account": "shop", "kind": kind, "object_id": object_id, "rule": rule}
    sides = {"ours": "1", "theirs": "2", "severity": "warning", "state": "open"}
    return key | sides | {"found_at": DAWN, "opened_at": DAWN}


def test_a_day_waits_for_its_statement(ledger: Ledger, tmp_path: Path) -> None:
    pay(ledger, 1, DAWN + HOUR)
    book = READY["book"]
    rules = ClosingTerms("Asia/Shanghai", sources=(Source("book", None, book),))
    assert opened(ledger, rules=rules) == (Pending("statement", "shop", "book", "", "missing"),)
    path = tmp_path / "book.csv"
    path.write_text("type,order_no,amount,at\npayment,M1,11.00,2026-11-20\n", encoding="utf-8")
    number = (FIRST_DAY - EPOCH).days
    take(ledger, Order(path, "shop", "book", book, (number, number)), now=DAWN)
    kept = shut(ledger, rules=rules).closing
    found = {one.rule: (one.kind, one.state, one.count) for one in kept.mismatches}
    assert found["statement_amount"] == ("statement", "open", 1)


def test_all_days_whose_turn_it_is_close_until_one_cannot(ledger: Ledger) -> None:
    assert close_due(ledger, RULES, terms=TERMS, clock=lambda: morning(THIRD)) == ([], None)
    pay(ledger, 1, DAWN + HOUR)
    at = DAWN + 2 * DAY + HOUR
    tell(ledger, bodies.withdrawal(status="pending", created=int(at.timestamp())), at)
    for expected in ([FIRST_DAY, SECOND], []):
        done, refusal = close_due(ledger, RULES, terms=TERMS, clock=lambda: morning(THIRD))
        assert [one.day for one in done] == expected
        assert refusal is not None
        assert refusal.day == THIRD
    causes = [(row["cause"], row["subject"]) for row in rows_of(ledger, notices)]
    assert causes == [("closing_refused", str(THIRD))]


@pytest.mark.parametrize(("hour", "closed"), [(6, 1), (7, 1), (8, 0)])
def test_a_day_waits_for_its_hour(ledger: Ledger, hour: int, closed: int) -> None:
    pay(ledger, 1, DAWN + HOUR)
    rules = ClosingTerms("Asia/Shanghai", hour)
    done, _ = close_due(ledger, rules, terms=TERMS, clock=lambda: morning(FIRST_DAY))
    assert len(done) == closed


def test_each_account_is_told(ledger: Ledger) -> None:
    pay(ledger, 1, DAWN + HOUR)
    known = shut(ledger)
    (told,) = [row for row in rows_of(ledger, outbox) if "closing" in row["type"]]
    assert (told["type"], told["stream"]) == (
        "pingledger.closing.v1",
        f"shop/closing/{FIRST_DAY}",
    )
    data = json.loads(told["body"])["data"]
    assert (data["hash"], data["forced"], data["day"]) == (known.hash, False, "2026-11-20")
    assert data["totals"][0]["amount"] == 1200


def test_of_several_that_close_a_day_at_once_one_does(ledger: Ledger, database_url: str) -> None:
    for number in range(3):
        pay(ledger, number, DAWN + number * HOUR)
    starting = threading.Barrier(3)
    done: list[tuple[closings.Closed, bool]] = []

    def one() -> None:
        with closes(open_ledger(database_url, VAULT)) as mine:
            starting.wait()
            done.append(close(mine, FIRST_DAY, RULES, terms=TERMS, now=morning(FIRST_DAY)))

    threads = [threading.Thread(target=one) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(ours for _, ours in done) == [False, False, True]
    assert len({closed.hash for closed, _ in done}) == 1
    assert len(rows_of(ledger, table)) == 1


def test_a_cut_waits_for_whoever_is_writing(
    ledger: Ledger, fresh_database: Callable[[], str]
) -> None:
    """A posting that has its number and is not committed would else be in no day."""
    pay(ledger, 1, DAWN + HOUR)
    (row,) = rows_of(ledger, postings)[:1]
    cuts: list[int] = []
    cutting = threading.Thread(target=lambda: cuts.append(closings.cut(ledger)))
    with ledger.begin() as connection:
        del row["id"]
        connection.execute(sa.insert(postings).values(row | {"entry": 9}))
        cutting.start()
        cutting.join(0.2)
    cutting.join()
    assert cuts == [max(each["id"] for each in rows_of(ledger, postings))]


@pytest.mark.parametrize("statement", ["UPDATE closings SET hash = ''", "DELETE FROM closings"])
def test_a_closing_cannot_be_changed(ledger: Ledger, statement: str) -> None:
    pay(ledger, 1, DAWN + HOUR)
    shut(ledger)
    with pytest.raises(DBAPIError, match="never changed"), ledger.begin() as connection:
        connection.execute(sa.text(statement))


def test_nothing_closes_on_a_chain_whose_end_is_gone(ledger: Ledger) -> None:
    pay(ledger, 1, DAWN + HOUR)
    shut(ledger)
    with ledger.begin() as connection:
        connection.execute(sa.update(meta).where(meta.c.name == "closing").values(value="0" * 64))
    with pytest.raises(GiveUp, match="verify"):
        shut(ledger, SECOND)


def test_a_day_in_another_zone_begins_where_the_one_before_ended(ledger: Ledger) -> None:
    pay(ledger, 1, DAWN + HOUR)
    first = shut(ledger)
    pay(ledger, 2, DAWN + DAY + 20 * HOUR)
    later: datetime = morning(SECOND) + timedelta(hours=9)
    second = shut(ledger, SECOND, rules=ClosingTerms("UTC"), now=later)
    assert second.closing.begins_at == first.closing.ends_at
    assert second.closing.ends_at - second.closing.begins_at == timedelta(hours=32)
    assert second.closing.totals[0].count == 1


def test_days_that_could_close_are_counted_with_what_keeps_the_first_open(ledger: Ledger) -> None:
    assert overdue(ledger, RULES, DAWN) is None
    pay(ledger, 1, DAWN + HOUR)
    due = morning(FIRST_DAY) - HOUR
    assert overdue(ledger, RULES, due - HOUR) is None
    assert overdue(ledger, RULES, due) == Overdue(1, FIRST_DAY, due)
    late = due + 2 * DAY + HOUR
    assert overdue(ledger, RULES, late) == Overdue(3, FIRST_DAY, due)
    assert still_open(ledger, FIRST_DAY, RULES, TERMS, late) == (0, [])
    source = Source("yeepay", None, READY["book"])
    waits = ClosingTerms("Asia/Shanghai", sources=[source])
    arrive(ledger, "shop", b"{", DAWN + HOUR)
    count, named = still_open(ledger, FIRST_DAY, waits, TERMS, late)
    assert (count, [(one.what, one.state) for one in named]) == (
        2, [("statement", "missing"), ("delivery", "waiting")],
    )  # fmt: skip
    shut(ledger, reason="so be it", now=late)
    assert overdue(ledger, RULES, late) == Overdue(2, SECOND, due + DAY)
