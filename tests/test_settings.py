"""What the settings take, and which sentence each mistake gets."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.core.errors import Misconfigured
from service.settings import JsonlSink, Settings, WebhookSink, load

SECRET = "whsec_" + "QUJD" * 8
Loader = Callable[..., Settings]


@pytest.fixture
def read(tmp_path: Path) -> Loader:
    def reading(text: str | bytes, environ: Mapping[str, str] | None = None) -> Settings:
        path = tmp_path / "pingledger.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(path, environ or {})

    return reading


def mistake(read: Loader, text: str | bytes, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(Misconfigured) as caught:
        read(text, environ)
    return str(caught.value)


def test_one_account_is_enough(read: Loader, tmp_path: Path) -> None:
    settings = read('[accounts.main]\npublic_keys = ["pingpp.pem"]\n')
    account = settings.accounts["main"]
    assert account.public_keys == (tmp_path / "pingpp.pem",)
    assert account.api_base == "https://api.pingxx.com"
    assert account.livemode is True
    assert settings.database_url == f"sqlite:///{tmp_path}/pingledger.db"
    assert (settings.listen.host, settings.listen.port) == ("127.0.0.1", 8080)


def test_nothing_at_all_is_enough_to_migrate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(None, {}).data_dir == tmp_path


def test_the_environment_goes_over_the_file(read: Loader, tmp_path: Path) -> None:
    settings = read(
        '[accounts.main]\npublic_keys = ["a.pem"]\nlivemode = false\n[listen]\nport = 1\n',
        {
            "PINGLEDGER_LISTEN__PORT": "9000",
            "PINGLEDGER_LISTEN__HOST": "0.0.0.0",
            "PINGLEDGER_ACCOUNTS__MAIN__LIVEMODE": "true",
            "PINGLEDGER_ACCOUNTS__MAIN__PUBLIC_KEYS": "a.pem, /b.pem",
            "PINGLEDGER_ACCOUNTS__SECOND__API_KEY": "sk_live_2",
            "PINGLEDGER_SINKS__OUT__TYPE": "jsonl",
            "PINGLEDGER_SINKS__OUT__PATH": "out.jsonl",
            "PINGLEDGER_POLL__SCALE": "2.5",
            "PINGLEDGER_LOG__LEVEL": "",
            "PATH": "/bin",
        },
    )
    assert (settings.listen.port, settings.listen.host) == (9000, "0.0.0.0")
    assert settings.accounts["main"].livemode is True
    assert settings.accounts["main"].public_keys == (tmp_path / "a.pem", Path("/b.pem"))
    assert settings.sinks["out"] == JsonlSink(type="jsonl", path=tmp_path / "out.jsonl")
    assert settings.poll.scale == 2.5
    assert settings.log.level == "info"


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[listen]\nport = 7\n")
    assert load(None, {"PINGLEDGER_CONFIG": str(path)}).listen.port == 7


def test_nothing_changes_after_reading(read: Loader) -> None:
    with pytest.raises(ValidationError):
        read("").data_dir = Path("/")  # pyright: ignore[reportAttributeAccessIssue]


def test_secrets_come_from_files_too(read: Loader, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbfsk_live_abc\r\n")
    (tmp_path / "url").write_text("postgresql://u:p%40@db/x\n")
    (tmp_path / "hook").write_text(SECRET)
    settings = read(
        '[accounts.main]\napi_key_file = "key"\n[database]\nurl_file = "url"\n'
        '[sinks.shop]\ntype = "webhook"\nurl = "https://shop.example/in"\nsecret_file = "hook"\n'
    )
    key, sink = settings.accounts["main"].api_key, settings.sinks["shop"]
    assert key is not None
    assert key.get_secret_value() == "sk_live_abc"
    assert settings.database_url == "postgresql://u:p%40@db/x"
    assert isinstance(sink, WebhookSink)
    assert sink.secret.get_secret_value() == SECRET
    shown = repr(settings) + str(settings)
    assert "sk_live" not in shown
    assert SECRET not in shown
    assert "p%40" not in shown


WEBHOOK = f'[sinks.s]\ntype = "webhook"\nsecret = "{SECRET}"\n'

MISTAKES = {
    # C01
    "data_dir = \nx = 1": "config: .* is not TOML: .* line 1",
    "\ufeffdata_dir = 'x'": "config: .* is not TOML: .* line 1",
    "a = '\0'": "config: .* is not TOML: .* line 1",
    "[listen]\nport = 1\nport = 2\n": "config: .* is not TOML: .* line 3",
    # C02
    "[accounts.main]\npublc_keys = ['a']": "publc_keys: .* did you mean public_keys",
    "acounts = 1": "acounts: is not a known key: did you mean accounts",
    "[zzzz]": "zzzz: is not a known key: known are data_dir, zone, database",
    WEBHOOK + "urll = 'https://a'": "sinks.s.urll: is not a known key: did you mean url.*; 1 more",
    "[accounts.main]\nlivemode = 'yes'": "accounts.main.livemode: should be true or false",
    "[accounts.main]\nlivemode = 1": "accounts.main.livemode: should be true or false",
    "[accounts.main]\npublic_keys = 7": "accounts.main.public_keys: should be a list",
    "[accounts.main]\npublic_keys = [7]": "accounts.main.public_keys.0: should be a path",
    "accounts = 7": "accounts: should be a table",
    "[accounts]\nmain = 7": "accounts.main: should be a table",
    "[accounts.Main]": "accounts.Main: a name has small letters",
    "[accounts.a__b]": "accounts.a__b: a name has small letters",
    "[accounts.'../x']": "accounts.../x: a name has small letters",
    "[sinks.s]\npath = 'x'": "sinks.s: has no type",
    "[sinks.s]\ntype = 'webhok'": "sinks.s: has a type that is not known",
    # C04
    "[accounts.main]\napi_base = 'http://api.pingxx.com'": "api_base: should begin with https",
    "[accounts.main]\napi_base = 'https://u:secret@api.pingxx.com'": "should not have a user",
    "[accounts.main]\napi_base = 'https://api.pingxx.com/v1'": "should end after the host",
    "[accounts.main]\napi_base = 'https://api.pingxx.com?a=1'": "should end after the host",
    "[traces]\nendpoint = 'ftp://collector'": "traces.endpoint: should begin with http",
    "[traces]\nendpoint = 'http://collector:4318/v1/traces'": "/v1/traces is added",
    "[traces]\nshare = 1.5": "traces.share",
    "[accounts.main]\napi_base = 'https://10.0.0.1'": "api_base: should name a host",
    "[accounts.main]\napi_base = 'https://аpi.pingxx.com'": "api_base: should be printable ASCII",
    "[accounts.main]\napi_base = 'https://a:99999'": "api_base: is not a URL",
    "[accounts.main]\napi_base = 'api.pingxx.com'": "api_base: is not a URL",
    # C05
    "[accounts.main]\napi_key = 'sk_test_secret'": "accounts.main.api_key: is a test key",
    "[accounts.main]\nlivemode = false\napi_key = 'sk_live_secret'": "api_key: is a live key",
    "[accounts.main]\napi_key = 'sk_live_secret '": "accounts.main.api_key: should be printable",
    # reports and their mail
    "[reports.a]\nreport = 'orders'": "reports.a.folder: is missing, and so is mail",
    "[reports.a]\nreport = 'orders'\nfolder = 'f'\nat = '8:30'": "reports.a.at: should be closing",
    "[reports.a]\nreport = 'orders'\nfolder = 'f'\nevery = 'week'": "at: should be a time such as",
    "[reports.a]\nreport = 'orders'\nmail = ['a@b.example']": "reports.a.mail: needs mail.url",
    "[reports.a]\nreport = 'orders'\nmail = ['a b']": "mail: should be an address",
    "[mail]\nurl = 'smtp://mail.example'": "mail.sender: is missing",
    "[mail]\nsender = 'a@b.example'\nurl = 'http://u:hidden@m'": "mail.url: should be smtp://",
    # C08, C09
    "[poll]\nscale = 0": "poll.scale: should be greater than or equal to 0.001",
    "[jobs]\npoll_seconds = -1": "jobs.poll_seconds: should be greater",
    "[jobs]\npoll_seconds = 1e9": "jobs.poll_seconds: should be less",
    "[jobs]\npoll_seconds = '5 minutes'": "jobs.poll_seconds: should be a number",
    "[jobs]\npoll_seconds = nan": "jobs.poll_seconds: should be",
    "[jobs]\npoll_seconds = true": "jobs.poll_seconds: should be a number",
    "[listen]\nport = 70000": "listen.port: should be less than or equal to 65535",
    "[listen]\nport = true": "listen.port: should be a whole number",
    "[listen]\nport = 80.5": "listen.port: should be a whole number",
    # C10
    "[listen]\ntrusted_proxies = ['*']": "listen.trusted_proxies: should list addresses",
    "[listen]\ntrusted_proxies = ['0.0.0.0/0']": "not trust the whole world",
    "[listen]\ntrusted_proxies = ['10.0.0.1/8']": "trusted_proxies: should list addresses",
    # C11
    WEBHOOK + "url = 'http://shop.example/in'": "sinks.s.url: should begin with https",
    WEBHOOK + "url = 'http://127.0.0.1/in'": "sinks.s.url: should begin with https",
    WEBHOOK + "url = 'ftp://shop.example/in'": "sinks.s.url: should begin with https",
    WEBHOOK + "url = 'https://u:secret@shop.example/'": "sinks.s.url: should not have a user",
    WEBHOOK + "url = 'https://shop.example/#a'": "sinks.s.url: should have no fragment",
    WEBHOOK.replace(SECRET, "whsec_QUJD") + "url = 'https://a.b'": "secret: should be whsec_",
    "[sinks.s]\ntype = 'webhook'\nurl = 'https://a.example'": "sinks.s.secret: is missing",
    "[accounts.main]\napi_key_file = 'nowhere'": "accounts.main.api_key_file: .* cannot be read",
    "[accounts.main]\napi_key = 'x'\napi_key_file = 'y'": "api_key_file: is given besides api_key",
}  # fmt: skip


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_named_by_its_key_and_secrets_stay_unsaid(read: Loader, text: str) -> None:
    with pytest.raises(Misconfigured, match=MISTAKES[text]) as caught:
        read(text)
    assert "secret" not in str(caught.value).replace("sinks.s.secret", "")
    assert caught.value.__cause__ is None


def test_a_file_that_is_no_text_is_refused_with_its_line(read: Loader) -> None:
    assert "line 2: it is not UTF-8" in mistake(read, b"a = 1\n\xff\xfe")
    assert "nested too deeply" in mistake(read, "a = " + "[" * 100_000)
    assert "larger than" in mistake(read, b"#" * 10_000_000)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path, sentence in (
        (tmp_path / "none.toml", "No such file"),
        (tmp_path, "Is a directory"),
        (Path("a\0b"), "NUL"),
    ):
        with pytest.raises(Misconfigured, match=sentence):
            load(path, {})


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PINGLEDGER_ACOUNTS__MAIN__API_KEY", "secret", "acounts: .* did you mean accounts.*from"),
        ("PINGLEDGER_ACCOUNTS__MAIN__API_KY", "secret", "main.api_ky: .* did you mean api_key"),
        ("PINGLEDGER_LISTEN_PORT", "80", "listen_port: is not a known key: did you mean listen"),
        ("PINGLEDGER_LISTEN__PORT", " 80", "PINGLEDGER_LISTEN__PORT: begins or ends with white"),
        ("PINGLEDGER_LISTEN__PORT", "８０", "listen.port: should be a whole number .from PINGL"),
        ("PINGLEDGER_LISTEN__PORT", "${PORT}", "nobody has filled in"),
        ("PINGLEDGER_LISTEN__PORT__X", "1", "listen.port"),
        ("PINGLEDGER_LISTEN__", "1", "PINGLEDGER_LISTEN__: such a variable is not known"),
        ("pingledger_listen__port", "1", "pingledger_listen__port: such a variable is not known"),
        ("PINGLEDGER_ACCOUNTS__MAIN__API_KEY", "sk_test_secret", "api_key: is a test key"),
    ],
)
def test_a_mistake_in_the_environment_names_its_variable(  # C13
    read: Loader, name: str, value: str, sentence: str
) -> None:
    with pytest.raises(Misconfigured, match=sentence) as caught:
        read("", {name: value})
    assert "secret" not in str(caught.value)


def test_a_variable_below_a_plain_value_is_refused(read: Loader) -> None:
    said = mistake(read, "data_dir = 'x'", {"PINGLEDGER_DATA_DIR__X": "1"})
    assert "data_dir is no table" in said


def test_plain_http_is_for_loopback_only(read: Loader) -> None:
    for base in ("http://127.0.0.1:9000", "http://localhost", "http://[::1]:1/"):
        settings = read(f"[accounts.main]\napi_base = '{base}'")
        assert settings.accounts["main"].api_base == base.rstrip("/")
    sink = read(WEBHOOK + "url = 'http://127.0.0.1:1/in'\nallow_loopback_http = true").sinks["s"]
    assert isinstance(sink, WebhookSink)


def test_an_unreadable_file_is_said_to_be_one(read: Loader, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "odd").write_bytes(b"\xff")
    (tmp_path / "large").write_bytes(b"x" * 100_000)
    for name, sentence in (("empty", "is empty"), ("odd", "not a text"), ("large", "too large")):
        assert sentence in mistake(read, f"[accounts.main]\napi_key_file = '{name}'")


def test_the_real_environment_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PINGLEDGER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PINGLEDGER_LISTEN__PORT", "81")
    assert load().listen.port == 81


def test_a_day_waits_for_sources_that_are_known_only(read: Loader) -> None:
    till = '[statements.till]\nlike = "book"\n'
    named = read(till + '[closing]\nstatements = ["till", "wechat"]\n').closing.statements
    assert named == ("till", "wechat")
    assert "closing.statements: tills is no source" in mistake(
        read, '[closing]\nstatements = ["tills"]\n'
    )
    assert "closing.hour" in mistake(read, "[closing]\nhour = 24\n")
