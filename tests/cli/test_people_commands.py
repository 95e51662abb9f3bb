"""Are people and tokens made, shown once, changed and ended? And who starts without a user?"""

import json
from contextlib import closing
from pathlib import Path

import pytest

from service.ledger import audit, users
from service.ledger.engine import open_ledger
from service.settings import Settings
from service.web.desk import place_of
from tests.cli.conftest import Call

ACCOUNT = '[accounts.shop]\npublic_keys = ["pingpp.pem"]\n'


@pytest.fixture
def config(folder: Path) -> str:
    path = folder / "pingledger.toml"
    path.write_text(ACCOUNT)
    return str(path)


def test_a_person_is_added_shown_once_changed_and_disabled(
    call: Call, config: str, folder: Path
) -> None:
    added = call("user", "add", "Lin", "--role", "finance", "--account", "shop", "--config", config)
    assert added.code == 0, added.err
    password = added.out.strip()
    assert len(password) >= 20
    again = call("user", "add", "lin", "--role", "viewer", "--config", config)
    assert (again.code, "known already" in again.err) == (1, True)
    assert call("user", "role", "lin", "--role", "admin", "--config", config).code == 0
    assert call("user", "disable", "lin", "--config", config).code == 0
    listed = call("user", "list", "--json", "--config", config)
    row = json.loads(listed.out)
    assert (row["name"], row["roles"], row["accounts"]) == ("lin", "admin", "all")
    assert (row["signs_in"], row["disabled_at"] is None) == ("first password", False)
    assert password not in listed.out
    assert call("user", "enable", "lin", "--config", config).code == 0
    reset = call("user", "reset", "lin", "--config", config).out.strip()
    assert reset != password
    with closing(open_ledger(f"sqlite:///{folder}/pingledger.db")) as ledger:
        assert list(audit.broken(ledger)) == []
        with ledger.read() as connection:
            user = users.by_name(connection, "lin")
        assert user is not None
        assert user.must_change
        assert (user.password or "").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("add", "lin"), 64),
        (("add", "lin", "--role", "boss"), 64),
        (("add", "a b", "--role", "viewer"), 64),
        (("add", "lin", "--role", "viewer", "--account", "nowhere"), 64),
        (("add", "lin", "--role", "viewer", "--language", "fr"), 64),
        (("reset", "nobody"), 1),
        (("sessions", "--end"), 64),
    ],
)
def test_what_makes_no_sense_is_said(
    call: Call, config: str, arguments: tuple[str, ...], code: int
) -> None:
    call("migrate", "--config", config)
    ended = call("user", *arguments, "--config", config)
    assert ended.code == code
    assert ended.out == ""


def test_a_token_is_shown_once_and_revoked(call: Call, config: str) -> None:
    call("migrate", "--config", config)
    added = call("token", "add", "books", "--scope", "read", "--days", "30", "--config", config)
    secret = added.out.strip()
    assert (added.code, secret.startswith("plt_")) == (0, True)
    listed = call("token", "list", "--json", "--config", config)
    row = json.loads(listed.out)
    assert (row["name"], row["scopes"], row["revoked_at"]) == ("books", "read", None)
    assert secret not in listed.out
    assert call("token", "revoke", row["id"], "--config", config).code == 0
    assert call("token", "revoke", row["id"], "--config", config).code == 1
    assert call("token", "add", "x", "--scope", "all", "--config", config).code == 64


def test_open_to_others_it_does_not_start_without_a_user(
    call: Call, config: str, folder: Path
) -> None:
    Path(config).write_text(ACCOUNT + '[console]\nlisten = "0.0.0.0:0"\n[listen]\nport = 0\n')
    ended = call("up", "--config", config)
    assert ended.code == 78
    assert "there is no user" in ended.err
    Path(config).write_text(
        ACCOUNT + '[console]\nenabled = true\n[listen]\nhost = "0.0.0.0"\nport = 0\n'
    )
    assert call("up", "--config", config).code == 78


@pytest.mark.parametrize(
    ("listen", "console", "place"),
    [
        ("127.0.0.1", {}, ("127.0.0.1", 80, False)),
        ("::1", {}, ("::1", 80, False)),
        ("0.0.0.0", {}, None),
        ("0.0.0.0", {"enabled": True}, ("0.0.0.0", 80, False)),
        ("127.0.0.1", {"enabled": False}, None),
        ("0.0.0.0", {"listen": "127.0.0.1:81"}, ("127.0.0.1", 81, True)),
        ("0.0.0.0", {"listen": "[::1]:81"}, ("::1", 81, True)),
        ("0.0.0.0", {"listen": "0.0.0.0:80"}, ("0.0.0.0", 80, False)),
        ("0.0.0.0", {"listen": "127.0.0.1:81", "enabled": False}, None),
    ],
)
def test_the_console_is_where_nobody_is_surprised(
    tmp_path: Path, listen: str, console: dict[str, object], place: tuple[str, int, bool] | None
) -> None:
    given = {
        "data_dir": str(tmp_path),
        "listen": {"host": listen, "port": 80},
        "console": console,
    }
    found = place_of(Settings.model_validate(given, context={"folder": tmp_path}))
    assert (None if found is None else (found.host, found.port, found.is_own)) == place
