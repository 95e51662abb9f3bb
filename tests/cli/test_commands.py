"""How do commands end where something is missing, wrong or away, and what do they say?"""

from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.ledger.engine import Ledger, open_ledger
from tests.cli.conftest import Call
from tests.cli.storied import ORDER
from tests.conftest import VAULT


def test_the_version_is_said(call: Call) -> None:
    assert call("--version").out.startswith("pingledger 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--nope",),
        ("nope",),
        ("explain",),
        ("explain", "order", "../etc/passwd"),
        ("explain", "order", "x" * 10_000),
        ("explain", "order", "1' OR '1'='1"),
        ("explain", "order", "订单"),
        ("explain", "nothing", "1"),
        ("objects", "--kind", "nothing"),
        ("objects", "--limit", "0"),
        ("objects", "--format", "xml"),
        ("requeue", "x"),
        ("requeue", "--state", "waiting", "1"),
        ("requeue",),
        ("dead-letters", "replay"),
        ("dead-letters", "drop", "--sink", "books"),
        ("dead-letters", "drop", "--sink", "books", "--reason", "x"),
        ("publish", "--since", "2026-01-01T00:00:00Z"),
        ("publish", "--again"),
        ("poll", "order"),
        ("work", "--listen", "8080"),
        ("work", "--listen", "host:８０"),
    ],
)
def test_what_makes_no_sense_is_64_in_one_line(call: Call, arguments: tuple[str, ...]) -> None:
    ended = call(*arguments)
    assert (ended.code, ended.out) == (64, "")
    assert ended.err.startswith("pingledger: ")
    assert ended.err.count("\n") == 1
    assert len(ended.err) < 1_100


@pytest.mark.parametrize("command", ["objects", "up", "doctor", "migrate", "rebuild"])
def test_a_mistake_in_the_settings_is_78_before_or_behind_the_command(
    call: Call, folder: Path, command: str
) -> None:
    (folder / "bad.toml").write_text("[acounts.main]\napi_key = 'sk_live_secret'\n")
    for arguments in ((command, "--config", "bad.toml"), ("--config", "bad.toml", command)):
        ended = call(*arguments)
        assert (ended.code, ended.out) == (78, "")
        assert ended.err.startswith("pingledger: acounts: is not a known key: did you mean")
        assert ended.err.count("\n") == 1
        assert "secret" not in ended.err


def test_the_file_is_found_through_the_environment(call: Call, folder: Path) -> None:
    (folder / "bad.toml").write_text("nope = 1")
    assert call("objects", PINGLEDGER_CONFIG="bad.toml").code == 78


def test_a_ledger_without_tables_is_not_worked_on(call: Call) -> None:
    ended = call("objects")
    assert ended.code == 78
    assert "run `pingledger migrate`" in ended.err
    assert call("migrate").code == 0
    assert call("migrate").code == 0
    assert call("objects").code == 0


def test_what_we_write_is_for_our_user_only(call: Call, folder: Path) -> None:  # C24
    call("migrate")
    assert (folder / "pingledger.db").stat().st_mode & 0o777 == 0o600


def test_a_fault_of_ours_is_told_without_what_it_quotes(
    call: Call, story: Ledger, database: str
) -> None:
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        connection.execute(sa.text("UPDATE observations SET body = 'secret1'"))
    ended = call("explain", "order", ORDER)
    assert ended.code == 70
    assert "this should not have happened: JSONDecodeError" in ended.err
    assert "secret1" not in ended.err
    assert ended.err.count("\n") == 1


def test_a_database_that_is_away_is_75(call: Call) -> None:
    ended = call("objects", PINGLEDGER_DATABASE__URL="postgresql://u:secret@127.0.0.1:1/x")
    assert ended.code == 75
    assert "not available" in ended.err
    assert "secret" not in ended.err


def test_nothing_is_asked_without_a_key(call: Call, database: str) -> None:
    assert call("poll").code == 78
