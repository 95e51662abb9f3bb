"""Can the sandbox be driven by hand, without a script, and does nothing break out of its page?"""

from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx2
import pytest

from tests.sandbox.conftest import APP, Merchant


class Forms(HTMLParser):
    """Every form of a page: where it goes and what it sends unless someone types."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        if tag == "form":
            self.found.append((given["action"] or "", {}))
        elif tag == "input":
            self.found[-1][1][given["name"] or ""] = given.get("value") or ""


def look(merchant: Merchant, path: str) -> str:
    answer = merchant.client.get(path)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return answer.text


def send(merchant: Merchant, path: str, fields: dict[str, str], **headers: str) -> httpx2.Response:
    body = urlencode(fields)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return merchant.client.post(path, content=body, headers=named, follow_redirects=False)


def press(merchant: Merchant, page: str, verb: str, **typed: str) -> None:
    """Fill in the first form of that verb and send it."""
    action = f"/sandbox/do/{verb}"
    fields = next(f for a, f in Forms(look(merchant, page)).found if a == action)
    answer = send(merchant, action, {**fields, **typed})
    assert answer.status_code == 303, answer.text


def test_the_start_shows_kinds_time_faults_and_sendings_in_both_languages(
    merchant: Merchant,
) -> None:
    merchant.order()
    text = look(merchant, "/sandbox/")
    for word in ("/sandbox/kind/order", "/sandbox/kind/user", "拨快 / step", "reorder", "waiting"):
        assert word in text
    assert "script" not in Forms(text).tags


def test_an_order_is_paid_by_its_button(merchant: Merchant) -> None:
    order = merchant.order()
    merchant.pay(order["id"])
    assert order["id"] in look(merchant, "/sandbox/kind/order")
    press(merchant, f"/sandbox/object?id={order['id']}", "pay")
    assert merchant.call("GET", f"/v1/orders/{order['id']}")["status"] == "paid"


def test_a_withdrawal_is_made_to_fail_and_time_is_stepped(merchant: Merchant) -> None:
    made = merchant.withdraw()
    merchant.decide(made["id"], "pending")
    press(merchant, f"/sandbox/object?id={made['id']}", "finish", succeeded="false")
    assert merchant.truth()[made["id"]]["status"] == "failed"
    before = merchant.box.clock()
    press(merchant, "/sandbox/", "step", seconds="90")
    assert (merchant.box.clock() - before).total_seconds() == 90


def test_faults_are_set_struck_and_switched_off(merchant: Merchant) -> None:
    forms = [fields for _, fields in Forms(look(merchant, "/sandbox/")).found]
    assert {"quiet": "true"} in forms
    do = "/sandbox/do/faults"
    assert send(merchant, do, {"fault": "lose", "rate": "0.5"}).status_code == 303
    assert send(merchant, do, {"next": "crash", "match": "GET"}).status_code == 303
    assert merchant.box.faults.rates == {"lose": 0.5}
    assert merchant.box.faults.demands[0].fault == "crash"
    assert send(merchant, do, {"quiet": "true"}).status_code == 303
    assert merchant.box.faults.rates == {}


def test_what_cannot_be_done_is_said_and_changes_nothing(merchant: Merchant) -> None:
    order = merchant.order()
    for verb, fields, status in (
        ("pay", {"id": order["id"]}, 404),
        ("pay", {"id": "nobody"}, 404),
        ("step", {"seconds": "soon"}, 400),
        ("step", {}, 400),
        ("explode", {}, 404),
        ("faults", {"fault": "burn", "rate": "1"}, 400),
    ):
        answer = send(merchant, f"/sandbox/do/{verb}", fields)
        assert answer.status_code == status
        assert "<h1>" in answer.text
    assert merchant.client.get("/sandbox/object?id=nobody").status_code == 404


def test_another_sites_form_is_refused(merchant: Merchant) -> None:
    answer = send(merchant, "/sandbox/do/settle", {}, Sec_Fetch_Site="cross-site")
    assert answer.status_code == 403


@pytest.mark.parametrize("place", ["kind/{}", "object?id={}", "?done={}"])
def test_what_is_typed_into_an_address_stays_text(merchant: Merchant, place: str) -> None:
    text = merchant.client.get("/sandbox/" + place.format("%3Cb%20id%3Dx%3E")).text
    assert "<b id=x>" not in text
    assert "&lt;b id=x&gt;" in text


def test_a_users_words_stay_text(merchant: Merchant) -> None:
    body = {"id": "u_1", "name": "<b id=x>"}
    merchant.call("POST", f"/v1/apps/{APP}/users", body)
    text = look(merchant, f"/sandbox/object?id={APP}%2Fu_1")
    assert "<b id=x>" not in text
