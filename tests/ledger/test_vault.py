"""What is sealed opens in its own row, with a key of the ring; a ledger knows which it needs."""

from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.core.errors import GiveUp, Misconfigured, Unreadable
from service.ledger import sealed
from service.ledger.engine import Ledger
from service.ledger.intake import Arrival, Intake, seal
from service.ledger.keyfiles import load_vault, make_key_file
from service.ledger.schema import deliveries, meta
from service.ledger.vault import OVERHEAD, Vault, is_sealed, of_delivery, of_observation
from tests.conftest import VAULT, VAULT_KEY, VAULT_KEY_TEXT

NEWER = bytes(range(100, 132))
ROW = of_delivery("shop", "evt_1")
BODY = '{"name":"张三"}'.encode()


@pytest.mark.parametrize("plain", [b"", BODY, bytes(range(256)) * 40, b"\xf8"])
def test_what_is_sealed_opens_again(plain: bytes) -> None:
    kept = VAULT.seal(plain, ROW)
    assert VAULT.open(kept, ROW) == plain
    assert is_sealed(kept)
    assert len(kept) == len(plain) + OVERHEAD
    assert kept != VAULT.seal(plain, ROW)
    assert len(plain) < 4 or plain not in kept


def test_it_opens_in_its_own_row_only() -> None:
    kept = VAULT.seal(BODY, ROW)
    for other in (of_delivery("shop", "evt_2"), of_delivery("shops", "evt_1"), b""):
        with pytest.raises(Unreadable, match="broken_seal"):
            VAULT.open(kept, other)
    assert of_delivery("a", "b") != of_observation("a", "b", "")


@pytest.mark.parametrize("place", [5, 16, 17, 30, -1])
def test_a_changed_bit_is_found(place: int) -> None:
    kept = bytearray(VAULT.seal(BODY, ROW))
    kept[place] ^= 1
    with pytest.raises(Unreadable, match="broken_seal"):
        VAULT.open(bytes(kept), ROW)


def test_a_cut_off_seal_is_found() -> None:
    kept = VAULT.seal(BODY, ROW)
    for length in range(5, len(kept)):
        with pytest.raises(Unreadable, match="broken_seal"):
            VAULT.open(kept[:length], ROW)


def test_an_older_key_opens_and_a_newer_one_seals() -> None:
    older, both = Vault([VAULT_KEY]), Vault([NEWER, VAULT_KEY])
    assert both.open(older.seal(BODY, ROW), ROW) == BODY
    with pytest.raises(Unreadable, match="no_key"):
        older.open(both.seal(BODY, ROW), ROW)
    with pytest.raises(Misconfigured, match="no key"):
        Vault().seal(BODY, ROW)


def test_what_was_never_sealed_is_read_as_it_is() -> None:
    assert Vault().open(BODY, ROW) == BODY


def key_file(folder: Path, text: str = VAULT_KEY_TEXT, mode: int = 0o600) -> Path:
    path = folder / "a.key"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "holds 0 bytes"),
        ("not base64!", "not base64"),
        ("c2hvcnQ=", "holds 5 bytes"),
        ("A" * 43 + "=", "not random"),
        (VAULT_KEY_TEXT + VAULT_KEY_TEXT, "not base64"),
        ("A" * 4_000, "holds 3000 bytes"),
        ("A" * 5_000, "not base64"),
    ],
)
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence) as caught:
        load_vault([key_file(tmp_path, text)])
    assert caught.value.key == "vault.keys.0"
    assert not text or text not in str(caught.value)


def test_a_key_that_everybody_reads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="chmod 600"):
        load_vault([key_file(tmp_path, mode=0o604)])
    with pytest.raises(Misconfigured, match="No such file"):
        load_vault([tmp_path / "nowhere"])
    path = key_file(tmp_path)
    with pytest.raises(Misconfigured, match="twice"):
        load_vault([path, path])
    with pytest.raises(Misconfigured, match="more than 16"):
        load_vault([path] * 17)


def test_a_new_key_file_is_its_owners_and_replaces_none(tmp_path: Path) -> None:
    path = tmp_path / "new.key"
    make_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    [name] = load_vault([path]).ids
    assert name not in VAULT.ids
    with pytest.raises(GiveUp, match="exists"):
        make_key_file(path)
    with pytest.raises(GiveUp, match="cannot be made"):
        make_key_file(tmp_path / "no" / "such.key")
    assert list(tmp_path.iterdir()) == [path]


def keep(ledger: Ledger, now: datetime, *names: str) -> None:
    intake = Intake(ledger)
    arrived = [Arrival("shop", one, "0" * 64, BODY, "c2ln", "f" * 64, now, None) for one in names]
    intake.insert([seal(ledger.vault, one) for one in arrived])
    intake.close()


def kept_bodies(ledger: Ledger) -> dict[str, bytes]:
    with ledger.read() as connection:
        rows = connection.execute(sa.select(deliveries.c.dedup_key, deliveries.c.body))
        return {name: bytes(body) for name, body in rows}


def with_keys(ledger: Ledger, *keys: bytes) -> Ledger:
    ledger.vault = Vault(keys)
    return ledger


def test_a_ledger_is_refused_without_a_key_it_was_sealed_with(ledger: Ledger) -> None:
    assert not sealed.has_keys(ledger)
    sealed.enrol(ledger)
    sealed.enrol(ledger)
    assert sealed.has_keys(ledger)
    for keys in ((NEWER,), ()):
        with pytest.raises(Misconfigured, match=f"key {VAULT.ids[0]} sealed"):
            sealed.enrol(with_keys(ledger, *keys))
    sealed.enrol(with_keys(ledger, NEWER, VAULT_KEY))
    with pytest.raises(Misconfigured, match="not here"):
        sealed.enrol(with_keys(ledger, VAULT_KEY))


def test_a_key_check_that_does_not_open_is_refused(ledger: Ledger) -> None:
    sealed.enrol(ledger)
    with ledger.begin() as connection:
        name = f"vault:{VAULT.ids[0]}"
        connection.execute(sa.update(meta).where(meta.c.name == name).values(value="+AAAA"))
    with pytest.raises(Misconfigured, match="not the one"):
        sealed.enrol(ledger)


def rotate(ledger: Ledger) -> sealed.Rotated:
    *_, last = sealed.rotate(ledger)
    return last


def test_rotating_seals_everything_with_the_first_key(ledger: Ledger, now: datetime) -> None:
    sealed.enrol(ledger)
    keep(ledger, now, "evt_1", "evt_2", "evt_3")
    with ledger.begin() as connection:
        plain = sa.update(deliveries).where(deliveries.c.dedup_key == "evt_2")
        connection.execute(plain.values(body=BODY))
    sealed.enrol(with_keys(ledger, NEWER, VAULT_KEY))
    keep(ledger, now, "evt_4")
    newer, older = ledger.vault.ids
    assert sealed.status(ledger) == {
        ("deliveries", older): 2,
        ("deliveries", newer): 1,
        ("deliveries", "unsealed"): 1,
    }
    next(sealed.rotate(ledger, page=2))  # and no further
    assert sealed.status(ledger)["deliveries", newer] == 3
    assert rotate(ledger) == sealed.Rotated(1, 0)
    assert sealed.status(ledger) == {("deliveries", newer): 4}
    for name, body in kept_bodies(ledger).items():
        assert ledger.vault.open(body, of_delivery("shop", name)) == BODY
    sealed.enrol(with_keys(ledger, NEWER))


def test_a_row_that_does_not_open_is_left_as_it_is(ledger: Ledger, now: datetime) -> None:
    sealed.enrol(ledger)
    keep(ledger, now, "evt_1", "evt_2")
    with ledger.begin() as connection:
        moved = sa.update(deliveries).where(deliveries.c.dedup_key == "evt_1")
        connection.execute(moved.values(dedup_key="evt_3"))
    before = kept_bodies(ledger)["evt_3"]
    sealed.enrol(with_keys(ledger, NEWER, VAULT_KEY))
    assert rotate(ledger) == sealed.Rotated(1, 1)
    assert kept_bodies(ledger)["evt_3"] == before
    with pytest.raises(Misconfigured, match="sealed, and that key is not here"):
        sealed.enrol(with_keys(ledger, NEWER))
