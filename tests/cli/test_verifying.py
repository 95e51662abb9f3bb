"""How `verify` ends, and what it names."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.ledger.engine import Ledger, open_ledger
from service.ledger.schema import deliveries
from tests.cli.conftest import Call
from tests.conftest import VAULT, KeyPair
from tests.days import shut
from tests.work.verify.tampering import deliver


@pytest.fixture
def shop(
    folder: Path, key_pair: KeyPair, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ledger]:
    """A ledger with one signed delivery on a closed day, and settings with its key."""
    monkeypatch.setenv("PINGLEDGER_DATABASE__URL", database_url)
    text = '[accounts.shop]\npublic_keys = ["pingpp.pem"]\n'
    (folder / "c.toml").write_text(text, encoding="utf-8")
    (folder / "none.toml").write_text("[accounts.shop]\n", encoding="utf-8")
    monkeypatch.setenv("PINGLEDGER_CONFIG", "c.toml")
    with closing(open_ledger(database_url, VAULT)) as ledger:
        deliver(ledger, key_pair, 1, 1)
        shut(ledger)
        yield ledger


def test_verify_ends_well_or_names_what_was_changed(call: Call, shop: Ledger) -> None:
    ended = call("verify")
    assert (ended.code, ended.out) == (0, "")
    assert "1 delivery" in ended.err
    missing = call("--config", "none.toml", "verify")
    assert missing.code == 69
    assert "is not configured" in missing.out
    assert "0 are not what they were, 1 cannot be checked here" in missing.err
    with shop.begin() as connection:
        connection.execute(sa.update(deliveries).values(content_digest="0" * 64))
    ended = call("verify", "--json")
    fault, summary = [json.loads(line) for line in ended.out.splitlines()]
    assert (ended.code, fault["what"], fault["known"]) == (1, "delivery", True)
    assert (summary["wrong"], summary["checked"]["closing"]) == (1, 1)
    assert call("verify", "--since", "2026-11-22T00:00:00+08:00").code == 0
    assert call("verify", "--since", "yesterday").code == 64
