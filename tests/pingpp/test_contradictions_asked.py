"""Where the document contradicts itself about what is asked (facts §7), row by row on its own text.

The rows about what is read are in test_contradictions.py; the last test here counts them all.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from scripts.api_docs import document
from service.core.errors import Misconfigured
from service.core.kinds import KINDS
from service.core.observation import Key, Source
from service.ledger.engine import Ledger
from service.ledger.schema import beliefs, looks, mismatches
from service.pingpp.access import Access, Host
from service.pingpp.caller import Caller
from service.pingpp.client import Client
from service.pingpp.endpoints import OPERATIONS
from service.pingpp.endpoints.check import Given, Problem, meant, problems
from service.pingpp.endpoints.people import CARD_PAGE_SECONDS
from service.pingpp.endpoints.request import body_bytes, sort_out, targets
from service.pingpp.reader import read_answer, read_object
from service.pingpp.signature import RequestSigner
from service.pingpp.targets import object_targets, sibling_targets
from service.pingpp.wire import Wire
from service.settings import load
from service.settings.values import check_api_base
from service.work.poll import poll
from service.work.reconcile import suspects
from service.work.terms import AccountTerms, Terms
from tests.conftest import KeyPair
from tests.document import ANSWERS, APP, REQUESTS
from tests.pingpp import test_contradictions as reading
from tests.provider import Provider
from tests.sandbox.conftest import Merchant, make_merchant, verify
from tests.work.stories import look, wire

GOOD: dict[str, dict[str, Any]] = {example.operation: example.values for example in REQUESTS}
HOUR = 3600


def given(operation: str, **changed: Any) -> Given:
    """The document's request, with some values changed; None takes one away."""
    values = {**GOOD[operation], **changed}
    kept = {name: value for name, value in values.items() if value is not None}
    return sort_out(OPERATIONS[operation], kept)


def wrong(operation: str, **changed: Any) -> list[Problem]:
    return problems(OPERATIONS[operation], given(operation, **changed))


class Road:
    """Both faces on the sandbox; `asked` are the paths, in order."""

    def __init__(self, merchant: Merchant) -> None:
        self._merchant = merchant
        self.asked: list[str] = []
        access = Access("https://api.test", "sk_live_sandbox", rate=10_000.0)
        more: dict[str, Any] = {
            "clock": merchant.clock,
            "chance": lambda: 0.5,
            "transport": httpx2.MockTransport(self._answer),
        }
        self.client = Client(access, Host(), **more)
        self.caller = Caller(Wire(access, Host(), hears_no=True, **more))

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        target = request.url.raw_path.decode()
        self.asked.append(request.url.path)
        got = self._merchant.client.request(request.method, target, content=request.read())
        return httpx2.Response(got.status_code, stream=httpx2.ByteStream(got.content))


# L1485, L1503: /refunds; what the provider's SDKs ask: /order_refunds
@pytest.mark.parametrize("answering", ["refunds", "order_refunds"])
def test_row_14_the_path_that_is_not_there_makes_room_for_the_other(
    now: datetime, answering: str
) -> None:
    merchant = make_merchant(now)
    order = merchant.paid_order()
    refund = merchant.refund(order, 40)["id"]
    merchant.call("POST", "/sandbox/manners", {"refund_paths": [answering]})
    road, base = Road(merchant), f"/v1/orders/{order['id']}"
    kind, key = KINDS["order_refund"], Key("shop", "order_refund", refund)
    places = object_targets(kind, refund, {"order_id": order["id"]})
    tried = ["refunds"] if answering == "refunds" else ["refunds", "order_refunds"]
    for _ in range(2):
        answer = road.client.first_of("order_refund", places)
        (seen,) = read_answer(answer.body, key=key, seen_at=now).observations
        assert seen.facts["amount"] == 40
    # the second question goes at once where the first was answered
    assert road.asked == [f"{base}/{word}/{refund}" for word in (*tried, answering)]
    road.asked.clear()
    row = OPERATIONS["order_refund.list"]
    listed = road.caller.call(row, sort_out(row, {"order_id": order["id"]}))
    assert [item["id"] for item in listed.fields["data"]] == [refund]
    assert road.asked == [f"{base}/{word}" for word in tried]


ROW_15 = """
GET https://api.pingxx.com/v1/orders/{order_id}/refunds
GET https://api.pingxx.com/v1/orders/2012209207919411203/refunds/
"""


def test_row_15_what_is_signed_and_sent_has_no_slash_at_its_end(
    now: datetime, key_pair: KeyPair
) -> None:
    asked = ROW_15.split()[-1].removeprefix("https://api.pingxx.com")
    assert asked.endswith("/")
    access = Access("https://api.pingxx.com", "sk_live_1", RequestSigner(key_pair.private_key))
    caller = Caller(Wire(access, Host(), clock=lambda: now, chance=lambda: 0.5))
    request = caller.prepare(OPERATIONS["order_refund.list"], given("order_refund.list"), now)
    target = request.url.raw_path.decode()
    assert target == asked.rstrip("/")
    at = request.headers["Pingplusplus-Request-Timestamp"]
    signature = request.headers["Pingplusplus-Signature"]
    verify(key_pair.public_key, signature, f"{target}{at}".encode())
    place = {"order_id": "2012209207919411203"}
    first, *_ = sibling_targets(KINDS["order_refund"], place, "B", page=1, after=None)
    assert first.partition("?")[0] == asked.rstrip("/")
    assert not [path for row in OPERATIONS.values() for path in row.paths if path.endswith("/")]


def left_alone(
    ledger: Ledger, now: datetime, operation: str, paths: dict[str, tuple[str, ...]]
) -> list[str]:
    """Follow the document's object for three hours where no question finds it.

    Gives what was asked for it; at the end it is overdue, and a person is told.
    """
    fields = ANSWERS[operation]
    key = Key("shop", operation.partition(".")[0], fields["id"])
    account = AccountTerms(apps=frozenset({APP}), paths=paths)
    terms = Terms(accounts={"shop": account}, grace_seconds=60)
    look(ledger, key, fields, terms=terms, at=now)
    provider = Provider(now)
    clients = {"shop": provider.client()}
    for _ in range(18):
        provider.pass_time(HOUR / 6)
        poll(ledger, clients, terms=terms, clock=provider.clock, chance=lambda: 0.5)
        suspects(ledger, terms=terms, now=provider.at)
    with ledger.read() as connection:
        found = connection.execute(
            sa.select(mismatches.c.rule, mismatches.c.state).where(
                mismatches.c.kind == key.kind, mismatches.c.object_id == key.object_id
            )
        ).all()
    assert [tuple(row) for row in found] == [("overdue", "open")]
    return [path for path in provider.paths() if path.endswith(key.object_id)]


def test_row_24_an_allocation_refund_that_no_get_shows_ends_with_a_person(
    ledger: Ledger, now: datetime
) -> None:
    name = ANSWERS["allocation_refund.create"]["id"]
    asked = left_alone(ledger, now, "allocation_refund.create", {})
    assert asked[:2] == [f"/v1/allocation_refunds/{name}", f"/v1/allocations/{name}"]


@pytest.mark.parametrize("path", ["", KINDS["deposit"].paths[0]])
def test_row_25_a_deposit_that_no_get_shows_ends_with_a_person(
    ledger: Ledger, now: datetime, path: str
) -> None:
    paths = {"deposit": (path,) if path else ()}
    asked = left_alone(ledger, now, "deposit.create", paths)
    shown = path.format(app=APP, id=ANSWERS["deposit.create"]["id"])
    assert set(asked) == ({shown} if path else set())


ROW_27 = """
withdrawal_id	提现对象 ID	Y	string
status	确认或取消	Y	string	pending: 提现确认;canceled: 提现取消
"""
ROW_27_COMPLETION = "status	分账完成状态	created:创建;pending:处理中;succeed:成功;failed:失败"


def test_row_27_what_stands_in_swapped_columns_is_needed_and_a_text() -> None:
    names = [line.split("\t")[0] for line in ROW_27.strip().splitlines()]
    assert names == ["withdrawal_id", "status"]
    for operation in ("withdrawal.confirm", "withdrawal.cancel"):
        row = OPERATIONS[operation]
        bare = Given({"app_id": APP}, {}, {})
        assert [one[:2] for one in problems(row, bare)] == [(n, "missing") for n in names]
        numbers = Given({"app_id": APP, "withdrawal_id": 1}, {}, {"status": 1})
        assert [one[:2] for one in problems(row, numbers)] == [(n, "type") for n in names]
    params = (OPERATIONS[f"withdrawal.{verb}"].params[-1] for verb in ("confirm", "cancel"))
    words = {word for param in params for word in param.words}
    assert words == set(re.findall(r"(\w+): ", ROW_27))
    complete = ANSWERS["allocation_complete.create"]
    read = [
        reading.read({**complete, "status": word}).status
        for word in re.findall(r"([a-z]+):", ROW_27_COMPLETION)
    ]
    assert read == ["created", "pending", "succeeded", "failed"]


def test_row_28_an_enterprise_withdrawal_needs_no_channel_and_takes_the_samples() -> None:
    assert GOOD["withdrawal.create_enterprise"]["channel"] == "yepay"
    rows = [OPERATIONS[f"withdrawal.create_{whose}"] for whose in ("personal", "enterprise")]
    for channel in ("yepay", "yeepay", None):
        assert wrong("withdrawal.create_enterprise", channel=channel) == []
        asked = given("withdrawal.create_enterprise", channel=channel)
        assert meant(rows, asked).name == "withdrawal.create_enterprise"
    (found,) = wrong("withdrawal.create_enterprise", channel="alipay")
    assert found[:2] == ("channel", "word")


def test_row_29_an_approved_withdrawal_is_what_the_answer_says(now: datetime) -> None:
    # L1003: the answer to the approval is the one to the creation
    said = ANSWERS["withdrawal.create_enterprise"]
    values = {"app_id": APP, "withdrawal_id": said["id"]}
    row = OPERATIONS["withdrawal.confirm"]
    (found,) = problems(row, sort_out(row, {**values, "status": "canceled"}))
    assert found[:2] == ("status", "word")
    asked = sort_out(row, values)
    assert body_bytes(row, asked) == b'{"status":"pending"}'
    answer = httpx2.MockTransport(
        lambda _: httpx2.Response(200, stream=httpx2.ByteStream(wire(said)))
    )
    access = Access("https://api.test", "sk_live_1")
    more: dict[str, Any] = {"clock": lambda: now, "chance": lambda: 0.5, "transport": answer}
    called = Caller(Wire(access, Host(), hears_no=True, **more)).call(row, asked)
    assert reading.read(called.fields).status == "created"
    # what really follows is pending, and it may be seen created again when money is short
    assert reading.from_text('"status": "processing"', said).status == "pending"
    assert ("pending", "created") in KINDS["withdrawal"].regressions


ROW_33 = "POST http://api.pingxx.com/v1/orders/{order_id}/pay"


def test_row_33_an_address_without_encryption_is_never_asked() -> None:
    host = "api.pingxx.com"
    address, path = ROW_33.removeprefix("POST ").split(host)
    address += host
    with pytest.raises(ValueError, match="https://"):
        check_api_base(address)
    assert check_api_base("https://api.pingxx.com/") == "https://api.pingxx.com"
    assert OPERATIONS["order.pay"].path == path


def test_row_34_paying_is_addressed_by_the_order_and_takes_no_app() -> None:
    # L1268 asks for APP_ID; L1263 has no place for it, and L1280 does not send it
    assert wrong("order.pay") == []
    assert targets(OPERATIONS["order.pay"], given("order.pay")) == [
        "/v1/orders/2012209207919411203/pay"
    ]
    for name in ("APP_ID", "app_id", "app"):
        assert [one[:2] for one in wrong("order.pay", **{name: APP})] == [(name, "unknown")]
    assert [one[:2] for one in wrong("order.pay", order_id=None)] == [("order_id", "missing")]


@pytest.mark.parametrize("spelt", ["url", "return_url"])  # L1272, L1284
def test_row_35_either_spelling_is_taken_and_one_is_sent(spelt: str) -> None:
    extra = {spelt: "https://www.pingxx.com", "other": 1}
    asked = given("order.pay", extra=extra)
    assert [one.param for one in problems(OPERATIONS["order.pay"], asked)] == []
    assert asked.body["extra"] == {"return_url": "https://www.pingxx.com", "other": 1}
    assert spelt in extra
    (found,) = wrong("order.pay", extra=None)
    assert found[:2] == ("extra.return_url", "missing")
    assert wrong("order.pay", extra=None, channel="yeepay_wx_pub_qr") == []


ROW_39 = {
    "user.settle_accounts": (
        "调用后返回个人钱包账户的操作地址，地址链接有效期为 5 分钟。",
        "card_url	查询绑定银行卡URL地址	string	有效期为 15 分钟",
    ),
    "deposit.create": ("充值链接有效期为 15 分钟,过期后请重新发起",),
    "withdrawal.confirm": ("请将提现确认后返回的 `operation_url` 链接展示给用户，在 15 分钟内",),
}


@pytest.mark.parametrize("operation", ROW_39)
def test_row_39_a_page_lives_as_long_as_the_shortest_time_that_is_said(operation: str) -> None:
    said = [int(n) for text in ROW_39[operation] for n in re.findall(r"(\d+) 分钟", text)]
    assert OPERATIONS[operation].page_seconds == min(said) * 60
    assert OPERATIONS["user.settle_accounts"].page_seconds == CARD_PAGE_SECONDS == 300
    for language, words in (("en", "for {} minutes"), ("zh", "按 {} 分钟")):
        (section,) = re.findall(rf"(?s)\n## {operation}\n.*?(?=\n## |\Z)", document(language))
        assert words.format(min(said)) in section


def test_row_40_settle_accounts_are_made_in_two_places() -> None:
    # L625: of an app, and neither its request nor its answer has a user
    assert wrong("settle_account.create") == []
    assert [one[:2] for one in wrong("settle_account.create", user="biz_003")] == [
        ("user", "unknown")
    ]
    seen = reading.read(ANSWERS["settle_account.create"])
    assert (seen.key.kind, "user_id" in seen.facts) == ("settle_account", False)
    # L285: of a person, who binds the card on a page
    assert wrong("user.settle_accounts") == []
    assert [one[:2] for one in wrong("user.settle_accounts", user_id=None)] == [
        ("user_id", "missing")
    ]
    paths = [
        targets(OPERATIONS[name], given(name))[0]
        for name in ("settle_account.create", "user.settle_accounts")
    ]
    assert paths == [
        f"/v1/apps/{APP}/settle_accounts",
        f"/v1/apps/{APP}/users/cus_003/settle_accounts",
    ]


ROW_45 = "- 所有接口均只支持 live_mode 模式"


@pytest.mark.parametrize("operation", ["deposit.create", "allocation.create", "order.create"])
def test_row_45_there_is_no_test_mode_so_that_its_objects_are_never_believed(
    ledger: Ledger, now: datetime, operation: str
) -> None:
    assert "live_mode" in ROW_45
    fields = ANSWERS[operation]
    assert fields["livemode"] is True
    kind = KINDS[operation.partition(".")[0]]
    key = Key("shop", kind.name, fields["id"])
    live = Terms(accounts={"shop": AccountTerms(apps=frozenset({APP}))})
    look(ledger, key, fields, terms=live, at=now)
    provider = Provider(now)
    (path, *_) = object_targets(kind, key.object_id, {"app": APP})
    provider.show({**fields, "livemode": False, "status": "succeeded"}, path)
    provider.pass_time(HOUR)
    clock, clients = provider.clock, {"shop": provider.client()}
    poll(ledger, clients, terms=live, clock=clock, chance=lambda: 0.5)
    with ledger.read() as connection:
        believed = connection.scalars(
            sa.select(beliefs.c.status).where(beliefs.c.kind == kind.name)
        ).all()
        assert believed == ["created"]
        assert "wrong_object" in connection.scalars(sa.select(looks.c.answer)).all()


def test_row_45_a_test_key_is_refused_unless_the_account_is_said_to_be_one(
    tmp_path: Path, now: datetime
) -> None:
    config = tmp_path / "pingledger.toml"
    account = '[accounts.main]\napi_key = "sk_test_1"\npublic_keys = ["a.pem"]\n'
    config.write_text(account, encoding="utf-8")
    with pytest.raises(Misconfigured, match="is a test key, and livemode is true"):
        load(config, {})
    config.write_text(f"{account}livemode = false\n", encoding="utf-8")
    assert load(config, {}).accounts["main"].livemode is False
    # what takes the place of a test mode: a fake provider, whose objects say that they are live
    merchant = make_merchant(now)
    shown = merchant.call("GET", f"/v1/apps/{APP}/users/cus_003")
    assert (shown["livemode"], merchant.order()["livemode"]) == (True, True)
    seen = read_object(shown, account="shop", source=Source.POLL, seen_at=now)
    assert seen.observations[0].key.kind == "user"


def rows_of(names: Iterable[str]) -> set[int]:
    found = (re.match(r"test_row_(\d\d)_", name) for name in names)
    return {int(match[1]) for match in found if match}


def test_every_contradiction_has_its_test() -> None:
    assert rows_of(vars(reading)) | rows_of(globals()) == set(range(1, 47))
