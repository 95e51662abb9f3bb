"""Does the receiver keep what is signed, refuse what is not, and say so in the right words?"""

import base64
import gzip
import hashlib
import json
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA512

from service.web.refusals import BODY_LIMIT, Refusals

BODY = b'{"id":"evt_1","type":"order.succeeded","pending_webhooks":1}'


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def test_a_signed_event_is_kept_and_answered_200(served: Any) -> None:
    answer = served.raw(served.signed(BODY))
    head, _, text = answer.partition(b"\r\n\r\n")
    assert (status(answer), text) == (200, b"accepted\n")
    assert b"cache-control: no-store" in head
    assert b"server:" not in head.lower()
    assert served.rows("account", "dedup_key", "body", "event_type", "state") == [
        ("shop", "evt_1", BODY, "order.succeeded", "waiting")
    ]


@pytest.mark.parametrize(
    "header",
    [b"x-pingplusplus-signature", b"X-PINGPLUSPLUS-SIGNATURE", b"X-PingPlusPlus-Signature"],
)
def test_the_signature_header_is_found_in_any_case(served: Any, header: bytes) -> None:
    assert status(served.raw(served.request(BODY, (header, served.sign(BODY))))) == 200


def test_a_retry_is_answered_200_and_counted(served: Any) -> None:
    retry = BODY.replace(b":1}", b":0}")
    assert [served.post(BODY), served.post(retry), served.post(retry)] == [200, 200, 200]
    assert served.rows("dedup_key", "repeats", "body") == [("evt_1", 2, BODY)]
    assert served.told == []


def test_another_content_under_a_known_id_is_evidence_and_told(served: Any) -> None:
    other = BODY.replace(b"succeeded", b"failed")
    assert [served.post(BODY), served.post(other), served.post(other)] == [200, 200, 200]
    digest = hashlib.sha256(other.replace(b":1}", b":}")).hexdigest()
    assert served.rows("dedup_key", "verdict", "repeats") == [
        ("evt_1", "accepted", 0),
        (f"evt_1#{digest}", "evidence", 1),
    ]
    assert served.told == ["evt_1"]


def unsigned(served: Any) -> list[bytes]:
    """R01–R08: what is no signature."""
    good = served.sign(BODY)
    raw = base64.b64decode(good)
    return [
        b"",
        b"   ",
        b"nonsense",
        raw.hex().encode(),
        b'"' + good + b'"',
        b"Bearer " + good,
        good + b"," + good,
        b'{"signature":"' + good + b'"}',
        b"A" * 16_000,
        good[:-2],
        good[:-1],
        good + b"A",
        good.replace(b"+", b"-").replace(b"/", b"_") if b"+" in good or b"/" in good else b"-",
        b" ".join([good[:100], good[100:]]),
    ]


def wrong(served: Any) -> list[bytes]:
    """R03–R04: signatures in shape, of something else."""
    key = served.private_key
    size = key.key_size // 8
    raws = [
        b"\0" * size,
        b"\xff" * size,
        (1).to_bytes(size, "big"),
        key.public_key().public_numbers().n.to_bytes(size, "big"),
        base64.b64decode(served.sign(b"")),
        base64.b64decode(served.sign(BODY + b"\n")),
        base64.b64decode(served.sign(hashlib.sha256(BODY).hexdigest().encode())),
        key.sign(BODY, padding.PKCS1v15(), SHA1()),
        key.sign(BODY, padding.PKCS1v15(), SHA512()),
        key.sign(BODY, padding.PSS(padding.MGF1(SHA512()), 32), SHA512()),
    ]
    flipped = bytearray(base64.b64decode(served.sign(BODY)))
    flipped[7] ^= 1
    return [base64.b64encode(raw) for raw in [*raws, bytes(flipped)]]


def test_what_has_no_good_signature_is_refused_and_leaves_no_row(served: Any) -> None:
    for value in [*unsigned(served), *wrong(served)]:
        answer = served.raw(served.request(BODY, (b"X-Pingplusplus-Signature", value)))
        assert status(answer) == 401, value[:60]
        assert value[:40] not in answer or not value.strip()
    assert served.rows() == []


def test_a_signature_elsewhere_is_no_signature(served: Any) -> None:
    good = served.sign(BODY)
    for name in (
        b"Authorization",
        b"Cookie",
        b"X_Pingplusplus_Signature",
        b"Pingplusplus-Signature",
    ):
        assert status(served.raw(served.request(BODY, (name, good)))) == 401
    query = b"/webhooks/shop?X-Pingplusplus-Signature=" + good
    assert status(served.raw(served.request(BODY, path=query))) == 401
    assert served.rows() == []


def test_two_signatures_are_ambiguous_and_refused(served: Any) -> None:
    name, good = b"X-Pingplusplus-Signature", served.sign(BODY)
    for first, second in ((good, good), (good, b"bad"), (b"bad", good)):
        answer = served.raw(served.request(BODY, (name, first), (name.lower(), second)))
        assert status(answer) == 401
    assert served.rows() == []


def test_a_changed_body_is_refused(served: Any) -> None:
    signature = (b"X-Pingplusplus-Signature", served.sign(BODY))
    rebuilt = json.dumps(json.loads(BODY)).encode()
    changed = [BODY + b" ", BODY + b"\n", BODY[:-1], b"\xef\xbb\xbf" + BODY, BODY * 2, rebuilt, b""]
    for body in changed:
        assert status(served.raw(served.request(body, signature))) == 401, body
    assert served.rows() == []


ODD = [
    b"",
    b"   ",
    b"null",
    b"1",
    b'"text"',
    b"[]",
    b"{}",
    b'{"id":"evt_1"',
    b'{"id":"evt_1"} x',
    b"{'id':'evt_1'}",
    b'{"id":NaN}',
    b'{"id":1e400}',
    b'{"id":' + b"9" * 5_000 + b"}",
    b"[" * 100_000,
    b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    b'{"id":null}',
    b'{"id":7}',
    b'{"id":""}',
    b'{"id":"' + b"x" * 129 + b'"}',
    b'{"id":"evt 1"}',
    b'{"id":"evt/1"}',
    b'{"id":"evt\\n1"}',
    b'{"id":"evt\\u00001"}',
    b'{"id":"\\ud800"}',
    b'{"id":["evt_1"]}',
    b"\xef\xbb\xbf" + b'{"id":"evt_1"}',
    '{"id":"evt_1"}'.encode("utf-16"),
    '{"id":"订单"}'.encode("gbk"),
    b'{"id":"\xff\xfe"}',
    b"\x00\x01\x02",
    gzip.compress(BODY),
    b"<xml/>",
]


def test_signed_bytes_that_no_one_understands_are_kept_under_their_digest(served: Any) -> None:
    for body in ODD:
        assert served.post(body) == 200, body[:60]
    expected = {f"sha256:{hashlib.sha256(body).hexdigest()}": body for body in ODD}
    assert dict(served.rows("dedup_key", "body")) == expected
    assert all(served.post(body) == 200 for body in ODD[:5])
    assert len(served.rows()) == len(ODD)


@pytest.mark.parametrize(
    ("event_type", "kept"),
    [
        (b'"order.succeeded"', "order.succeeded"),
        (b'"<script>"', "<script>"),
        (b"7", None),
        (b'"a\\u0000b"', None),
        (b'"\\ud83d\\ude00"', None),
        (b'"' + b"x" * 129 + b'"', None),
    ],
)
def test_an_odd_type_does_not_keep_an_event_from_its_id(
    served: Any, event_type: bytes, kept: str | None
) -> None:
    assert served.post(b'{"type":' + event_type + b',"id":"evt_9"}') == 200
    assert served.rows("dedup_key", "event_type") == [("evt_9", kept)]


@pytest.mark.parametrize("label", [b"text/plain", b"application/json; charset=gbk", b"\xff", b""])
def test_the_label_is_not_signed_and_not_believed(served: Any, label: bytes) -> None:
    assert served.post(BODY, (b"Content-Type", label)) == 200


def test_an_encoded_body_is_not_taken_however_well_signed(served: Any) -> None:
    for body in (gzip.compress(BODY), gzip.compress(b"0" * 1_000_000)):
        assert served.post(body, (b"Content-Encoding", b"gzip")) == 415
        forged = served.request(
            body, (b"X-Pingplusplus-Signature", served.sign(BODY)), (b"Content-Encoding", b"gzip")
        )
        assert status(served.raw(forged)) == 401
    assert served.post(BODY, (b"Content-Encoding", b"identity")) == 200
    assert served.rows() == [("evt_1",)]


def test_a_body_up_to_the_limit_is_taken_and_one_more_byte_is_not(served: Any) -> None:
    limit = 1024 * 1024
    fits = b'{"id":"evt_big","pad":"' + b"x" * (limit - 25) + b'"}'
    assert len(fits) == limit
    assert served.post(fits) == 200
    assert served.post(fits + b" ") == 413
    assert served.rows() == [("evt_big",)]


def test_an_unknown_account_is_not_found(served: Any) -> None:
    for path in (b"/webhooks/", b"/webhooks/other", b"/webhooks/shop/", b"/webhooks/shop%00"):
        assert status(served.raw(served.signed(BODY, path=path))) == 404, path
    assert served.rows() == []


@pytest.mark.parametrize(
    "path",
    [b"/", b"//", b"/webhooks", b"/.env", b"/.git/config", b"/..%2f..%2fetc/passwd", b"/%00"],
)
def test_other_paths_are_not_found(served: Any, path: bytes) -> None:
    assert status(served.raw(served.signed(BODY, path=path))) == 404
    assert status(served.get(path.decode())) == 404


@pytest.mark.parametrize(
    "method", [b"GET", b"HEAD", b"PUT", b"DELETE", b"PATCH", b"TRACE", b"OPTIONS"]
)
def test_only_post_is_taken(served: Any, method: bytes) -> None:
    override = (b"X-HTTP-Method-Override", b"POST")
    answer = served.raw(served.request(b"", override, method=method))
    assert status(answer) == 405
    assert b"allow: POST" in answer


def test_hosts_and_forwarded_addresses_change_nothing(served: Any) -> None:
    for header in (
        (b"X-Forwarded-For", b"10.0.0.1, " * 200 + b"x"),
        (b"X-Forwarded-Proto", b"javascript"),
        (b"Range", b"bytes=" + b"0-1," * 800),
        (b"Upgrade", b"websocket"),
        (b"Expect", b"100-continue"),
    ):
        assert served.raw(served.signed(BODY, header)).split(b"accepted")[0] != b"", header
    assert served.rows() == [("evt_1",)]


def test_refusals_are_sampled_one_a_second_for_whoever_has_the_token(served: Any) -> None:
    secret = b'{"id":"evt_forged","name":"' + "张三".encode() + b'","pad":"' + b"x" * 10_000 + b'"}'
    for _ in range(3):
        bad = (b"X-Pingplusplus-Signature", served.sign(b"other"))
        assert status(served.raw(served.request(secret, bad))) == 401
    assert status(served.get("/internal/refusals")) == 404
    assert status(served.get("/internal/refusals", (b"X-Pingledger-Token", b"wrong"))) == 404
    answer = served.get("/internal/refusals", (b"X-Pingledger-Token", b"t0ken"))
    sample = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert [(one["account"], one["reason"], one["peer"]) for one in sample] == [
        ("shop", "mismatch", "127.0.0.1")
    ]
    assert sample[0]["body"] == '{"id":"evt_forged","name":"***","pad":"***'


def test_of_a_refusal_no_part_of_a_number_is_kept(now: datetime) -> None:
    refusals = Refusals()
    body = b'{"pad":' + b" " * (BODY_LIMIT - 20) + b"110101199003078030, 1}"
    refusals.note("shop", "mismatch", signature=b"13012340000", body=body, now=now)
    [shown] = refusals.latest()
    assert "1101" not in shown["body"]
    assert shown["signature"] == "130****0000"


def test_a_ledger_that_is_away_is_our_fault_and_said_so(served: Any) -> None:
    with served.ledger.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE deliveries RENAME TO gone")
    answer = served.raw(served.signed(BODY))
    assert (status(answer), b"retry-after: " in answer) == (503, True)
    with served.ledger.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO deliveries")
    assert served.post(BODY) == 200
    assert served.rows() == [("evt_1",)]
