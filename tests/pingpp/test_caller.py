"""Whoever calls an operation learns what was done, what was not, and what nobody can know."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from service.core.errors import PingledgerError
from service.core.kinds import KINDS
from service.core.observation import Source
from service.pingpp.access import Access, Host
from service.pingpp.answers import BODY_BYTES_LIMIT, Rejected, Unanswered
from service.pingpp.caller import REQUEST_BYTES_LIMIT, Caller
from service.pingpp.declined import (
    BadRequest,
    CardDeclined,
    ChannelDeclined,
    Declined,
    Failure,
    InDoubt,
    Missing,
    ProviderFault,
    Unauthorised,
    split_failure,
)
from service.pingpp.endpoints import OPERATIONS
from service.pingpp.endpoints.check import Invalid
from service.pingpp.endpoints.request import sort_out
from service.pingpp.lists import PAGES_LIMIT
from service.pingpp.reader import read_object
from service.pingpp.signature import KeyRing, RequestSigner, load_public_key, sign_body
from service.pingpp.wire import Wire
from service.sandbox.cast import papers
from tests.conftest import KeyPair, make_key_pair
from tests.document import ANSWERS, APP, REQUESTS, Example

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACCESS = Access("https://api.test", "sk_live_secret", rate=1000.0)
GOOD: dict[str, dict[str, Any]] = {example.operation: example.values for example in REQUESTS}
WRITES = [example for example in REQUESTS if not OPERATIONS[example.operation].reads]
MESSAGE = "来自渠道的信息：OPR21040|可分账金额为0，不能进行完结分账"

Handler = Callable[[httpx2.Request], httpx2.Response]


class World:
    """A provider that answers as told, and what it was asked."""

    def __init__(self, handler: Handler | None = None) -> None:
        self.asked: list[httpx2.Request] = []
        self.at = START
        self.handler: Handler = handler or (lambda _request: json_answer({"id": "1"}))

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        given = self.handler(request)
        stream = httpx2.ByteStream(given.content)
        return httpx2.Response(given.status_code, headers=given.headers, stream=stream)

    def caller(self, access: Access = ACCESS) -> Caller:
        return Caller(
            Wire(
                access,
                Host(),
                clock=lambda: self.at,
                chance=lambda: 0.5,
                ticks=lambda: self.at.timestamp(),
                sleep=self.sleep,
                transport=httpx2.MockTransport(self.answer),
                hears_no=True,
            )
        )

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def json_answer(fields: Mapping[str, Any], status: int = 200, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, headers=headers, content=json.dumps(fields).encode())


def no(status: int, **error: str) -> Handler:
    return lambda _request: json_answer({"error": error}, status)


def raising(error: type[httpx2.TransportError]) -> Handler:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        raise error("no")

    return answer


def call(caller: Caller, operation: str, **values: Any) -> dict[str, Any]:
    row = OPERATIONS[operation]
    return caller.call(row, sort_out(row, {**GOOD.get(operation, {}), **values})).fields


@pytest.mark.parametrize("example", REQUESTS, ids=[example.operation for example in REQUESTS])
def test_every_example_is_sent_signed_over_its_body_and_its_target(
    example: Example, key_pair: KeyPair
) -> None:
    world = World()
    call(
        world.caller(replace(ACCESS, signer=RequestSigner(key_pair.private_key))), example.operation
    )
    (request,) = world.asked
    row = OPERATIONS[example.operation]
    assert request.method == row.method
    target, stamp = request.url.raw_path.decode(), request.headers["Pingplusplus-Request-Timestamp"]
    signed = request.content + f"{target}{stamp}".encode()
    ring = KeyRing([load_public_key(key_pair.public_pem)])
    ring.verify(signed, request.headers["Pingplusplus-Signature"].encode())
    if row.reads:
        assert request.content == b""
        assert "content-type" not in request.headers
    else:
        in_path = {param.name for param in row.params if param.place.value == "path"}
        sent = {name: value for name, value in example.values.items() if name not in in_path}
        assert json.loads(request.content) == sent
        assert request.headers["Content-Type"] == "application/json"


VALUES = {**GOOD, "mch_application.create": {"app_id": APP, **papers("WHDR", "912111663137550")}}


@pytest.mark.parametrize("operation", ANSWERS)
def test_the_documents_response_examples_come_back_as_they_are(operation: str) -> None:
    row = OPERATIONS[operation]
    world = World(lambda _request: json_answer(ANSWERS[operation]))
    called = world.caller().call(row, sort_out(row, VALUES[operation]))
    assert called.fields == ANSWERS[operation]
    assert json.loads(called.body) == ANSWERS[operation]
    assert called.started_at == START


@pytest.mark.parametrize("operation", ANSWERS)
def test_the_reader_reads_the_documents_response_examples(operation: str) -> None:
    shown, answers = ANSWERS[operation], OPERATIONS[operation].answers
    if answers not in KINDS:
        assert "object" not in shown
        return
    for item in shown["data"] if shown["object"] == "list" else [shown]:
        found = read_object(item, account="shop", source=Source.POLL, seen_at=START)
        first = found.observations[0]
        named = KINDS[answers].place(first.key.object_id).get("id", first.key.object_id)
        assert (first.key.kind, named) == (answers, str(item["id"]))
        assert not first.status.startswith("unknown:")
        assert found.odd == []
        if "amount" in item:
            assert first.facts["amount"] == item["amount"]


def test_every_kind_of_the_document_has_an_example_of_its_answer() -> None:
    documented = {row.answers for row in OPERATIONS.values() if row.line}
    # a small merchant's application is answered as an enterprise's (L613)
    shown = {OPERATIONS[operation].answers for operation in ANSWERS} | {"micro_application"}
    assert documented == shown


def test_the_key_goes_as_a_bearers_or_by_basic_authentication() -> None:
    world = World()
    call(world.caller(), "order.retrieve")
    call(world.caller(replace(ACCESS, auth="basic")), "order.retrieve")
    bearer, basic = (request.headers["Authorization"] for request in world.asked)
    assert bearer == "Bearer sk_live_secret"
    assert base64.b64decode(basic.removeprefix("Basic ")) == b"sk_live_secret:"


def test_what_is_prepared_is_what_is_sent(key_pair: KeyPair) -> None:
    world = World()
    caller = world.caller(replace(ACCESS, signer=RequestSigner(key_pair.private_key)))
    row = OPERATIONS["order.create"]
    given = sort_out(row, GOOD["order.create"])
    prepared = caller.prepare(row, given, START)
    caller.call(row, given)
    (sent,) = world.asked
    assert prepared.content == sent.content
    assert str(prepared.url) == str(sent.url)
    assert dict(prepared.headers) == dict(sent.headers)


def test_a_bad_request_is_never_sent() -> None:
    world = World()
    with pytest.raises(Invalid, match="currency: it may be cny"):
        call(world.caller(), "order.create", currency="usd")
    with pytest.raises(Rejected, match="request_too_large"):
        call(
            world.caller(),
            "order.create",
            subject="x" * (REQUEST_BYTES_LIMIT // 2),
            body="x" * 7_000_000,
        )
    assert world.asked == []


@pytest.mark.parametrize(
    ("status", "type_", "kind"),
    [
        (400, "invalid_request_error", BadRequest),
        (400, "api_error", ProviderFault),
        (400, "something_new", ProviderFault),
        (401, "invalid_request_error", Unauthorised),
        (402, "channel_error", ChannelDeclined),
        (402, "card_error", CardDeclined),
        (404, "invalid_request_error", Missing),
    ],
)
def test_a_no_is_told_in_the_providers_words(status: int, type_: str, kind: type[Declined]) -> None:
    world = World(no(status, type=type_, code="channel_sign_error", param="id", message=MESSAGE))
    with pytest.raises(Declined) as caught:
        call(world.caller(), "order.pay")
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.type, error.code, error.param) == (
        status,
        type_,
        "channel_sign_error",
        "id",
    )
    assert error.message == MESSAGE
    assert error.failure == Failure("OPR21040", "可分账金额为0，不能进行完结分账")


def test_a_no_shows_nobodys_numbers() -> None:
    text = "身份证号 420381199206062220 与手机 13000000001 不符"
    world = World(no(400, type="invalid_request_error", message=text))
    with pytest.raises(BadRequest) as caught:
        call(world.caller(), "cus_application.create")
    assert "420381199206062220" not in str(caught.value)
    assert "13000000001" not in str(caught.value)
    assert caught.value.message == text


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error": "no"}', b'{"error": {}}', b"[]"])
def test_a_no_without_words_is_still_a_no(body: bytes) -> None:
    world = World(lambda _request: httpx2.Response(400, content=body))
    with pytest.raises(ProviderFault) as caught:
        call(world.caller(), "order.create")
    assert (caught.value.status, caught.value.type) == (400, "")


def test_an_error_under_a_200_is_a_no() -> None:
    world = World(no(200, type="channel_error", message="余额不足"))
    with pytest.raises(ChannelDeclined):
        call(world.caller(), "order_refund.create")


UNKNOWABLE: Mapping[str, Handler] = {
    "read timeout": raising(httpx2.ReadTimeout),
    "reset": raising(httpx2.ReadError),
    "closed": raising(httpx2.RemoteProtocolError),
    "500": no(500, type="api_error", message="no"),
    "502": lambda _request: httpx2.Response(502, content=b"<html>"),
    "302": lambda _request: httpx2.Response(302, headers={"location": "http://127.0.0.1/"}),
    "201": lambda _request: httpx2.Response(201, content=b"{}"),
    "409": no(409, type="invalid_request_error", message="no"),
    "cut": lambda _request: httpx2.Response(200, content=b'{"id": "1"'),
    "huge": lambda _request: httpx2.Response(200, content=b" " * (BODY_BYTES_LIMIT + 1)),
}


@pytest.mark.parametrize("answer", UNKNOWABLE.values(), ids=list(UNKNOWABLE))
@pytest.mark.parametrize("example", WRITES, ids=[example.operation for example in WRITES])
def test_what_may_have_been_done_is_in_doubt_and_sent_once(
    example: Example, answer: Handler
) -> None:
    world = World(answer)
    with pytest.raises(InDoubt) as caught:
        call(world.caller(), example.operation)
    assert caught.value.operation == example.operation
    assert len(world.asked) == 1


@pytest.mark.parametrize("answer", UNKNOWABLE.values(), ids=list(UNKNOWABLE))
def test_a_question_is_never_in_doubt(answer: Handler) -> None:
    with pytest.raises((Unanswered, Rejected, Declined)):
        call(World(answer).caller(), "order.retrieve")


@pytest.mark.parametrize("error", [httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout])
def test_what_was_never_sent_is_in_no_doubt(error: type[httpx2.TransportError]) -> None:
    with pytest.raises(Unanswered) as caught:
        call(World(raising(error)).caller(), "order.pay")
    assert not caught.value.sent


@pytest.mark.parametrize(("status", "word"), [(403, "forbidden"), (429, "rate_limited")])
def test_a_limit_is_no_doubt_either(status: int, word: str) -> None:
    with pytest.raises(Unanswered) as caught:
        call(World(no(status, message="慢")).caller(), "order.pay")
    assert caught.value.word == word


def test_an_answer_or_a_no_that_is_signed_by_another_is_believed_in_neither(
    key_pair: KeyPair,
) -> None:
    ring = KeyRing([load_public_key(key_pair.public_pem)])
    body = b'{"error":{"type":"channel_error","message":"no"}}'
    forged = {"x-pingplusplus-signature": sign_body(make_key_pair().private_key, body)}
    for status in (200, 400, 404):
        world = World(lambda _request, s=status: httpx2.Response(s, headers=forged, content=body))
        with pytest.raises(InDoubt) as caught:
            call(world.caller(replace(ACCESS, ring=ring)), "order_refund.create")
        assert caught.value.word == "signature"
        assert len(world.asked) == 1
    honest = {"x-pingplusplus-signature": sign_body(key_pair.private_key, body)}
    world = World(lambda _request: httpx2.Response(400, headers=honest, content=body))
    with pytest.raises(ChannelDeclined):
        call(world.caller(replace(ACCESS, ring=ring)), "order_refund.create")


def test_the_other_path_is_tried_when_the_documented_one_is_not_there() -> None:
    def sdk_only(request: httpx2.Request) -> httpx2.Response:
        there = "order_refunds" in request.url.path
        return json_answer({"id": "2"}) if there else httpx2.Response(404)

    world = World(sdk_only)
    assert call(world.caller(), "order_refund.create") == {"id": "2"}
    assert [request.url.path.rpartition("/")[2] for request in world.asked] == [
        "refunds",
        "order_refunds",
    ]


@pytest.mark.parametrize(
    ("message", "failure"),
    [
        (MESSAGE, Failure("OPR21040", "可分账金额为0，不能进行完结分账")),
        ("余额不足", Failure("", "余额不足")),
        ("a|b", Failure("", "a|b")),
    ],
)
def test_a_failure_is_a_code_and_a_text(message: str, failure: Failure) -> None:
    assert split_failure(message) == failure


def test_an_object_tells_of_its_failure_and_is_still_an_answer() -> None:
    row = OPERATIONS["allocation_complete.create"]
    given = sort_out(row, GOOD[row.name])
    world = World(lambda _request: json_answer({"status": "pending", "failure_msg": MESSAGE}))
    failure = world.caller().call(row, given).failure
    assert failure == Failure("OPR21040", "可分账金额为0，不能进行完结分账")
    world = World(
        lambda _request: json_answer({"status": "failed", "failure_code": "refund_refused"})
    )
    assert world.caller().call(row, given).failure == Failure("refund_refused", "")
    assert World().caller().call(row, given).failure is None


def listing(pages: int, *, size: int = 2) -> Handler:
    """A list of so many pages in either style; its last says that nothing follows."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        query = request.url.params
        after = query.get("starting_after")
        first = (int(query.get("page", "1")) - 1) * size if after is None else int(after) + 1
        data = [{"id": str(n)} for n in range(first, first + size)]
        return json_answer(
            {"object": "list", "has_more": first + size < pages * size, "data": data}
        )

    return answer


@pytest.mark.parametrize(
    ("operation", "values"), [("order.list", {"app": APP}), ("charge.list", {"app": {"id": APP}})]
)
def test_a_list_is_walked_to_its_end_in_its_own_style(
    operation: str, values: dict[str, Any]
) -> None:
    world = World(listing(3))
    row = OPERATIONS[operation]
    pages = list(world.caller().pages(row, sort_out(row, values)))
    ids = [item["id"] for page in pages for item in page.fields["data"]]
    assert ids == [str(n) for n in range(6)]
    assert len(world.asked) == 3


def test_a_list_that_never_ends_is_left_after_a_hundred_pages() -> None:
    row = OPERATIONS["order.list"]
    given = sort_out(row, {"app": APP})
    assert len(list(World(listing(10**9)).caller().pages(row, given))) == PAGES_LIMIT
    same = World(lambda _request: json_answer({"has_more": True, "data": [{"id": "1"}]}))
    assert len(list(same.caller().pages(row, given))) == 2


def test_an_error_on_purpose_is_one_of_ours() -> None:
    assert issubclass(Declined, PingledgerError)
    assert issubclass(InDoubt, PingledgerError)
