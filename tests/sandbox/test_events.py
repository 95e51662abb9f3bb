"""Do events go out as Ping++ sends them: signed, enveloped, retried, and broken only on demand?"""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx2
import pytest
from cryptography.exceptions import InvalidSignature

from service.sandbox.events import RETRY_SECONDS, Parcel
from service.sandbox.sender import Sender
from service.sandbox.truth import Pace
from tests.sandbox.conftest import KEY, Merchant, Turned, deliver, make_merchant, verify


def send(merchant: Merchant) -> list[dict[str, Any]]:
    return [json.loads(request.content) for request in deliver(merchant)]


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def demand(merchant: Merchant, fault: str, match: str) -> None:
    merchant.call("POST", "/sandbox/faults", {"next": [{"fault": fault, "match": match}]})


def test_a_paid_order_tells_of_its_charge_and_of_itself(merchant: Merchant) -> None:
    order = merchant.paid_order()
    events = send(merchant)
    assert types(events) == ["charge.succeeded", "order.succeeded"]
    assert events[1]["data"]["object"] == order
    assert list(events[1]) == [
        "id",
        "object",
        "created",
        "livemode",
        "type",
        "data",
        "request",
        "pending_webhooks",
    ]
    assert events[1]["id"].startswith("evt_")
    assert len(events[1]["id"]) == 28


def test_the_signature_is_over_the_raw_bytes_which_are_compact_utf8(merchant: Merchant) -> None:
    merchant.paid_order()
    send(merchant)
    request = merchant.heard[-1]
    verify(KEY.public_key(), request.headers["x-pingplusplus-signature"], request.content)
    assert "旺仔牛奶".encode() in request.content
    assert b"https://member" not in request.content
    assert b"/v1/charges" in request.content
    assert not request.content.endswith(b"\n")


def test_a_refund_tells_three_times_and_a_failed_one_only_of_the_channels(
    merchant: Merchant,
) -> None:
    order = merchant.paid_order(channel="yeepay_alipay_qr")
    for amount, succeeded in ((10, True), (20, False)):
        refund = merchant.refund(order, amount)
        merchant.advance(refund["id"])
        merchant.advance(refund["id"], succeeded=succeeded)
    heard = types(send(merchant))[2:]
    assert heard[0] == "refund.succeeded"
    assert heard[1] in ("order_refund.succeeded", "order.refund.succeeded")
    assert heard[2:] == ["order.refunded", "refund.failed"]


def test_a_withdrawal_tells_its_end_but_not_its_cancelation(merchant: Merchant) -> None:
    for word in ("pending", "canceled"):
        made = merchant.withdraw()
        merchant.decide(made["id"], word)
        merchant.advance(made["id"], succeeded=True)
    assert types(send(merchant)) == ["balance.withdrawal.succeeded"]


def test_a_lost_event_is_never_sent_but_can_be_asked_for(merchant: Merchant) -> None:
    demand(merchant, "lose", "order.succeeded")
    merchant.paid_order()
    assert types(send(merchant)) == ["charge.succeeded"]
    listed = merchant.call("GET", "/v1/events?type=order.succeeded")["data"]
    assert merchant.call("GET", f"/v1/events/{listed[0]['id']}") == listed[0]


def test_a_repeat_differs_in_pending_webhooks_alone(merchant: Merchant) -> None:
    demand(merchant, "repeat", "order.succeeded")
    merchant.paid_order()
    _, first, again = send(merchant)
    assert first["pending_webhooks"] != again["pending_webhooks"]
    assert {**first, "pending_webhooks": 1} == again


def test_a_held_event_comes_after_the_next(merchant: Merchant) -> None:
    demand(merchant, "reorder", "charge.succeeded")
    merchant.paid_order()
    assert sorted(types(send(merchant))) == ["charge.succeeded", "order.succeeded"]
    merchant.heard.clear()
    demand(merchant, "reorder", "charge.succeeded")
    merchant.paid_order()
    assert merchant.box.sender.waiting >= 2


def test_a_forged_event_does_not_verify_and_is_not_retried(merchant: Merchant) -> None:
    demand(merchant, "forge", "order.succeeded")
    order = merchant.paid_order()
    send(merchant)
    forged = [
        request
        for request in merchant.heard
        if json.loads(request.content)["data"]["object"]["amount"] != order["amount"]
    ]
    assert len(forged) == 1
    with pytest.raises((InvalidSignature, ValueError)):
        verify(KEY.public_key(), forged[0].headers["x-pingplusplus-signature"], forged[0].content)


def test_an_early_event_says_succeeded_of_an_object_that_is_not(merchant: Merchant) -> None:
    demand(merchant, "early", "order.succeeded")
    merchant.paid_order()
    event = send(merchant)[1]
    assert event["type"] == "order.succeeded"
    assert event["data"]["object"]["status"] == "created"


def test_contradictions_are_another_end_and_another_body_under_one_id(merchant: Merchant) -> None:
    demand(merchant, "other_end", "order.succeeded")
    demand(merchant, "other_body", "charge.succeeded")
    merchant.paid_order()
    events = send(merchant)
    ends = {e["data"]["object"].get("status") for e in events if e["type"] == "order.succeeded"}
    assert ends == {"paid", "canceled"}
    charges = [e for e in events if e["type"] == "charge.succeeded"]
    assert charges[0]["id"] == charges[1]["id"]
    assert charges[0]["created"] != charges[1]["created"]


def test_faults_strike_at_their_rate_and_the_same_seed_strikes_the_same(now: datetime) -> None:
    struck: list[dict[str, int]] = []
    for _ in range(2):
        merchant = make_merchant(now, rates={"lose": 0.5}, seed=7)
        for _ in range(20):
            merchant.paid_order()
        struck.append(dict(merchant.box.faults.struck))
    assert struck[0] == struck[1]
    assert 5 < struck[0]["lose"] < 35


@pytest.mark.parametrize(
    ("fault", "status", "outcome"),
    [
        ("", 204, "accepted"),
        ("", 302, "retried"),
        ("", 503, "retried"),
        ("forge", 401, "refused"),
        ("forge", 503, "retried"),
        ("forge", 200, "deceived"),
    ],
)
def test_only_a_2xx_counts_and_a_forger_gives_up_when_refused(
    now: datetime, fault: str, status: int, outcome: str
) -> None:
    sender, clock = sender_to(now, status)
    sender.post([parcel(clock.now, fault)])
    asyncio.run(tried(sender, clock, [0]))
    assert sender.counts[outcome] == 1


def test_retries_follow_the_schedule_and_then_end(now: datetime) -> None:
    sender, clock = sender_to(now, 500)
    sender.post([parcel(clock.now)])
    asyncio.run(tried(sender, clock, [0, *RETRY_SECONDS]))
    assert sender.counts["given_up"] == 1
    assert sender.waiting == 0


async def tried(sender: Sender, clock: Turned, waits: Sequence[int]) -> None:
    """Let so many seconds pass before each try, and see that it is made then."""
    task = asyncio.create_task(sender.run())
    for attempt, wait in enumerate(waits, start=1):
        clock.pass_seconds(wait)
        sender.wake()
        for _ in range(500):
            if len(sender.log) == attempt:
                break
            await asyncio.sleep(0.01)
        assert sender.log[-1].attempt == attempt
        assert sender.log[-1].at == clock.now
    task.cancel()


def sender_to(now: datetime, status: int) -> tuple[Sender, Turned]:
    clock = Turned(now)
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: httpx2.Response(status)))
    return Sender(client, "http://127.0.0.1/webhooks/main", clock, Pace()), clock


def parcel(due: datetime, fault: str = "") -> Parcel:
    return Parcel("evt_1", "order.succeeded", "201", b"{}", "", due, fault)
