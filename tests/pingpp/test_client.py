"""The client asks exactly what it signed, believes nothing but a 200, and slows down when told."""

import gzip
import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

from service.pingpp.access import Access, Host
from service.pingpp.answers import BODY_BYTES_LIMIT, NotThere, Rejected, Unanswered
from service.pingpp.client import Client, open_clients
from service.pingpp.signature import (
    KeyRing,
    RequestSigner,
    load_public_key,
    sign_body,
)
from tests.conftest import KeyPair

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACCESS = Access("https://api.test", "sk_live_secret", rate=1000.0)

Handler = Callable[[httpx2.Request], httpx2.Response]


class World:
    """A clock that only sleeping and the test move, and a provider that answers as told."""

    def __init__(self, handler: Handler | None = None) -> None:
        self.at = START
        self.asked: list[httpx2.Request] = []
        self.handler: Handler = handler or (lambda _request: httpx2.Response(200, content=b"{}"))

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        given = self.handler(request)
        if not given.is_stream_consumed:
            return given
        # as from a socket: not read before the client reads it
        stream = httpx2.ByteStream(given.content)
        return httpx2.Response(given.status_code, headers=given.headers, stream=stream)

    def pass_time(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def client(self, access: Access = ACCESS, host: Host | None = None) -> Client:
        return Client(
            access,
            host or Host(),
            clock=lambda: self.at,
            chance=lambda: 0.5,
            ticks=lambda: self.at.timestamp(),
            sleep=self.pass_time,
            transport=httpx2.MockTransport(self.answer),
        )


def status(code: int, **headers: str) -> Handler:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request: httpx2.Response(code, headers=named, content=b"<html>no</html>")


def raising(error: type[httpx2.TransportError], cause: Exception | None = None) -> Handler:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        raise error("no") from cause

    return answer


def asks_every(world: World, client: Client, step: float, seconds: float) -> int:
    """How many requests go out when somebody tries every `step` seconds."""
    before = len(world.asked)
    for _ in range(int(seconds / step)):
        if client.room():
            with pytest.raises((Unanswered, Rejected)):
                client.get("/v1/orders/1")
        world.pass_time(step)
    return len(world.asked) - before


def test_the_request_is_signed_over_the_target_as_sent(key_pair: KeyPair) -> None:
    world = World()
    signer = RequestSigner(key_pair.private_key)
    client = world.client(replace(ACCESS, signer=signer))
    client.get("/v1/charges?app%5Bid%5D=app_1&limit=100")
    (request,) = world.asked
    target = request.url.raw_path.decode()
    assert target == "/v1/charges?app%5Bid%5D=app_1&limit=100"
    stamp = request.headers["Pingplusplus-Request-Timestamp"]
    signature = request.headers["Pingplusplus-Signature"]
    ring = KeyRing([load_public_key(key_pair.public_pem)])
    ring.verify(f"{target}{stamp}".encode(), signature.encode())
    assert int(stamp) == int(START.timestamp())


def test_the_request_carries_the_key_and_asks_for_what_we_can_unpack() -> None:
    world = World()
    world.client().get("/v1/orders/1")
    (request,) = world.asked
    assert request.method == "GET"
    assert request.headers["Authorization"] == "Bearer sk_live_secret"
    assert request.headers["Accept-Encoding"] == "identity, gzip"


def test_an_answer_says_when_the_question_was_asked_and_what_time_it_is_there() -> None:
    there = START + timedelta(minutes=10)
    world = World(
        lambda _r: httpx2.Response(200, headers={"date": format_datetime(there, usegmt=True)})
    )
    client = world.client()
    answer = client.get("/v1/orders/1")
    assert answer.started_at == START
    assert answer.date == there
    assert client.skew == timedelta(minutes=10)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        *[(code, "http_4xx") for code in (400, 402, 409, 422)],
        *[(code, "http_3xx") for code in (301, 302, 304, 307, 308)],
        *[(code, "http_2xx") for code in (201, 204, 206)],
    ],
)
def test_nothing_but_200_is_an_answer(code: int, word: str) -> None:
    world = World(status(code, location="http://127.0.0.1/v1/orders/1"))
    with pytest.raises(Rejected) as caught:
        world.client().get("/v1/orders/1")
    assert caught.value.word == word
    assert len(world.asked) == 1


def test_404_is_told_apart_and_the_next_path_is_tried_and_remembered() -> None:
    def second_only(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200 if "order_refunds" in request.url.path else 404)

    world = World(second_only)
    client = world.client()
    targets = ["/v1/orders/1/refunds", "/v1/orders/1/order_refunds"]
    client.first_of("order_refund", targets)
    client.first_of("order_refund", targets)
    assert [r.url.path for r in world.asked] == [*targets, targets[1]]
    world.handler = status(404)
    with pytest.raises(NotThere):
        client.first_of("order_refund", targets)


@pytest.mark.parametrize("code", [500, 502, 503, 504, 520])
def test_a_fault_of_theirs_is_tried_later(code: int) -> None:
    with pytest.raises(Unanswered) as caught:
        World(status(code)).client().get("/v1/orders/1")
    assert caught.value.word == "http_5xx"


@pytest.mark.parametrize(
    ("error", "cause", "word"),
    [
        (httpx2.ConnectError, OSError("refused"), "transport"),
        (httpx2.ConnectError, ssl.SSLCertVerificationError("expired"), "tls"),
        (httpx2.ConnectTimeout, None, "timeout"),
        (httpx2.ReadTimeout, None, "timeout"),
        (httpx2.RemoteProtocolError, None, "transport"),
    ],
)
def test_no_connection_is_tried_later(
    error: type[httpx2.TransportError], cause: Exception | None, word: str
) -> None:
    with pytest.raises(Unanswered) as caught:
        World(raising(error, cause)).client().get("/v1/orders/1")
    assert caught.value.word == word


@pytest.mark.parametrize(
    ("retry_after", "low", "high"),
    [
        ("60", 60, 60),
        ("1000000000", 900, 900),
        ("-5", 5, 6.25),
        ("soon", 5, 6.25),
        ("1.5", 5, 6.25),
        ("9" * 400, 5, 6.25),
        (format_datetime(START + timedelta(seconds=90), usegmt=True), 90, 90),
        (format_datetime(START - timedelta(days=1), usegmt=True), 5, 6.25),
        (format_datetime(START + timedelta(days=1), usegmt=True), 900, 900),
    ],
)
@pytest.mark.parametrize("code", [403, 429])
def test_a_limit_shuts_the_gate_for_as_long_as_asked_within_reason(
    code: int, retry_after: str, low: float, high: float
) -> None:
    client = World(status(code, retry_after=retry_after)).client()
    with pytest.raises(Unanswered) as caught:
        client.get("/v1/orders/1")
    assert caught.value.after is not None
    assert low <= caught.value.after.total_seconds() <= high
    assert client.room() == 0
    with pytest.raises(Unanswered) as again:
        client.get("/v1/orders/1")
    assert not again.value.sent


def test_429_slows_the_host_and_it_is_soon_normal_again() -> None:
    world = World(status(429))
    client = world.client()
    assert asks_every(world, client, 0.5, 60) <= 12
    world.handler = lambda _request: httpx2.Response(200)
    world.pass_time(30)
    client.get("/v1/orders/1")
    assert client.room() > 1


def test_429_slows_every_account_of_the_host_but_403_only_its_own() -> None:
    world, host = World(), Host()
    one, other = world.client(host=host), world.client(host=host)
    for client in (one, other):
        client.get("/v1/orders/1")
    world.handler = status(403)
    with pytest.raises(Unanswered):
        one.get("/v1/orders/1")
    assert (one.room(), other.room() > 1) == (0, True)
    world.handler = status(429)
    with pytest.raises(Unanswered):
        other.get("/v1/orders/1")
    assert other.room() == 0


def test_a_refused_key_is_tried_every_five_minutes_only() -> None:
    world = World(status(401))
    client = world.client()
    assert asks_every(world, client, 1, 600) <= 3
    world.handler = lambda _request: httpx2.Response(200)
    world.pass_time(400)
    client.get("/v1/orders/1")
    assert client.room() > 1


def test_a_refused_key_stops_no_other_account() -> None:
    world, host = World(status(401)), Host()
    one, other = world.client(host=host), world.client(host=host)
    with pytest.raises(Unanswered):
        one.get("/v1/orders/1")
    world.handler = lambda _request: httpx2.Response(200)
    other.get("/v1/orders/1")
    assert (one.room(), other.room() > 1) == (0, True)


def test_the_breaker_opens_after_ten_failures_in_a_row_and_an_hour_costs_few_requests() -> None:
    world = World(status(503))
    client = world.client()
    for _ in range(10):
        assert client.room() > 0
        with pytest.raises(Unanswered):
            client.get("/v1/orders/1")
    assert client.room() == 0
    assert len(world.asked) + asks_every(world, client, 5, 3600) <= 60
    assert client.away_seconds() > 3500
    world.handler = lambda _request: httpx2.Response(200)
    world.pass_time(400)
    client.get("/v1/orders/1")
    assert (client.room() > 1, client.away_seconds()) == (True, 0)


def test_requests_are_paced_and_the_impatient_are_sent_away() -> None:
    world = World()
    client = world.client(replace(ACCESS, rate=2.0))
    for _ in range(5):
        client.get("/v1/orders/1")
    assert world.at - START == timedelta(seconds=2)
    assert client.room() <= 20


def compressed(body: bytes, encoding: str = "gzip") -> Handler:
    return lambda _request: httpx2.Response(
        200, headers={"content-encoding": encoding}, stream=httpx2.ByteStream(body)
    )


def test_gzip_is_unpacked() -> None:
    assert World(compressed(gzip.compress(b'{"a":1}'))).client().get("/v1/o").body == b'{"a":1}'


@pytest.mark.parametrize(
    ("handler", "word"),
    [
        (compressed(gzip.compress(b"0" * (BODY_BYTES_LIMIT + 1))), "too_large"),
        (compressed(b"0" * (BODY_BYTES_LIMIT + 1), "identity"), "too_large"),
        (compressed(gzip.compress(b"{}")[:-4]), "encoding"),
        (compressed(b"not gzip"), "encoding"),
        (compressed(gzip.compress(b"{}") + b"more"), "encoding"),
        (compressed(gzip.compress(gzip.compress(b"{}")), "gzip, gzip"), "encoding"),
        (compressed(b"{}", "br"), "encoding"),
        (compressed(b"{}", "zstd"), "encoding"),
    ],
    ids=["bomb", "plain", "cut", "not gzip", "tail", "twice", "br", "zstd"],
)
def test_a_body_beyond_bounds_is_refused(handler: Handler, word: str) -> None:
    with pytest.raises(Rejected) as caught:
        World(handler).client().get("/v1/orders/1")
    assert caught.value.word == word


def test_a_body_of_exactly_the_limit_is_taken() -> None:
    body = b"0" * BODY_BYTES_LIMIT
    assert World(compressed(gzip.compress(body))).client().get("/v1/o").body == body


def signed(body: bytes, signature: str | None) -> Handler:
    headers: Mapping[str, str] = (
        {} if signature is None else {"X-Pingplusplus-Signature": signature}
    )
    return lambda _request: httpx2.Response(200, headers=headers, content=body)


def test_a_signature_on_an_answer_must_be_right_where_keys_are_known(key_pair: KeyPair) -> None:
    good = sign_body(key_pair.private_key, b"{}")
    access = replace(ACCESS, ring=KeyRing([load_public_key(key_pair.public_pem)]))
    world = World(signed(b"{}", good))
    client = world.client(access)
    assert client.get("/v1/orders/1").body == b"{}"
    world.handler = signed(b"{}", None)
    assert client.get("/v1/orders/1").body == b"{}"
    world.handler = signed(b'{"a":1}', good)
    with pytest.raises(Rejected) as caught:
        client.get("/v1/orders/1")
    assert caught.value.word == "signature"


def test_cookies_are_neither_kept_nor_sent() -> None:
    world = World(lambda _r: httpx2.Response(200, headers={"set-cookie": "a=b; Path=/"}))
    client = world.client()
    client.get("/v1/orders/1")
    client.get("/v1/orders/1")
    assert "cookie" not in world.asked[1].headers


def test_the_key_is_in_no_representation_and_no_error() -> None:
    assert "sk_live" not in repr(ACCESS)
    with pytest.raises(Unanswered) as caught:
        World(status(401)).client().get("/v1/orders/1")
    assert "sk_live" not in str(caught.value)


def test_each_account_gets_its_client() -> None:
    both = {"one": ACCESS, "other": ACCESS}
    clients = open_clients(both, clock=lambda: START, chance=lambda: 0.5)
    for client in clients.values():
        client.close()
    assert set(clients) == set(both)
