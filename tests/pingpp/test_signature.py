"""Which signatures are good, and which files are keys."""

import base64
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from service.pingpp.signature import (
    BadKey,
    KeyRing,
    Refused,
    RequestSigner,
    load_private_key,
    load_public_key,
    sign_body,
)
from tests.conftest import KeyPair, make_key_pair

BODY = '{"id":"evt_400240816160755820469807","说明":"退款"}'.encode()
VECTORS = Path(__file__).parents[3] / "shared" / "vectors"


@pytest.fixture
def ring(key_pair: KeyPair) -> KeyRing:
    return KeyRing([load_public_key(key_pair.public_pem)])


@pytest.fixture
def good(key_pair: KeyPair) -> bytes:
    return sign_body(key_pair.private_key, BODY).encode()


def refusal(ring: KeyRing, body: bytes, signature: bytes) -> str:
    with pytest.raises(Refused) as caught:
        ring.verify(body, signature)
    return caught.value.reason


def test_a_good_signature_names_its_key(ring: KeyRing, good: bytes) -> None:
    assert ring.verify(BODY, good) == ring.fingerprints[0]
    assert len(ring.fingerprints[0]) == 64


def test_an_empty_ring_is_refused() -> None:
    with pytest.raises(ValueError, match="no public key"):
        KeyRing([])


@pytest.mark.parametrize("signature", [b"", b" ", b"\t \r\n"])
def test_no_signature_is_missing(ring: KeyRing, signature: bytes) -> None:  # R01
    assert refusal(ring, BODY, signature) == "missing"


ODD: dict[str, Callable[[bytes], bytes]] = {
    "not base64": lambda s: b"!" * len(s),
    "junk inside": lambda s: s[:100] + b"*" + s[101:],
    "newline inside": lambda s: s[:100] + b"\n" + s[101:],
    "hex": lambda s: base64.b64decode(s).hex().encode(),
    "quoted": lambda s: b'"' + s + b'"',
    "bearer": lambda s: b"Bearer " + s,
    "list": lambda s: s + b"," + s,
    "json": lambda s: b'{"signature":"' + s + b'"}',
    "16 kB": lambda _s: b"A" * 16_384,
    "trailing newline": lambda s: s + b"\n",
    "leading space": lambda s: b" " + s,
    "cut": lambda s: s[:-4],
    "one byte longer": lambda s: base64.b64encode(base64.b64decode(s) + b"\0\0\0"),
    "url-safe": lambda s: s.replace(b"+", b"-").replace(b"/", b"_"),
    "no padding": lambda s: s.rstrip(b"="),
    "padding in the middle": lambda s: s[:170] + b"==" + s[172:],
    "high bytes": lambda s: b"\xff" * len(s),
    "full width": lambda s: "Ａ".encode() * (len(s) // 3) + b"AA",
}


@pytest.mark.parametrize("name", ODD)
def test_what_cannot_be_a_signature_is_malformed(  # R02, R08
    ring: KeyRing, good: bytes, key_pair: KeyPair, name: str
) -> None:
    body = BODY
    while name == "url-safe" and not set(good) & set(b"+/"):
        body += b" "
        good = sign_body(key_pair.private_key, body).encode()
    assert refusal(ring, body, ODD[name](good)) == "malformed"


def test_base64_with_stray_bits_is_malformed(ring: KeyRing, good: bytes) -> None:
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    assert good.endswith(b"=")
    last = good.rstrip(b"=")[-1]
    other = alphabet[alphabet.index(last) ^ 1]
    twisted = good.replace(b"=", b"")[:-1] + bytes([other]) + b"=" * good.count(b"=")
    assert base64.b64decode(twisted) == base64.b64decode(good)
    assert refusal(ring, BODY, twisted) == "malformed"


def numbers(modulus: int) -> dict[str, int]:
    return {
        "zero": 0,
        "one": 1,
        "modulus": modulus,
        "modulus - 1": modulus - 1,
        "all ones": (1 << 2048) - 1,
        "pi": 31415926535,
    }


@pytest.mark.parametrize("name", list(numbers(0)))
def test_numbers_of_the_right_length_are_no_signature(  # R03
    ring: KeyRing, key_pair: KeyPair, name: str
) -> None:
    value = numbers(key_pair.public_key.public_numbers().n)[name]
    assert refusal(ring, BODY, base64.b64encode(value.to_bytes(256, "big"))) == "mismatch"


@pytest.mark.parametrize("bit", [0, 7, 1000, 2047])
def test_one_flipped_bit_is_no_signature(ring: KeyRing, good: bytes, bit: int) -> None:  # R03
    value = int.from_bytes(base64.b64decode(good), "big") ^ (1 << bit)
    assert refusal(ring, BODY, base64.b64encode(value.to_bytes(256, "big"))) == "mismatch"


def test_a_signature_of_something_else_is_refused(  # R04
    ring: KeyRing, key_pair: KeyPair
) -> None:
    private = key_pair.private_key
    digest = hashes.Hash(hashes.SHA256())
    digest.update(BODY)
    hashed = digest.finalize().hex().encode()
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    pkcs1 = padding.PKCS1v15()
    others = [
        private.sign(b"", pkcs1, hashes.SHA256()),
        private.sign(b"another", pkcs1, hashes.SHA256()),
        private.sign(hashed, pkcs1, hashes.SHA256()),
        private.sign(BODY, pkcs1, hashes.SHA1()),
        private.sign(BODY, pkcs1, hashes.SHA512()),
        private.sign(BODY, pss, hashes.SHA256()),
        make_key_pair().private_key.sign(BODY, pkcs1, hashes.SHA256()),
    ]
    for other in others:
        assert refusal(ring, BODY, base64.b64encode(other)) == "mismatch"


def test_a_short_padding_is_refused(ring: KeyRing, key_pair: KeyPair) -> None:  # R04
    """Bleichenbacher's forgery of 2006: few padding bytes, the hash, then what one likes."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(BODY)
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest.finalize()
    block = (b"\x00\x01" + b"\xff" * 8 + b"\x00" + info).ljust(256, b"\0")
    private = key_pair.private_key.private_numbers()
    forged = pow(int.from_bytes(block, "big"), private.d, private.public_numbers.n)
    assert refusal(ring, BODY, base64.b64encode(forged.to_bytes(256, "big"))) == "mismatch"


@pytest.mark.parametrize(
    "changed",
    [
        BODY + b"\n",
        BODY + b"\r\n",
        b" " + BODY,
        b"\xef\xbb\xbf" + BODY,
        BODY + BODY,
        BODY[:-1],
        BODY.replace(b"evt_4", b"evt_5"),
        BODY.decode().encode("unicode_escape"),
        b"",
    ],
)
def test_a_changed_body_is_refused(ring: KeyRing, good: bytes, changed: bytes) -> None:  # R05
    assert refusal(ring, changed, good) == "mismatch"


def test_each_key_of_a_ring_is_good_until_it_is_taken_out(key_pair: KeyPair) -> None:  # R09, F7
    other = make_key_pair()
    old, new = load_public_key(key_pair.public_pem), load_public_key(other.public_pem)
    both = KeyRing([old, new, old])
    by_old = sign_body(key_pair.private_key, BODY).encode()
    by_new = sign_body(other.private_key, BODY).encode()
    assert both.fingerprints == (old.fingerprint, new.fingerprint)
    assert both.verify(BODY, by_old) == old.fingerprint
    assert both.verify(BODY, by_new) == new.fingerprint
    assert refusal(KeyRing([new]), BODY, by_old) == "mismatch"


def test_keys_of_two_sizes_share_a_ring(key_pair: KeyPair) -> None:
    large = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    pem = large.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ring = KeyRing([load_public_key(key_pair.public_pem), load_public_key(pem)])
    signature = sign_body(large, BODY).encode()
    assert len(signature) == 512
    assert ring.verify(BODY, signature) == ring.fingerprints[1]


SHAPES: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda pem: pem,
    "byte order mark": lambda pem: b"\xef\xbb\xbf" + pem,
    "crlf": lambda pem: pem.replace(b"\n", b"\r\n"),
    "no last newline": lambda pem: pem.strip(),
    "space around": lambda pem: b"\n\n  " + pem.replace(b"\n", b"  \n") + b"\n\n",
    "one line": lambda pem: pem.replace(b"\n", b""),
    "spaces for newlines": lambda pem: pem.replace(b"\n", b" "),
    "written-out newlines": lambda pem: pem.strip().replace(b"\n", b"\\n"),
    "quoted": lambda pem: b'"' + pem.strip().replace(b"\n", b"\\r\\n") + b'"\n',
    "no armour": lambda pem: b"\n".join(pem.splitlines()[1:-1]),
    "no armour, one line": lambda pem: b"".join(pem.splitlines()[1:-1]),
    "long lines": lambda pem: b"\n".join(
        [pem.splitlines()[0], b"".join(pem.splitlines()[1:-1]), pem.splitlines()[-1]]
    ),
    "text before it": lambda pem: b"Ping++ public key\n" + pem,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_public_key_is_read_in_every_real_shape(  # C03
    ring: KeyRing, key_pair: KeyPair, shape: str
) -> None:
    assert load_public_key(SHAPES[shape](key_pair.public_pem)).fingerprint == ring.fingerprints[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_public_key_in_pkcs1_is_the_same_key(
    ring: KeyRing, key_pair: KeyPair, shape: str
) -> None:
    pem = key_pair.public_key.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    assert pem.startswith(b"-----BEGIN RSA PUBLIC KEY")
    assert load_public_key(SHAPES[shape](pem)).fingerprint == ring.fingerprints[0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_private_key_is_read_in_every_real_shape(
    key_pair: KeyPair, shape: str, form: PrivateFormat
) -> None:
    pem = key_pair.private_key.private_bytes(Encoding.PEM, form, NoEncryption())
    assert load_private_key(SHAPES[shape](pem)).private_numbers() == (
        key_pair.private_key.private_numbers()
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_private_key_is_no_public_key_and_is_not_shown(
    key_pair: KeyPair, shape: str, form: PrivateFormat
) -> None:
    pem = SHAPES[shape](key_pair.private_key.private_bytes(Encoding.PEM, form, NoEncryption()))
    with pytest.raises(BadKey, match="it is a private key") as caught:
        load_public_key(pem)
    inside = pem.replace(b"\n", b"")[40:60].decode(errors="replace")
    assert inside not in str(caught.value) + str(caught.value.__cause__)


def weak(bits: int, exponent: int) -> bytes:
    key = rsa.generate_private_key(public_exponent=exponent, key_size=bits).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_a_short_key_and_a_small_exponent_are_refused() -> None:
    with pytest.raises(BadKey, match="it has 1024 bits"):
        load_public_key(weak(1024, 65537))
    with pytest.raises(BadKey, match="its exponent is 3"):
        load_public_key(weak(2048, 3))


def test_an_exponent_of_one_is_refused(key_pair: KeyPair) -> None:
    pkcs1 = key_pair.public_key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    assert pkcs1.endswith(b"\x02\x03\x01\x00\x01")
    der = pkcs1[:-5] + b"\x02\x01\x01"
    der = der[:2] + (len(der) - 4).to_bytes(2, "big") + der[4:]
    with pytest.raises(BadKey):
        load_public_key(base64.b64encode(der))


def certificate(key: rsa.RSAPrivateKey) -> bytes:
    from datetime import UTC, datetime

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example")])
    built = x509.CertificateBuilder(
        name, name, key.public_key(), 7, datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_what_is_no_public_key_is_refused_with_a_reason(key_pair: KeyPair) -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = key_pair.public_pem
    bad = {
        "it is empty": b"",
        "it is a certificate": certificate(key_pair.private_key),
        "more than one key": pem + make_key_pair().public_pem,
        "may be cut": pem[:-10],
        "it is not an RSA key": elliptic.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ),
        "or it is damaged": pem.replace(b"\n", b"", 1).replace(b"MIIB", b"MIIC"),
        "not a text file": b"\x30\x82\xff\xfe",
        "not a key in PEM form": b"ssh-rsa AAAAB3NzaC1yc2E me@example",
        "too large": b"A" * 100_000,
    }
    for sentence, data in bad.items():
        with pytest.raises(BadKey, match=sentence):
            load_public_key(data)


def test_what_is_no_private_key_is_refused_with_a_reason(key_pair: KeyPair) -> None:
    locked = key_pair.private_key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    older = key_pair.private_key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"secret")
    )
    bad = [
        ("it is a public key", key_pair.public_pem),
        ("it is encrypted", locked),
        ("it is encrypted", older),
        ("or it is damaged", b"AAAA"),
    ]
    for sentence, data in bad:
        with pytest.raises(BadKey, match=sentence):
            load_private_key(data)


def test_a_request_is_signed_over_body_target_and_time(key_pair: KeyPair) -> None:  # facts 4.2
    target = "/v1/orders/2001?expand%5B%5D=charges"
    headers = RequestSigner(key_pair.private_key).headers(b'{"a":1}', target, 1700000000)
    assert headers["Pingplusplus-Request-Timestamp"] == "1700000000"
    key_pair.public_key.verify(
        base64.b64decode(headers["Pingplusplus-Signature"]),
        b'{"a":1}' + target.encode() + b"1700000000",
        padding.PKCS1v15(),
        hashes.SHA256(),
    )


@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("webhook-charge-succeeded-live-2015", "5d0cc517"),
        ("webhook-account-summary-test-2015", "6a9dd792"),
        ("response-refund-from-channel-failure", "896db7d0"),
        ("NEG-java-head-key-mismatch", None),
    ],
)
def test_real_signatures_are_read_as_they_were_sent(name: str, fingerprint: str | None) -> None:
    folder = VECTORS / name
    if not folder.is_dir():
        pytest.skip(
            textwrap.dedent("""\
            an extra: Ping++'s own signed bodies are not part of this repository;
            generated keys cover the same ground""")
        )
    ring = KeyRing([load_public_key((folder / "public_key.pem").read_bytes())])
    body = (folder / "body.bin").read_bytes()
    signature = (folder / "signature.txt").read_bytes().strip()
    if fingerprint is None:
        assert refusal(ring, body, signature) == "mismatch"
        return
    assert ring.verify(body, signature).startswith(fingerprint)
    for changed in (body + b"\n", body + b"\r\n", body[:-1]):
        assert refusal(ring, changed, signature) == "mismatch"
