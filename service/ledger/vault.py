"""How is personal data sealed, so that only who holds a key and asks for it can read it?

The one module that encrypts: AES-256-GCM over the whole bytes, with the row they belong to as
associated data, so that a sealed body moved to another row does not open there.

    1 byte: the format · 4: the key's id · 12: the nonce · ciphertext · 16: the tag
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.core.errors import Misconfigured, Unreadable

SETTING = "vault.keys"
KEY_BYTES = 32
KEYS_LIMIT = 16
# no UTF-8 text begins with it: what does was sealed
FORMAT = b"\xf8"
_ID_BYTES, _NONCE_BYTES, _TAG_BYTES = 4, 12, 16
HEAD_BYTES = len(FORMAT) + _ID_BYTES
_TEXT_AT = HEAD_BYTES + _NONCE_BYTES
# by so much are sealed bytes longer
OVERHEAD = _TEXT_AT + _TAG_BYTES


class Vault:
    """A ring of keys: the first seals, all of them open. An empty one does neither."""

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        self._ring = {key_id(key): AESGCM(key) for key in keys}
        self._first = next(iter(self._ring.values()), None)
        self.head = FORMAT + next(iter(self._ring), b"")

    @property
    def ids(self) -> tuple[str, ...]:
        """The keys' ids in hex; the first is that of the key that seals."""
        return tuple(one.hex() for one in self._ring)

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """Seal for one row: it opens with the same `about` only."""
        if self._first is None:
            raise Misconfigured(SETTING, "there is no key: nothing can be sealed")
        nonce = os.urandom(_NONCE_BYTES)
        return b"%b%b%b" % (self.head, nonce, self._first.encrypt(nonce, plain, about))

    def open(self, kept: bytes, about: bytes) -> bytes:
        """Give back what was sealed; what never was (rows of before) as it is.

        Raises Unreadable: "no_key" when the key is not in the ring, "broken_seal" when the bytes
        or the row they belong to are not the ones that were sealed.
        """
        if not is_sealed(kept):
            return kept
        cipher = self._ring.get(kept[len(FORMAT) : HEAD_BYTES])
        if cipher is None:
            raise Unreadable("no_key")
        try:
            return cipher.decrypt(kept[HEAD_BYTES:_TEXT_AT], kept[_TEXT_AT:], about)
        except (InvalidTag, ValueError):
            raise Unreadable("broken_seal") from None


def is_sealed(kept: bytes) -> bool:
    """Whether the bytes went through `seal`."""
    return kept[: len(FORMAT)] == FORMAT


def of_delivery(account: str, dedup_key: str) -> bytes:
    """The identity of a delivery's row."""
    return f"delivery\0{account}\0{dedup_key}".encode()


def of_observation(account: str, kind: str, object_id: str) -> bytes:
    """The identity of what was seen: its object (a row has no number before it is written)."""
    return f"observation\0{account}\0{kind}\0{object_id}".encode()


def key_id(key: bytes) -> bytes:
    """A name for a key that tells nothing of it."""
    return hashlib.sha256(b"pingledger vault key\0" + key).digest()[:_ID_BYTES]


def new_key() -> str:
    """A new key, as it stands in a file: base64 of 32 random bytes, and a line end."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode() + "\n"


def read_key(text: bytes) -> bytes:
    """The key in a file's bytes; ValueError says what is wrong and quotes nothing."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("it is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"it holds {len(key)} bytes: a key has {KEY_BYTES}")
    if len(set(key)) < KEY_BYTES // 4:
        raise ValueError("its bytes are not random")
    return key
