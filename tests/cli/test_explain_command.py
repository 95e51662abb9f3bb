"""Is the whole story of an object told, in order, and only of the one that is meant?"""

from contextlib import closing
from datetime import datetime

import pytest
import sqlalchemy as sa

from service.core.observation import Key, Observation, Source
from service.ledger import asking
from service.ledger.engine import Ledger, open_ledger
from service.ledger.schema import deliveries
from service.work.apply import apply
from service.work.terms import Terms
from tests.cli.conftest import Call
from tests.cli.storied import ORDER, arrival, rows
from tests.conftest import VAULT


def test_the_story_of_an_object_is_told_in_order(call: Call, story: Ledger) -> None:
    ended = call("explain", "charge", "ch_1")
    assert ended.code == 0
    told = [line.split("  ")[1].strip() for line in ended.out.splitlines()[1:]]
    assert told[:3] == ["delivery", "observation", "change"]
    assert "message" in told
    assert "evt_1" in ended.out
    assert "webhook of delivery #1 shows paid" in ended.out
    assert "to books: waiting" in ended.out


def test_a_user_is_meant_by_its_own_id_while_one_app_has_it(
    call: Call, database: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINGLEDGER_ACCOUNTS__MAIN__API_KEY", "sk_live_1")
    with closing(open_ledger(database, VAULT)) as ledger:
        for app in ("app_1", "app_2"):
            key = Key("main", "user", f"{app}-cus_003")
            seen = Observation(key=key, source=Source.POLL, seen_at=now, status="known")
            apply(ledger, [seen], terms=Terms(), now=now)
            if app == "app_1":
                assert call("explain", "user", "cus_003").out.startswith("user app_1-cus_003")
    many = call("explain", "user", "cus_003")
    assert many.code == 64
    assert "several apps have it: say APP-ID: app_1-cus_003, app_2-cus_003" in many.err
    assert call("explain", "user", "app_2-cus_003").out.startswith("user app_2-cus_003")
    for command in ("poll", "journal"):
        ended = call(command, "user", "cus_003")
        assert (ended.code, "several apps have it" in ended.err) == (64, True)


def test_the_story_is_there_for_programs_too(call: Call, story: Ledger) -> None:
    found = rows(call("explain", "order", ORDER, "--json").out)
    whats = [row["what"] for row in found]
    assert whats[0] == "look"
    assert {"observation", "change", "suspected", "opened", "message"} <= set(whats)
    times = [row["at"] for row in found if row["what"] != "watch"]
    assert times == sorted(times)
    (change,) = [row for row in found if row["what"] == "change"]
    assert change["before"] is None
    assert change["after"]["status"] == "paid"


def test_evidence_is_part_of_the_story(
    call: Call, story: Ledger, now: datetime, database: str
) -> None:
    evidence = arrival(f"evt_1#{'a' * 64}", b"{}", now)._asdict()
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        connection.execute(
            sa.insert(deliveries).values(**evidence, verdict="evidence", state="kept")
        )
    assert "says something else" in call("explain", "charge", "ch_1").out


def test_what_nobody_knows_cannot_be_explained(call: Call, story: Ledger) -> None:
    ended = call("explain", "order", "1")
    assert (ended.code, ended.out) == (1, "")
    assert "nothing is known of order 1" in ended.err


def test_an_id_of_two_accounts_needs_an_account(
    call: Call, story: Ledger, now: datetime, database: str
) -> None:
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        asking.ask_by(connection, [Key("other", "order", ORDER)], at=now)
    assert "main, other" in call("explain", "order", ORDER).err
    assert call("explain", "order", ORDER, "--account", "main").code == 0
    assert "is asked next" in call("explain", "order", ORDER, "--account", "other").out
