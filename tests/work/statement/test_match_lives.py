"""How does a finding of a statement live: open, settled, and by whom?"""

from datetime import datetime, timedelta
from pathlib import Path

from service.ledger import agreement, statements
from service.ledger.engine import Ledger
from service.ledger.schema import mismatches
from service.work.reconcile import suspects
from tests.books import put, rows_of, states, told
from tests.work.statement.matching import ORDERS, TERMS, bring, line, matching, paid


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
