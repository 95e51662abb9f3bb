"""Is something odd told once, and only counted afterwards?"""

import json
from datetime import datetime, timedelta

from service.ledger.engine import Ledger
from service.ledger.notices import SUBJECTS_LIMIT, tell_once
from service.ledger.schema import notices
from tests.books import rows_of, told


def tell(ledger: Ledger, now: datetime, subject: str, account: str = "shop") -> bool:
    with ledger.begin() as connection:
        return tell_once(
            connection,
            account,
            "unknown_status",
            subject,
            epoch="e",
            sinks=("file",),
            data={"kind": "order"},
            now=now,
        )


def test_the_first_time_is_told(ledger: Ledger, now: datetime) -> None:
    assert tell(ledger, now, "parked")
    (row,) = told(ledger)
    assert row["stream"] == "shop/notice/unknown_status/parked"
    assert json.loads(row["body"])["data"] == {
        "account": "shop",
        "cause": "unknown_status",
        "subject": "parked",
        "kind": "order",
    }


def test_every_further_time_is_counted(ledger: Ledger, now: datetime) -> None:
    later = now + timedelta(hours=1)
    assert [tell(ledger, at, "parked") for at in (now, later, later)] == [True, False, False]
    (row,) = rows_of(ledger, notices)
    assert (row["count"], row["first_at"], row["last_at"]) == (3, now, later)
    assert len(told(ledger)) == 1


def test_accounts_and_subjects_are_told_of_separately(ledger: Ledger, now: datetime) -> None:
    assert tell(ledger, now, "parked")
    assert tell(ledger, now, "frozen")
    assert tell(ledger, now, "parked", account="other")


def test_beyond_the_limit_all_subjects_are_one(ledger: Ledger, now: datetime) -> None:
    said = [tell(ledger, now, f"word{number}") for number in range(SUBJECTS_LIMIT + 3)]
    assert said == [True] * (SUBJECTS_LIMIT + 1) + [False, False]
    kept = rows_of(ledger, notices)
    assert len(kept) == SUBJECTS_LIMIT + 1
    assert {row["subject"]: row["count"] for row in kept}["…"] == 3
    assert not tell(ledger, now, "word7")


def test_a_long_subject_is_cut(ledger: Ledger, now: datetime) -> None:
    assert tell(ledger, now, "x" * 500)
    assert not tell(ledger, now, "x" * 501)
    (row,) = rows_of(ledger, notices)
    assert row["subject"] == "x" * 200
