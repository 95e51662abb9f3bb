"""Does the sandbox's time stand, step and scale as asked, and is a story told twice the same?"""

from datetime import UTC, datetime
from typing import Any

import pytest

from service.sandbox.clock import SandboxClock
from service.sandbox.truth import Pace
from tests.sandbox.conftest import APP, Merchant, Turned, make_merchant


def test_a_frozen_clock_moves_by_steps_only(now: datetime) -> None:
    host = Turned(now)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    clock = SandboxClock(host, start=start, frozen=True)
    host.pass_seconds(60)
    assert clock() == start
    assert (clock.step(90) - start).total_seconds() == 90
    with pytest.raises(ValueError, match="2678400"):
        clock.step(-1)


def test_a_clock_that_is_not_frozen_goes_on_from_its_start(now: datetime) -> None:
    host = Turned(now)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    clock = SandboxClock(host, start=start)
    host.pass_seconds(60)
    assert (clock() - start).total_seconds() == 60


def test_a_step_lets_everything_happen_in_its_order_and_at_its_own_time(now: datetime) -> None:
    merchant = make_merchant(now, frozen=True, pace=Pace(declined=0.0))
    order = merchant.order()
    merchant.pay(order["id"], channel="yeepay_wx_pub_qr")
    abandoned = merchant.order()
    merchant.step(2 * 86_400)
    paid = merchant.call("GET", f"/v1/orders/{order['id']}")
    assert paid["status"] == "paid"
    assert paid["time_paid"] < paid["created"] + 60
    canceled = merchant.call("GET", f"/v1/orders/{abandoned['id']}")
    assert canceled["status"] == "canceled"
    event = merchant.call("GET", "/v1/events")["data"][0]
    assert event["created"] == paid["time_paid"]


@pytest.mark.parametrize("seconds", [-1, 1e9, "x", None])
def test_a_step_that_is_none_is_refused(merchant: Merchant, seconds: object) -> None:
    assert merchant.refused("POST", "/sandbox/step", {"seconds": seconds})[0] == 400


def _story(now: datetime, seed: int) -> list[Any]:
    """A day's answers and events."""
    merchant = make_merchant(now, frozen=True, seed=seed, pace=Pace(declined=0.3))
    said: list[Any] = []
    for amount in (100, 200, 300):
        order = merchant.order(amount, allocation=True)
        said.append(merchant.pay(order["id"], amount))
        merchant.step(60)
        said.append(merchant.client.get(f"/v1/orders/{order['id']}").text)
        made = merchant.withdraw(amount)
        said.append(merchant.decide(made["id"], "pending"))
        merchant.step(300)
    said.append(merchant.call("GET", "/v1/events"))
    said.append(merchant.user("cus_003"))
    said.append(merchant.call("GET", f"/v1/apps/{APP}/withdrawals"))
    return said


def test_one_seed_and_one_story_give_the_same_bytes(now: datetime) -> None:
    assert _story(now, 7) == _story(now, 7)
    assert _story(now, 7) != _story(now, 8)
