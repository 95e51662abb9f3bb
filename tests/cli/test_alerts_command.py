"""Which alerts are shown, who says that they have seen one, and what is written down of it?"""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from service.ledger import alerts, audit
from service.ledger.alerts import Alarm
from service.ledger.engine import Ledger, open_ledger
from service.ledger.schema import audit as lines
from tests.books import rows_of
from tests.cli.conftest import Call
from tests.conftest import VAULT


@pytest.fixture
def shop(folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A ledger with two alerts that are open."""
    monkeypatch.setenv("PINGLEDGER_DATABASE__URL", database_url)
    (folder / "c.toml").write_text("[accounts.shop]\n", encoding="utf-8")
    monkeypatch.setenv("PINGLEDGER_CONFIG", "c.toml")
    with closing(open_ledger(database_url, VAULT)) as ledger:
        holding = [Alarm("replica_gone", "", f"host-{n}", "") for n in (1, 2)]
        with ledger.begin() as connection:
            alerts.judge(connection, holding, epoch="e1", sinks=(), now=ledger.now())
        yield ledger


def test_alerts_are_listed_until_somebody_has_seen_all_of_them(call: Call, shop: Ledger) -> None:
    listed = call("alerts", "--json")
    first, second = [json.loads(line) for line in listed.out.splitlines()]
    assert listed.code == 1
    assert (first["code"], first["subject"], first["acknowledged_at"]) == (
        "replica_gone", "host-1", None,
    )  # fmt: skip
    told = call(
        "alerts", "acknowledge", str(first["number"]), str(second["number"]),
        "--as", "anna", "--note", "ticket 4711",
    )  # fmt: skip
    assert (told.code, "2 alerts are acknowledged" in told.err) == (0, True)
    listed = call("alerts", "--json")
    assert listed.code == 0
    assert json.loads(listed.out.splitlines()[0])["acknowledged_by"].startswith("anna (as ")
    written = rows_of(shop, lines)
    assert [row["what"] for row in written] == [
        f"acknowledged alert {first['number']}: replica_gone host-1",
        f"acknowledged alert {second['number']}: replica_gone host-2",
    ]
    assert {row["why"] for row in written} == {"ticket 4711"}
    assert list(audit.broken(shop)) == []


def test_what_is_not_open_cannot_be_seen(call: Call, shop: Ledger) -> None:
    with shop.read() as connection:
        number = alerts.listed(connection)[0].number
    told = call("alerts", "acknowledge", str(number), "99")
    assert (told.code, "99: it is not open" in told.err) == (1, True)
    assert call("alerts", "acknowledge", str(number)).code == 1
    assert call("alerts", "acknowledge", "all").code == 64
