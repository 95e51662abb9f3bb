"""Does every operation of the table answer, and do the document's own requests go through?"""

import json
from datetime import datetime
from typing import Any, cast

import pytest

from service.pingpp.endpoints import OPERATIONS
from service.pingpp.endpoints.request import body_bytes, sort_out, targets
from service.sandbox.api import HANDLERS, ROWS, places
from service.sandbox.cast import papers
from tests.document import REQUESTS
from tests.sandbox.conftest import APP, Merchant, make_merchant
from tests.sandbox.test_members import small_papers

# What the answer spells or means otherwise (facts §7 rows 3 and 41), masks, or never shows.
RESPELT = {"channel", "mch_id", "cert_number", "recipient"}
UNSHOWN = {"pic", "account", "return_url", "cert_type", "mobile", "allocation", "status"}


class Story:
    """The document's examples told in order; ids of its own stand for those of the document."""

    def __init__(self, merchant: Merchant) -> None:
        self._merchant = merchant
        self.ids: dict[str, str] = {}

    def ask(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        row = OPERATIONS[name]
        given = sort_out(row, self._own(values))
        answer = self._merchant.client.request(
            row.method, targets(row, given)[0], content=body_bytes(row, given)
        )
        assert answer.status_code == 200, (name, answer.text)
        return answer.json()

    def tell(self, name: str) -> dict[str, Any]:
        """Send the document's example of an operation; everything that it says comes back."""
        values = next(each.values for each in REQUESTS if each.operation == name)
        shown = self.ask(name, values)
        sent = self._own(values)
        for field in sent.keys() & shown.keys() - RESPELT - UNSHOWN:
            assert _within(sent[field], shown[field]), (name, field)
        return shown

    def _own(self, values: dict[str, Any]) -> dict[str, Any]:
        """The same values, with its own ids for those of the document."""
        text = json.dumps(values)
        for known, own in self.ids.items():
            text = text.replace(json.dumps(known), json.dumps(own))
        return json.loads(text)


def _within(sent: Any, shown: Any) -> bool:
    """Whether everything that was sent is in what is shown."""
    if isinstance(sent, dict):
        fields = cast("dict[str, Any]", sent)
        return all(_within(value, shown[name]) for name, value in fields.items())
    if isinstance(sent, list):
        pairs = zip(cast("list[Any]", sent), shown, strict=True)
        return all(_within(*pair) for pair in pairs)
    return sent == shown


def _open_accounts(story: Story, merchant: Merchant) -> None:
    merchant.call("POST", f"/v1/apps/{APP}/users", {"id": "cus_003"})
    person = story.tell("cus_application.create")
    assert person["cert_number"] == "420381*****20"
    assert story.tell("cus_application.create") == person
    story.ids["1112209026603366403"] = person["id"]
    merchant.finish(person["id"])
    assert story.tell("cus_application.retrieve")["status"] == "succeeded"
    sub_app = story.tell("sub_app.create")
    story.ids |= {"app_fDizzTlSabD05K4a": sub_app["id"], "WHDR": "biz_003"}
    assert story.tell("sub_app.retrieve") == sub_app
    made = story.ask("mch_application.create", {"app_id": APP, **papers("biz_003", "A1")})
    merchant.finish(made["id"])
    story.ids["1212209145401600003"] = made["id"]
    assert story.tell("mch_application.retrieve")["status"] == "completed"
    body = {"display_name": "小店", "user": "biz_004"}
    story.ask("sub_app.create", {"app_id": APP, **body})
    small = story.ask("micro_application.create", {"app_id": APP, **small_papers("biz_004", "A2")})
    story.ids["1212209145401600003"] = small["id"]
    assert story.tell("micro_application.retrieve")["object"] == "micro_application"
    bound = story.tell("settle_account.create")
    assert bound["recipient"]["account"] == "112233**5566"
    story.ids["320220919582071500800001"] = bound["id"]


def _fill_wallet(story: Story, merchant: Merchant) -> None:
    assert "amount=0.01" in story.tell("deposit.create")["extra"]["credential"]
    more = {"app_id": APP, "user": "cus_003", "order_no": "CZ2", "amount": 100}
    made = story.ask("deposit.create", {**more, "extra": {"return_url": "https://a"}})
    merchant.finish(made["id"])
    asked = {"app_id": APP, "deposit_id": made["id"]}
    assert story.ask("deposit.retrieve", asked)["status"] == "succeeded"
    taken = story.tell("withdrawal.create_personal")
    assert (taken["channel"], taken["status"]) == ("yepay", "created")
    story.ids["1712209195901619203"] = story.ids["1701611150302360654"] = taken["id"]
    assert story.tell("withdrawal.confirm")["status"] == "processing"


def _trade(story: Story, merchant: Merchant) -> None:
    order = story.tell("order.create")
    for known in ("2012209207919411203", "2012209203889561603", "2001608270000004428"):
        story.ids[known] = order["id"]
    assert story.tell("order.retrieve") == order
    paid = story.tell("order.pay")
    assert (paid["service_app"], paid["charges"]["data"][0]["refunds"]) == (APP, None)
    story.ids["ch_101220920792043878400003"] = paid["charge"]
    merchant.call("POST", "/sandbox/pay", {"id": order["id"]})
    shared = story.tell("allocation.create")
    for known in ("371220920811101255680003", "371220920423436564480003"):
        story.ids[known] = shared["id"]
    merchant.finish(shared["id"])
    assert story.tell("allocation.retrieve")["status"] == "succeed"


def _undo(story: Story, merchant: Merchant) -> None:
    hanging = story.tell("allocation_complete.create")
    assert (hanging["status"], "OPR21040" in hanging["failure_msg"]) == ("pending", True)
    story.ids["6812209208205824003"] = hanging["id"]
    assert story.tell("allocation_complete.retrieve") == hanging
    back = story.tell("allocation_refund.create")
    assert (back["object"], back["type"]) == ("allocation", "allocation_refund")
    merchant.finish(back["id"])
    assert story.ask("allocation_refund.retrieve", {"id": back["id"]})["status"] == "succeed"
    refund = story.tell("order_refund.create")
    assert refund["transaction_no"] == refund["id"]
    listed = story.tell("order_refund.list")["data"][0]
    assert (listed["transaction_no"], listed["extra"]) == (None, {})


def test_the_documents_own_requests_go_through_in_one_story(now: datetime) -> None:
    merchant = make_merchant(now, cast="")
    story = Story(merchant)
    for name in ("upload_pic", "card_bin", "user.create", "user.retrieve"):
        story.tell(name)
    _open_accounts(story, merchant)
    assert story.tell("user.settle_accounts")["user"] == "cus_003"
    _fill_wallet(story, merchant)
    _trade(story, merchant)
    _undo(story, merchant)
    merchant.finish(story.ids["1712209195901619203"])
    account = {"app_id": APP, "withdrawal_id": story.ids["1712209195901619203"]}
    assert story.ask("withdrawal.retrieve", account)["status"] == "succeeded"


def test_every_row_has_its_handler_and_every_handler_its_row() -> None:
    assert {row.name for row in ROWS} == HANDLERS.keys()
    with pytest.raises(LookupError, match=r"card_bin"):
        places(handlers={name: HANDLERS[name] for name in HANDLERS.keys() - {"card_bin"}})
    with pytest.raises(LookupError, match=r"card_bin"):
        places(rows=[row for row in ROWS if row.name != "card_bin"])


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/orders", {"amount": 1.5}, "amount"),
        ("/v1/orders", {"amount": "100"}, "amount"),
        ("/v1/orders", {"amount": 0}, "amount"),
        ("/v1/orders", {"colour": "red"}, "colour"),
        ("/v1/orders", {"subject": None}, "subject"),
        ("/v1/orders", {"merchant_order_no": "n" * 65}, "merchant_order_no"),
        ("/v1/orders", {"client_ip": "here"}, "client_ip"),
        ("/v1/orders", {"time_expire": 1}, "time_expire"),
        ("/v1/orders", {"metadata": {"a": "x" * 1001}}, "metadata"),
        ("/v1/orders", {"allocation": "true"}, "allocation"),
    ],
)
def test_a_bad_parameter_is_named_and_nothing_is_made(
    merchant: Merchant, path: str, body: dict[str, Any], param: str
) -> None:
    known = len(merchant.box.truth.records)
    good = next(each.values for each in REQUESTS if each.operation == "order.create")
    status, named = merchant.refused("POST", path, {**good, **body})
    assert (status, named) == (400, param)
    assert len(merchant.box.truth.records) == known


def test_a_nested_parameter_is_named_as_in_the_document(merchant: Merchant) -> None:
    path = f"/v1/apps/{APP}/mch_applications"
    asked = papers("WHDR", "A1")
    asked["business_license"]["number"] = "short"
    assert merchant.refused("POST", path, asked) == (400, "business_license[number]")
    body = {"user": "cus_003", "channel": "yeepay", "amount": 1, "order_no": "T1"}
    path = f"/v1/apps/{APP}/withdrawals"
    assert merchant.refused("POST", path, body) == (400, "extra[return_url]")
    assert merchant.refused("GET", f"/v1/charges?app[id]={APP}&limit=101") == (400, "limit")


def test_bodies_that_are_no_objects_are_refused(merchant: Merchant) -> None:
    for body in (b"[]", b"{", b"\xff", b"1"):
        assert merchant.client.post("/v1/orders", content=body).status_code == 400
    assert merchant.client.post("/v1/orders", content=b"x" * (1 << 20 | 1)).status_code == 413
