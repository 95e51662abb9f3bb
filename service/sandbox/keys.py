"""Which keys the fake provider has, and how it signs: apart from the daemon's code on purpose.

A mistake that both sides shared would cancel out; here the rules of facts 1.1 and 4.2 stand again.
"""

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

_BITS = 2048
_OWNER_ONLY = 0o600


def sign(key: RSAPrivateKey, body: bytes) -> str:
    """RSASSA-PKCS1-v1_5 with SHA-256 over the raw bytes, base64 (facts 1.1)."""
    return base64.b64encode(key.sign(body, PKCS1v15(), SHA256())).decode()


def check_request(key: RSAPublicKey, body: bytes, target: str, stamp: str, signature: str) -> None:
    """ValueError unless the merchant signed body, request target and timestamp (facts 4.2)."""
    if not stamp.isascii() or not stamp.isdigit():
        raise ValueError("no timestamp")
    said = body + target.encode() + stamp.encode()
    try:
        key.verify(base64.b64decode(signature, validate=True), said, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error) as error:
        raise ValueError("the signature does not fit") from error


def new_key() -> RSAPrivateKey:
    """A key as Ping++'s own are: RSA-2048, e = 65537."""
    return generate_private_key(public_exponent=65537, key_size=_BITS)


def private_key(path: Path) -> RSAPrivateKey:
    """Read the key at `path`; when there is none, make one and write both halves (name.pub)."""
    if not path.exists():
        write_pair(new_key(), path)
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"{path} is not an RSA private key")
    return key


def public_key(path: Path) -> RSAPublicKey:
    """Read a public key; ValueError or TypeError when it is none."""
    key = load_pem_public_key(path.read_bytes())
    if not isinstance(key, RSAPublicKey):
        raise TypeError(f"{path} is not an RSA public key")
    return key


def write_pair(key: RSAPrivateKey, path: Path) -> Path:
    """Write the private half to `path`, readable by its owner only, the public to path.pub."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(_OWNER_ONLY)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = path.with_name(path.name + ".pub")
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return public
