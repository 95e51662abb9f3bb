"""One strict parser: what is refused, and by which cause (failure model §3.1, R15-R25)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.errors import Unreadable
from service.pingpp.strict import DEPTH_LIMIT, Inexact, parse

REFUSED: list[tuple[bytes, str]] = [
    (b"", "not_json"),
    (b"   ", "not_json"),
    (b"null", "not_an_object"),
    (b"1", "not_an_object"),
    (b'"text"', "not_an_object"),
    (b"[]", "not_an_object"),
    (b'{"a":1', "not_json"),
    (b'{"a":1}x', "not_json"),
    (b'{"a":1}{"a":1}', "not_json"),
    (b'{"a":1,}', "not_json"),
    (b"{'a':1}", "not_json"),
    (b'{"a":1}//', "not_json"),
    (b'{"a":NaN}', "number"),
    (b'{"a":Infinity}', "number"),
    (b'{"a":-Infinity}', "number"),
    (b'{"a":1e400}', "number"),
    (b'{"a":-0}', "number"),
    (b'{"a":0100}', "not_json"),
    (b'{"a":+100}', "not_json"),
    (b'{"a":0x64}', "not_json"),
    (b'{"a":' + b"9" * 25 + b"}", "number"),
    (b'{"a":' + b"9" * 5000 + b"}", "number"),
    (b'{"a":1,"a":1}', "key_twice"),
    (b'{"b":{"a":1,"a":2}}', "key_twice"),
    (b'\xef\xbb\xbf{"a":1}', "not_json"),
    ('{"a":1}'.encode("utf-16"), "not_utf8"),
    ('{"a":"退款"}'.encode("gbk"), "not_utf8"),
    (b'{"a":"\xc0\xaf"}', "not_utf8"),
    (b'{"a":"\xed\xa0\x80"}', "not_utf8"),
    (b'{"a":"\x00"}', "not_json"),
    (b'{"a":' * 3000 + b"1" + b"}" * 3000, "too_deep"),
    (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
    (b'{"a":[' + b"1," * 25_000 + b"1]}", "too_many_values"),
]


@pytest.mark.parametrize(("body", "cause"), REFUSED, ids=range(len(REFUSED)))
def test_what_could_mean_two_things_is_refused(body: bytes, cause: str) -> None:
    with pytest.raises(Unreadable) as refused:
        parse(body)
    assert refused.value.cause == cause


def test_big_ids_as_numbers_stay_exact() -> None:
    assert parse(b'{"id":211220920797373818880003}') == {"id": 211220920797373818880003}


def test_a_fraction_is_carried_but_is_no_number() -> None:
    assert parse(b'{"rate":0.006,"e":1e2}') == {"rate": Inexact("0.006"), "e": Inexact("1e2")}


def test_the_depth_limit_is_exact() -> None:
    def nested(levels: int) -> bytes:
        return b'{"a":' * levels + b"1" + b"}" * levels

    assert parse(nested(DEPTH_LIMIT - 1))
    with pytest.raises(Unreadable):
        parse(nested(DEPTH_LIMIT + 1))


@given(st.binary(max_size=300))
@settings(max_examples=500, deadline=None)
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    try:
        parse(body)
    except Unreadable:
        return
