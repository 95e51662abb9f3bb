"""Whether Ping++ said it: signatures over deliveries, and our own over requests.

RSASSA-PKCS1-v1_5 with SHA-256, standard base64. A delivery is signed over its raw body and nothing
else (facts 1.1); a request over body, target and timestamp, joined without separators (facts 4.2).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from service.core.errors import PingledgerError

KEY_FILE_BYTES_LIMIT = 64 * 1024
KEY_BITS_LEAST = 2048
KEY_BITS_MOST = 8192
EXPONENT_LEAST = 65537

# Made once: a verification then costs little more than the RSA operation itself.
_PADDING = PKCS1v15()
_SHA256 = SHA256()

_ARMOUR = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_MISPLACED = (
    ("PRIVATE KEY", "it is a private key, and a public key belongs here"),
    ("CERTIFICATE", "it is a certificate, and a bare public key belongs here"),
    ("PUBLIC KEY", "it is a public key, and a private key belongs here"),
)


class Refused(PingledgerError):
    """Not signed by a key we know; `reason` is missing, malformed or mismatch, safe to count."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the signature is not good: {reason}")
        self.reason = reason


class BadKey(ValueError):
    """A file that is no usable key; the sentence never quotes it."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An RSA public key and its name: the sha256 in hex of its SubjectPublicKeyInfo in DER."""

    key: RSAPublicKey
    fingerprint: str


class KeyRing:
    """The public keys of one account: whatever one of them signed is authentic."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        by_name = {key.fingerprint: key for key in keys}
        if not by_name:
            raise ValueError("there is no public key: nothing could be told from a forgery")
        self.fingerprints = tuple(by_name)
        self._by_name = by_name
        self._by_length: dict[int, list[tuple[RSAPublicKey, str]]] = {}
        for name, key in by_name.items():
            length = _encoded_length(key.key.key_size)
            self._by_length.setdefault(length, []).append((key.key, name))

    def pem(self, fingerprint: str) -> bytes | None:
        """The public key of this name as any program reads it; None when it is not in the ring."""
        known = self._by_name.get(fingerprint)
        if known is None:
            return None
        return known.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def verify(self, body: bytes, signature: bytes) -> str:
        """Give the fingerprint of the key that signed exactly these bytes.

        signature: the header's value as it came. Raises Refused; a value that cannot be a
        signature by its length or alphabet costs no RSA operation.
        """
        if not signature or signature.isspace():
            raise Refused("missing")
        keys = self._by_length.get(len(signature))
        if keys is None:
            raise Refused("malformed")
        decoded = _decode(signature)
        for key, name in keys:
            try:
                key.verify(decoded, body, _PADDING, _SHA256)
            except InvalidSignature:
                continue
            return name
        raise Refused("mismatch")


class RequestSigner:
    """Signs our requests with the merchant's own key."""

    def __init__(self, private_key: RSAPrivateKey) -> None:
        self._key = private_key

    def headers(self, body: bytes, target: str, at: int) -> dict[str, str]:
        """The two headers of a request (facts 4.2).

        body: empty for GET and DELETE. target: path and query exactly as they are sent, with
        /v1. at: Unix seconds.
        """
        return {
            "Pingplusplus-Signature": sign_body(self._key, body + f"{target}{at}".encode()),
            "Pingplusplus-Request-Timestamp": str(at),
        }


def sign_body(private_key: RSAPrivateKey, body: bytes) -> str:
    """Sign bytes as Ping++ signs its deliveries and answers; gives base64."""
    return base64.b64encode(private_key.sign(body, _PADDING, _SHA256)).decode("ascii")


def load_public_key(data: bytes) -> PublicKey:
    """Read one RSA public key from a file as people have them (facts 1.1).

    With byte order mark, CRLF, on one line, with written-out newlines, without armour, or as
    PKCS#1. Raises BadKey with a sentence that never quotes the file.
    """
    der = _unwrap(data, "PUBLIC KEY")
    try:
        key = load_der_public_key(der)
    except Exception as error:
        raise BadKey(_why_not_public(der)) from error
    if not isinstance(key, RSAPublicKey):
        raise BadKey("it is not an RSA key")
    _check_strength(key)
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(key, hashlib.sha256(spki).hexdigest())


def load_private_key(data: bytes) -> RSAPrivateKey:
    """Read one RSA private key, PKCS#8 or PKCS#1, in the same tolerance of wrapping.

    Raises BadKey with a sentence that never quotes the file.
    """
    der = _unwrap(data, "PRIVATE KEY")
    try:
        key = load_der_private_key(der, password=None)
    except TypeError as error:
        raise BadKey("it is encrypted: a daemon cannot be asked for the passphrase") from error
    except Exception as error:
        raise BadKey("it is not a private key, or it is damaged") from error
    if not isinstance(key, RSAPrivateKey):
        raise BadKey("it is not an RSA key")
    _check_strength(key.public_key())
    return key


def _encoded_length(bits: int) -> int:
    """How many characters of base64 a signature by a key of so many bits has."""
    return 4 * -(-((bits + 7) // 8) // 3)


def _decode(signature: bytes) -> bytes:
    """Decode base64 that says it in the one way there is: alphabet, padding, no stray bits."""
    try:
        decoded = binascii.a2b_base64(signature)
    except binascii.Error:
        raise Refused("malformed") from None
    if binascii.b2a_base64(decoded, newline=False) != signature:
        raise Refused("malformed")
    return decoded


def _unwrap(data: bytes, wanted: str) -> bytes:
    """The DER inside whatever wrapping; `wanted` is how the label must end."""
    text = _read_text(data)
    found = _ARMOUR.findall(text)
    if text.count("-----BEGIN") > 1:
        raise BadKey("it holds more than one key: each belongs into a file of its own")
    if not found and "-----" in text:
        raise BadKey("its BEGIN and END lines do not match: the file may be cut")
    label, inside = found[0] if found else (wanted, text)
    if not label.endswith(wanted):
        raise BadKey(_misplaced(label))
    if "Proc-Type:" in inside or label.startswith("ENCRYPTED"):
        raise BadKey("it is encrypted: a daemon cannot be asked for the passphrase")
    try:
        return base64.b64decode("".join(inside.split()), validate=True)
    except binascii.Error as error:
        raise BadKey("it is not a key in PEM form") from error


def _read_text(data: bytes) -> str:
    if len(data) > KEY_FILE_BYTES_LIMIT:
        raise BadKey("it is too large for a key")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadKey("it is not a text file with a key in PEM form") from error
    text = text.replace("\\r", "").replace("\\n", "\n").strip().strip("\"'").strip()
    if not text:
        raise BadKey("it is empty")
    return text


def _misplaced(label: str) -> str:
    for word, sentence in _MISPLACED:
        if word in label:
            return sentence
    return "it is not a key of the kind that belongs here"


def _why_not_public(der: bytes) -> str:
    """A private key without armour looks like any other base64 until it is read."""
    try:
        load_der_private_key(der, password=None)
    except TypeError:
        return _MISPLACED[0][1]
    except Exception:  # noqa: BLE001  whatever it is, it is no key
        return "it is not a public key, or it is damaged"
    return _MISPLACED[0][1]


def _check_strength(key: RSAPublicKey) -> None:
    if key.key_size < KEY_BITS_LEAST:
        raise BadKey(f"it has {key.key_size} bits, and at least {KEY_BITS_LEAST} are needed")
    if key.key_size > KEY_BITS_MOST:
        raise BadKey(f"it has {key.key_size} bits, and more than {KEY_BITS_MOST} are refused")
    exponent = key.public_numbers().e
    if exponent < EXPONENT_LEAST:
        raise BadKey(f"its exponent is {exponent}, and at least {EXPONENT_LEAST} is needed")
