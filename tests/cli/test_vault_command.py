"""Keys are made, looked at and changed from the shell; a mistake is named and loses nothing."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.ledger import sealed
from service.ledger.engine import open_ledger
from service.ledger.intake import Intake, seal
from service.ledger.keyfiles import load_vault
from service.ledger.schema import deliveries
from service.work.accept import name
from tests.cli.conftest import Call, Ended
from tests.conftest import VAULT

Configure = Callable[..., None]
BODIES = [b'{"id":"evt_%d"}' % number for number in range(3)]


@pytest.fixture
def configure(folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Settings with these key files, the first seals."""
    monkeypatch.setenv("PINGLEDGER_DATABASE__URL", database_url)
    monkeypatch.setenv("PINGLEDGER_CONFIG", str(folder / "c.toml"))

    def configuring(*keys: str) -> None:
        (folder / "c.toml").write_text(f"vault.keys = {json.dumps(keys)}\n")

    configuring("pingledger.key")
    return configuring


@pytest.fixture
def kept(configure: Configure, database_url: str, now: datetime) -> str:
    """The url of a ledger with some deliveries, sealed with the tests' key."""
    with closing(open_ledger(database_url, VAULT)) as ledger, closing(Intake(ledger)) as intake:
        sealed.enrol(ledger)
        arrived = [name("main", body, "c2ln", "f" * 64, now) for body in BODIES]
        intake.insert([seal(VAULT, one) for one in arrived])
    return database_url


def counted(ended: Ended) -> list[tuple[str, str, int, bool]]:
    rows = [json.loads(line) for line in ended.out.splitlines()]
    return [(row["table"], row["key"], row["rows"], row["here"]) for row in rows]


def new_key(call: Call, path: str) -> str:
    ended = call("vault", "new-key", path)
    assert ended.code == 0, ended.err
    return load_vault([Path(path)]).ids[0]


def test_a_new_key_is_in_a_file_and_nowhere_else(call: Call, folder: Path) -> None:
    ended = call("vault", "new-key", "newer.key")
    assert (ended.code, ended.out) == (0, "")
    [made] = load_vault([folder / "newer.key"]).ids
    assert f"key {made} is in newer.key" in ended.err
    assert (folder / "newer.key").read_text().strip() not in ended.err
    assert (folder / "newer.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("pingledger.key",), 1, "exists: a key is never overwritten"),
        (("no/such/folder.key",), 1, "cannot be made: FileNotFoundError"),
        ((".",), 1, "is a folder"),
        ((), 64, "FILE"),
        (("a.key", "b.key"), 64, "b.key"),
    ],
)
def test_a_key_that_cannot_be_made_is_told(
    call: Call, folder: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    before = sorted((path.name, path.read_bytes()) for path in folder.iterdir())
    ended = call("vault", "new-key", *arguments)
    assert (ended.code, said in ended.err) == (code, True), ended.err
    assert sorted((path.name, path.read_bytes()) for path in folder.iterdir()) == before


@pytest.mark.usefixtures("kept")
def test_status_counts_what_each_key_seals(call: Call) -> None:
    ended = call("vault", "status", "--json")
    assert ended.code == 0
    assert counted(ended) == [("deliveries", VAULT.ids[0], 3, True)]
    assert f"key {VAULT.ids[0]} seals" in ended.err
    assert call("vault", "status").out.splitlines()[0].split() == ["TABLE", "KEY", "ROWS", "HERE"]


def test_rotating_seals_everything_anew_and_the_old_key_may_go(
    call: Call, kept: str, configure: Configure
) -> None:
    newer = new_key(call, "newer.key")
    configure("newer.key", "pingledger.key")
    ended = call("vault", "rotate")
    assert ended.code == 0
    assert "3 rows were sealed anew, 0 do not open" in ended.err
    assert "0 rows were sealed anew" in call("vault", "rotate").err
    configure("newer.key")
    assert counted(call("vault", "status", "--json")) == [("deliveries", newer, 3, True)]
    with closing(open_ledger(kept, load_vault([Path("newer.key")]))) as ledger:
        sealed.enrol(ledger)
    opened = call("open", "delivery", "1", "--reason", "ticket 4711")
    assert json.loads(opened.out)["body"] == json.loads(BODIES[0])


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["newer.key"], "that key is not here"),
        (["gone.key"], "vault.keys.0"),
        (["pingledger.key", "pingledger.key"], "is there twice"),
        (["pingpp.pem"], "chmod 600"),
    ],
)
def test_wrong_keys_are_refused_before_anything_is_changed(
    call: Call, configure: Configure, keys: list[str], said: str
) -> None:
    new_key(call, "newer.key")
    configure(*keys)
    for command in ("rotate", "status"):
        ended = call("vault", command)
        assert (ended.code, said in ended.err) == (78, True), ended.err
    configure("pingledger.key")
    assert counted(call("vault", "status", "--json")) == [("deliveries", VAULT.ids[0], 3, True)]


def test_a_row_that_does_not_open_is_counted_and_left(
    call: Call, kept: str, configure: Configure
) -> None:
    with closing(open_ledger(kept)) as ledger, ledger.begin() as connection:
        one = sa.update(deliveries).where(deliveries.c.id == 1)
        connection.execute(one.values(dedup_key="another"))
    newer = new_key(call, "newer.key")
    configure("newer.key", "pingledger.key")
    ended = call("vault", "rotate")
    assert ended.code == 1
    assert "2 rows were sealed anew, 1 do not open" in ended.err
    rows = {row[1]: row[2] for row in counted(call("vault", "status", "--json"))}
    assert rows == {newer: 2, VAULT.ids[0]: 1}


@pytest.mark.parametrize("arguments", [("turn",), ("rotate", "--fast"), ("status", "more"), ()])
def test_what_vault_does_not_know_is_64(call: Call, arguments: tuple[str, ...]) -> None:
    assert call("vault", *arguments).code == 64
