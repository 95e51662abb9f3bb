"""What a process is made of, and what keeps it from starting."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.core.errors import Misconfigured, TryLater
from service.ledger.engine import Ledger, open_ledger
from service.ledger.keyfiles import make_key_file
from service.ledger.rules.tuning import Tuned
from service.runtime import alone_on, check_people, open_ledger_of, open_runtime, terms_of
from service.settings import Settings, load
from tests.conftest import VAULT, KeyPair, make_key_pair, put_vault_key

SECRET = "whsec_" + "QUJD" * 8


@pytest.fixture
def configure(tmp_path: Path, key_pair: KeyPair) -> Callable[..., Settings]:
    """Settings out of a text, with a key pair beside the file."""
    (tmp_path / "pingpp.pem").write_bytes(key_pair.public_pem)
    (tmp_path / "own.pem").write_bytes(key_pair.private_pem)

    def configuring(text: str, **environ: str) -> Settings:
        path = tmp_path / "pingledger.toml"
        path.write_text(text)
        return load(path, environ)

    return configuring


def refusal(settings: Settings, **options: bool) -> Misconfigured:
    with pytest.raises(Misconfigured) as caught, open_runtime(settings, **options):
        pass
    return caught.value


WHOLE = f"""
[accounts.main]
public_keys = ["pingpp.pem"]
private_key = "own.pem"
api_key = "sk_live_1"
apps = ["app_1"]
[sinks.books]
type = "jsonl"
path = "out.jsonl"
[sinks.erp]
type = "webhook"
url = "https://erp.example/in"
secret = "{SECRET}"
[poll]
scale = 4
"""


def test_everything_that_is_configured_is_opened(
    configure: Callable[..., Settings], database_url: str, tmp_path: Path
) -> None:
    put_vault_key(tmp_path)
    settings = configure(WHOLE, PINGLEDGER_DATABASE__URL=database_url)
    with open_runtime(settings, receives=True) as runtime:
        assert list(runtime.rings) == list(runtime.clients) == ["main"]
        assert list(runtime.outlets) == list(runtime.terms.sinks) == ["books", "erp"]
        assert runtime.terms.scale == 4
        assert len(runtime.terms.epoch) == 32
        assert runtime.terms.accounts["main"].apps == {"app_1"}
        assert runtime.clock().tzinfo is not None


def test_up_makes_its_own_ledger_and_nobody_elses(
    configure: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = configure("data_dir = 'new/folder'")
    assert "pingledger migrate" in str(refusal(settings))
    with open_runtime(settings, makes=True):
        pass
    with open_runtime(settings):
        pass
    assert (tmp_path / "new/folder").stat().st_mode & 0o777 == 0o700
    other = configure("", PINGLEDGER_DATABASE__URL=f"sqlite:///{tmp_path}/other.db")
    assert "pingledger migrate" in str(refusal(other, makes=True))


def test_up_makes_the_key_of_its_own_ledger_once(
    configure: Callable[..., Settings], tmp_path: Path
) -> None:
    with open_runtime(configure(""), makes=True) as runtime:
        ids = runtime.ledger.vault.ids
    key = tmp_path / "pingledger.key"
    assert key.stat().st_mode & 0o777 == 0o600
    with open_runtime(configure("")) as runtime:
        assert runtime.ledger.vault.ids == ids
    key.rename(tmp_path / "lost.key")
    for makes in (True, False):
        error = refusal(configure(""), makes=makes)
        assert error.key == "vault.keys"
        assert "pingledger vault new-key" in str(error)
    with open_runtime(configure("[vault]\nkeys = ['lost.key']")):
        pass


def test_a_ledger_of_ones_own_needs_a_key_of_ones_own(  # fail closed
    configure: Callable[..., Settings], database_url: str, tmp_path: Path
) -> None:
    environ = {"PINGLEDGER_DATABASE__URL": database_url}
    assert refusal(configure("", **environ), makes=True).key == "vault.keys"
    assert not (tmp_path / "pingledger.key").exists()
    make_key_file(tmp_path / "a.key")
    with open_runtime(configure("[vault]\nkeys = ['a.key']", **environ)):
        pass
    make_key_file(tmp_path / "b.key")
    error = refusal(configure("", **environ, PINGLEDGER_VAULT__KEYS="b.key"))
    assert "that key is not here" in str(error)


def test_a_start_that_was_killed_over_its_empty_file_is_made_good_by_the_next(
    configure: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = configure("")
    (tmp_path / "pingledger.db").touch()
    assert "pingledger migrate" in str(refusal(settings))
    with open_runtime(settings, makes=True):
        pass


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (
            "paid_sums.tolerance = 1",
            "reconcile.rules.paid_sums: is no rule: did you mean paid_sum?",
        ),
        ("overdue.tolerance = 1", "reconcile.rules.overdue.tolerance: makes no sense"),
        ("paid_sum.tolerance = -1", "reconcile.rules.paid_sum.tolerance: should be greater"),
        ("paid_sum.severity = 'bad'", "reconcile.rules.paid_sum.severity: should be"),
        ("paid_sum.enabled = 'no'", "reconcile.rules.paid_sum.enabled: should be true or false"),
        ("paid_sum.grace_seconds = -1", "reconcile.rules.paid_sum.grace_seconds: should be"),
    ],
)
def test_what_makes_no_sense_of_a_rule_is_refused_with_its_key(
    configure: Callable[..., Settings], rule: str, sentence: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        terms_of(configure(f"[reconcile.rules]\n{rule}\n"), "e")
    assert sentence in str(caught.value)


@pytest.mark.parametrize("code", ["refunded_over_paid", "disk_low", "clock_skew"])
def test_a_channel_is_for_rules_alerts_and_notices_that_there_are(
    configure: Callable[..., Settings], code: str
) -> None:
    people = 'data_dir = "."\n[people.ops]\nurl = "https://hooks.example.com/x"\nrules = ["%s"]\n'
    check_people(configure(people % code))
    error = refusal(configure(people % f"{code}s"))
    assert error.key == "people.ops.rules"
    assert f"{code}s is no rule" in str(error)


def test_the_rules_settings_reach_the_terms(configure: Callable[..., Settings]) -> None:
    said = "[reconcile.rules.paid_sum]\ntolerance = 3\nseverity = 'info'\ngrace_seconds = 9\n"
    tuning = terms_of(configure(said), "e").tuning
    assert tuning.of("paid_sum") == Tuned(True, 3, 9, "info")
    assert tuning.of("overpaid") == Tuned()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://u:secret@h/x", "mysql is not supported"),
        ("sqlite://", "memory does not survive"),
        ("sqlite:///:memory:", "memory does not survive"),
        ("sqlite:///relative.db", "must be absolute"),
        ("sqlite:////no/such/folder/x.db", "does not exist"),
        ("postgresql://u:p@ss:secret/x", "database.url"),
        ("nonsense secret", "database.url"),
    ],
)
def test_an_odd_database_url_is_refused(  # C06
    configure: Callable[..., Settings], url: str, sentence: str
) -> None:
    error = refusal(configure("", PINGLEDGER_DATABASE__URL=url))
    assert sentence in str(error)
    assert "secret" not in str(error)


def test_a_database_that_is_away_is_tried_later(configure: Callable[..., Settings]) -> None:
    url = "postgresql://pingledger:secret@127.0.0.1:1/none"
    with (
        pytest.raises(TryLater) as caught,
        open_runtime(configure("", PINGLEDGER_DATABASE__URL=url)),
    ):
        pass
    assert "secret" not in str(caught.value)


def test_a_data_dir_that_cannot_be_is_refused(
    configure: Callable[..., Settings], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    assert refusal(configure("data_dir = 'file/x'")).key == "data_dir"


def test_nothing_receives_without_a_key(configure: Callable[..., Settings]) -> None:
    assert refusal(configure(""), receives=True).key == "accounts"
    missing = configure("[accounts.main]\napi_key = 'sk_live_1'")
    assert refusal(missing, receives=True).key == "accounts.main.public_keys"
    empty = configure("[accounts.main]\npublic_keys = []")
    assert refusal(empty, receives=True).key == "accounts.main.public_keys"


def weak_key() -> bytes:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    return weak.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def elliptic_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


KEY_FILES: dict[str, Callable[[KeyPair], bytes]] = {
    "it is empty": lambda _pair: b"",
    "it is a private key": lambda pair: pair.private_pem,
    "it has 1024 bits": lambda _pair: weak_key(),
    "it is not an RSA key": lambda _pair: elliptic_key(),
    "more than one key": lambda pair: pair.public_pem + make_key_pair().public_pem,
    "not a key in PEM form": lambda _pair: b"nothing like a key!",
    "too large": lambda _pair: b"A" * 100_000,
}


@pytest.mark.parametrize("sentence", KEY_FILES)
def test_a_file_that_is_no_public_key_is_named_by_its_setting(  # C03
    configure: Callable[..., Settings], key_pair: KeyPair, tmp_path: Path, sentence: str
) -> None:
    (tmp_path / "bad.pem").write_bytes(KEY_FILES[sentence](key_pair))
    settings = configure("[accounts.main]\npublic_keys = ['pingpp.pem', 'bad.pem']")
    error = refusal(settings)
    assert error.key == "accounts.main.public_keys.1"
    assert sentence in str(error)
    assert key_pair.private_pem[60:100].decode() not in str(error)


def test_key_files_that_cannot_be_read_are_named(configure: Callable[..., Settings]) -> None:
    error = refusal(configure("[accounts.main]\npublic_keys = ['nowhere.pem']"))
    assert error.key == "accounts.main.public_keys.0"
    assert "No such file" in str(error)
    swapped = "[accounts.main]\npublic_keys = ['pingpp.pem']\napi_key = 'k'\nprivate_key = '{}'"
    assert "it is a public key" in str(
        refusal(configure(swapped.format("pingpp.pem"), PINGLEDGER_DATA_DIR="x"), makes=True)
    )


def test_one_daemon_works_on_an_sqlite_ledger(ledger: Ledger) -> None:  # C07, C20
    with closing(
        open_ledger(ledger.writer.url.render_as_string(hide_password=False), VAULT)
    ) as other:
        with alone_on(ledger):
            if ledger.dialect == "sqlite":
                with pytest.raises(TryLater, match="another process"), alone_on(other):
                    pass
            else:
                with alone_on(other):
                    pass
        with alone_on(other):
            pass


def test_a_ledger_is_closed_when_its_tables_are_not_right(
    configure: Callable[..., Settings],
) -> None:
    with pytest.raises(Misconfigured):
        open_ledger_of(configure(""))
