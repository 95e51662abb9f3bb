"""Do the books prove themselves, and is it said where something does not agree?"""

from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.ledger.engine import Ledger, open_ledger
from tests.cli.conftest import Call
from tests.cli.storied import ORDER, rows
from tests.conftest import VAULT


def test_a_ledger_that_adds_up_is_rebuilt_in_silence(call: Call, story: Ledger) -> None:
    ended = call("rebuild")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == (
        "2 objects of 2 sightings, 0 differ from what is believed;"
        " 2 judged, 0 findings differ from the mismatches\n"
    )


def test_a_belief_that_was_tampered_with_is_found(call: Call, story: Ledger, database: str) -> None:
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        connection.execute(sa.text("UPDATE beliefs SET amount_paid = 99 WHERE kind = 'order'"))
    ended = call("rebuild", "--json")
    assert ended.code == 1
    own = {"account": "main", "kind": "order", "object_id": ORDER}
    assert {**own, "differs": "belief", "rule": ""} in rows(ended.out)


def test_a_mismatch_that_was_tampered_with_is_found(
    call: Call, story: Ledger, database: str
) -> None:
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        connection.execute(sa.text("DELETE FROM mismatches"))
    ended = call("rebuild", "--json")
    assert ended.code == 1
    assert {row["differs"] for row in rows(ended.out)} == {"not_open"}
    assert ", 0 differ from what is believed;" in ended.err


def test_reconcile_says_what_does_not_agree(call: Call, story: Ledger) -> None:
    ended = call("reconcile", "--json")
    assert ended.code == 1
    assert sum(rows(ended.out)[0].values()) > 0
    assert "2 objects" in ended.err


def test_a_dry_run_shows_what_a_changed_rule_would_do(
    call: Call, story: Ledger, folder: Path
) -> None:
    before = call("mismatches", "--json").out
    (folder / "now.toml").write_text("[reconcile]\ngrace_seconds = 0\n")
    (folder / "new.toml").write_text(
        "[reconcile.rules]\ncharge_refund_unseen.enabled = true\n"
        + "".join(f"{one['rule']}.enabled = false\n" for one in rows(before))
    )
    call("--config", "now.toml", "reconcile")
    standing = call("mismatches", "--json").out
    ended = call("--config", "new.toml", "reconcile", "--dry-run", "--json")
    live = [one for one in rows(standing) if one["state"] != "settled"]
    assert live
    assert sum(one["would_settle"] for one in rows(ended.out)) == len(live)
    assert "nothing was written" in ended.err
    assert ended.code == 1
    assert call("mismatches", "--json").out == standing
    assert call("--config", "now.toml", "reconcile", "--dry-run").code == 0


def test_the_balance_proves_itself(call: Call, story: Ledger) -> None:
    ended = call("balance", "--json")
    found = {row["book"]: row["balance"] for row in rows(ended.out)}
    assert (ended.code, found["orders"], sum(found.values())) == (0, 170, 0)
    assert "difference 0" in ended.err
    assert call("balance", "--at", "2000-01-01").out == ""


def test_the_journal_of_one_object_is_listed(call: Call, story: Ledger) -> None:
    (line,) = rows(call("journal", "order", ORDER, "--json").out)
    assert (line["debit"], line["credit"], line["amount"]) == ("orders", "payable:unknown", 170)
    assert "DEBIT" in call("journal", "--book", "orders").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("balance", "--at", "yesterday"),
        ("journal", "order"),
        ("journal", "order", "nobody"),
        ("journal", "--since", "2026-13-01"),
    ],
)
def test_a_bad_question_to_the_books_is_refused(
    call: Call, story: Ledger, arguments: tuple[str, ...]
) -> None:
    ended = call(*arguments)
    assert (ended.code, ended.out) == (64, "")
    assert len(ended.err.splitlines()) <= 2
