"""Where do the vault's keys come from? Files that only their owner reads."""

import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from service.core.errors import GiveUp, Misconfigured
from service.ledger.vault import KEYS_LIMIT, SETTING, Vault, key_id, new_key, read_key

FILE_BYTES_LIMIT = 4_096


def load_vault(paths: Sequence[Path]) -> Vault:
    """The ring of the keys in these files; raises Misconfigured for one that is none."""
    if len(paths) > KEYS_LIMIT:
        raise Misconfigured(SETTING, f"has more than {KEYS_LIMIT} keys")
    keys: dict[bytes, bytes] = {}
    for place, path in enumerate(paths):
        key = _load(f"{SETTING}.{place}", path)
        if keys.setdefault(key_id(key), key) is not key:
            raise Misconfigured(f"{SETTING}.{place}", f"{path} is there twice")
    return Vault(keys.values())


def make_key_file(path: Path) -> None:
    """Write a new key into a new file that only we may read; raises GiveUp when it exists.

    It is there whole or not at all: what was sealed with half a key would be lost.
    """
    if not path.name:
        raise GiveUp(f"{path} is a folder: a key is a file")
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "w") as out:
            out.write(new_key())
            out.flush()
            os.fsync(out.fileno())
        # unlike a renaming, it takes no file's place
        path.hardlink_to(draft)
    except FileExistsError:
        raise GiveUp(f"{path} exists: a key is never overwritten") from None
    except (OSError, ValueError) as error:
        raise GiveUp(f"{path} cannot be made: {type(error).__name__}") from None
    finally:
        with suppress(OSError, ValueError):
            draft.unlink()
    _keep_name(path.parent)


def _keep_name(folder: Path) -> None:
    """The file's name survives a power cut too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _load(setting: str, path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(FILE_BYTES_LIMIT + 1)
    except OSError as error:
        raise Misconfigured(setting, f"{path} cannot be read: {error.strerror}") from None
    if mode & stat.S_IRWXO:
        raise Misconfigured(setting, f"everybody may read {path}: chmod 600")
    try:
        return read_key(data[: FILE_BYTES_LIMIT + 1])
    except ValueError as error:
        raise Misconfigured(setting, f"{path} is no key: {error}") from None
