"""Are answers broken as asked, and are planted errors in the truth and nowhere else?"""

from datetime import datetime

import pytest

from service.sandbox.faults import parse_rates
from service.sandbox.plants import PLANTS
from tests.sandbox.conftest import APP, Merchant, make_merchant


def demand(merchant: Merchant, fault: str) -> None:
    merchant.call(
        "POST", "/sandbox/faults", {"next": [{"fault": fault, "match": "GET /v1/orders"}]}
    )


@pytest.mark.parametrize(
    ("fault", "status"),
    [("forbidden", 403), ("limited", 429), ("html", 200), ("malformed", 200), ("slow", 200)],
)
def test_an_answer_is_broken_once_and_whole_again(now: datetime, fault: str, status: int) -> None:
    merchant = make_merchant(now)
    merchant.box.truth.pace = type(merchant.box.truth.pace)(automatic=False, scale=1e6)
    order = merchant.order()
    path = f"/v1/orders/{order['id']}"
    demand(merchant, fault)
    broken = merchant.client.get(path)
    assert broken.status_code == status
    if fault == "limited":
        assert int(broken.headers["Retry-After"]) > 0
    if fault != "slow":
        assert broken.content != merchant.client.get(path).content
    assert merchant.call("GET", path) == order


def test_a_crash_is_a_5xx(merchant: Merchant) -> None:
    order = merchant.order()
    demand(merchant, "crash")
    assert merchant.client.get(f"/v1/orders/{order['id']}").status_code >= 500


def test_a_stale_answer_is_the_object_as_it_was_before(merchant: Merchant) -> None:
    order = merchant.paid_order()
    demand(merchant, "stale")
    stale = merchant.call("GET", f"/v1/orders/{order['id']}")
    assert (stale["status"], stale["amount_paid"]) == ("created", 0)


def test_a_wrong_answer_is_another_object(merchant: Merchant) -> None:
    merchant.paid_order()
    order = merchant.paid_order()
    demand(merchant, "wrong")
    assert merchant.call("GET", f"/v1/orders/{order['id']}")["id"] != order["id"]


@pytest.mark.parametrize("name", sorted(PLANTS))
def test_every_plant_can_be_planted_and_says_where(merchant: Merchant, name: str) -> None:
    before = set(merchant.truth())
    planted = merchant.call("POST", "/sandbox/plant", {"name": name, "app": APP})
    assert planted["found_on"]
    made = {object_id for _, object_id in planted["made"]}
    assert made == (set(merchant.truth()) - before) | set(planted["found_on"])
    assert merchant.call("GET", "/sandbox/planted")["planted"] == [planted]


def test_planted_sums_are_as_wrong_as_their_names_say(merchant: Merchant) -> None:
    def order_of(name: str) -> dict[str, int]:
        planted = merchant.call("POST", "/sandbox/plant", {"name": name, "app": APP})
        return merchant.call("GET", f"/v1/orders/{planted['found_on'][0]}")

    paid = order_of("amount_paid")
    assert paid["amount_paid"] + 1 == paid["charges"]["data"][0]["amount"]  # type: ignore[index]
    over = order_of("refunded_exceeds_paid")
    assert over["amount_refunded"] > over["amount_paid"]
    assert order_of("overpaid")["amount_paid"] == 2000
    assert order_of("canceled_but_paid")["status"] == "canceled"


def test_an_unknown_fault_plant_or_rate_is_refused(merchant: Merchant) -> None:
    for path, body in (
        ("faults", {"rates": {"lose": 2}}),
        ("faults", {"next": [{"fault": "burn"}]}),
        ("plant", {"name": "tulip", "app": APP}),
        ("advance", {}),
    ):
        assert merchant.client.post(f"/sandbox/{path}", json=body).status_code == 400
    with pytest.raises(ValueError, match="burn"):
        parse_rates(["burn=0.1"])
    assert parse_rates(["lose=0.1"]) == {"lose": 0.1}


def test_rates_strike_questions_and_leave_commands_alone(now: datetime) -> None:
    merchant = make_merchant(now, rates={"crash": 1.0})
    order = merchant.order()
    assert merchant.client.get(f"/v1/orders/{order['id']}").status_code >= 500
    merchant.call("POST", "/sandbox/faults", {"quiet": True})
    assert merchant.call("GET", f"/v1/orders/{order['id']}") == order
