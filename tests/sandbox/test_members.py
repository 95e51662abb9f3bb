"""Do users, sub-merchants and their applications live as the API document says?"""

from typing import Any

import pytest

from service.sandbox.cast import papers
from tests.sandbox.conftest import APP, Merchant

USERS = f"/v1/apps/{APP}/users"
SUB_APPS = f"/v1/apps/{APP}/sub_apps"
PERSON: dict[str, Any] = {
    "user": "cus_1",
    "order_no": "CUS1",
    "cert_type": "1",
    "cert_name": "张三",
    "cert_number": "110101190001010000",
    "mobile": "13000000000",
}
USER_KEYS = [
    "id",
    "object",
    "app",
    "address",
    "available_balance",
    "available_coupons",
    "avatar",
    "withdrawable_balance",
    "created",
    "disabled",
    "email",
    "gender",
    "identified",
    "livemode",
    "metadata",
    "mobile",
    "name",
    "type",
    "related_app",
    "settle_accounts",
    "identity_info",
    "extra",
    "parent_user_id",
]


def small_papers(user: str, order_no: str) -> dict[str, Any]:
    """A small merchant's papers: no licence, and the bank account is a person's."""
    asked = papers(user, order_no)
    asked["business_license"] = {"sign_name": "张三", "short_name": "张三小店"}
    asked["legal_person_id_card"]["mobile"] = "13000000000"
    asked["settle_account"]["type"] = "b2c"
    del asked["contact_id_card"]
    return asked


def sub_merchant(merchant: Merchant, user: str) -> dict[str, Any]:
    body = {"display_name": "简米旗舰店", "user": {"id": user}}
    return merchant.call("POST", SUB_APPS, body)


def test_a_new_user_is_shown_as_in_the_document(merchant: Merchant) -> None:
    user = merchant.call("POST", USERS, {"id": "test_001"})
    assert list(user) == USER_KEYS
    assert (user["type"], user["settle_accounts"], user["identity_info"]) == ("customer", [], {})
    assert merchant.user("test_001") == user


def test_what_is_said_of_a_user_is_kept_and_an_id_is_taken_once(merchant: Merchant) -> None:
    said = {"name": "张三", "gender": "MALE", "metadata": {"level": "1"}}
    user = merchant.call("POST", USERS, {"id": "test_001", **said})
    assert {name: user[name] for name in said} == said
    assert merchant.refused("POST", USERS, {"id": "test_001"}) == (400, "id")
    assert merchant.refused("GET", USERS + "/nobody") == (404, "id")


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({}, "id"),
        ({"id": "用户"}, "id"),
        ({"id": "a" * 65}, "id"),
        ({"id": "a", "gender": "OTHER"}, "gender"),
        ({"id": "a", "metadata": {str(n): n for n in range(21)}}, "metadata"),
    ],
)
def test_a_user_that_the_document_does_not_allow_is_refused(
    merchant: Merchant, said: dict[str, Any], param: str
) -> None:
    assert merchant.refused("POST", USERS, said) == (400, param)


def test_a_persons_wallet_opens_after_review(merchant: Merchant) -> None:
    merchant.call("POST", USERS, {"id": "cus_1"})
    asked = merchant.call("POST", f"/v1/apps/{APP}/cus_applications", PERSON)
    assert list(asked) == [
        "id",
        "object",
        "app",
        "user",
        "order_no",
        "cert_name",
        "cert_number",
        "transaction_no",
        "status",
        "created",
    ]
    assert (asked["cert_number"], len(asked["id"])) == ("110101*****00", 19)
    path = f"/v1/apps/{APP}/cus_applications/{asked['id']}"
    merchant.advance(asked["id"])
    assert merchant.call("GET", path)["status"] == "processing"
    merchant.advance(asked["id"], succeeded=True)
    assert merchant.call("GET", path)["status"] == "succeeded"
    assert merchant.user("cus_1")["identified"] is True


def test_a_persons_application_may_be_sent_again_but_only_as_it_was(merchant: Merchant) -> None:
    merchant.call("POST", USERS, {"id": "cus_1"})
    path = f"/v1/apps/{APP}/cus_applications"
    first = merchant.call("POST", path, PERSON)
    assert merchant.call("POST", path, PERSON) == first
    merchant.finish(first["id"])
    assert merchant.call("POST", path, PERSON)["id"] == first["id"]
    assert merchant.refused("POST", path, {**PERSON, "mobile": "13000000001"})[0] == 400


def test_a_sub_merchant_makes_its_user_and_shows_it_whole(merchant: Merchant) -> None:
    sub_app = sub_merchant(merchant, "biz_003")
    user = sub_app["user"]
    assert (user["type"], user["related_app"]) == ("business", sub_app["id"])
    assert user["settle_accounts"] is None
    assert merchant.user("biz_003")["settle_accounts"] == []
    assert merchant.call("GET", f"{SUB_APPS}/{sub_app['id']}") == sub_app
    body = {"display_name": "另一家", "user": "biz_003"}
    assert merchant.refused("POST", SUB_APPS, body) == (400, "user")
    assert merchant.refused("POST", SUB_APPS, {"display_name": "店"}) == (400, "display_name")


@pytest.mark.parametrize(
    ("kind", "make"), [("mch_applications", papers), ("micro_applications", small_papers)]
)
def test_a_sub_merchant_is_reviewed_and_then_has_its_channels(
    merchant: Merchant, kind: str, make: Any
) -> None:
    sub_app = sub_merchant(merchant, "biz_003")
    path = f"/v1/apps/{APP}/{kind}"
    body = {**make("biz_003", "A1"), "products": ["yepay_wx_pub_qr"]}
    asked = merchant.call("POST", path, body)
    assert (asked["object"], asked["status"], asked["mch_id"]) == (kind[:-1], "created", None)
    merchant.finish(asked["id"])
    done = merchant.call("GET", f"{path}/{asked['id']}")
    assert (done["status"], done["time_finished"]) == ("completed", None)
    assert done["products"] == ["yepay_wx_pub_qr"]
    shown = merchant.call("GET", f"{SUB_APPS}/{sub_app['id']}")
    assert shown["available_methods"] == ["yeepay_wx_pub_qr"]
    order = merchant.order(receipt_app=sub_app["id"])
    assert order["available_methods"] == ["balance", "yeepay_wx_pub_qr"]
    pay = {"charge_amount": 100, "channel": "yeepay_upacp_qr"}
    assert merchant.refused("POST", f"/v1/orders/{order['id']}/pay", pay) == (400, "channel")


def test_an_application_that_was_declined_says_why_and_its_number_is_spent(
    merchant: Merchant,
) -> None:
    sub_merchant(merchant, "biz_003")
    path = f"/v1/apps/{APP}/mch_applications"
    asked = merchant.call("POST", path, papers("biz_003", "A1"))
    assert merchant.refused("POST", path, papers("biz_003", "A2"))[0] == 400
    merchant.finish(asked["id"], succeeded=False)
    failed = merchant.call("GET", f"{path}/{asked['id']}")
    assert failed["status"] == "failed"
    assert "|" in failed["failure_msg"]
    assert merchant.refused("POST", path, papers("biz_003", "A1")) == (400, "order_no")
    assert merchant.call("POST", path, papers("biz_003", "A2"))["status"] == "created"


def test_only_a_sub_merchants_user_may_apply(merchant: Merchant) -> None:
    merchant.call("POST", USERS, {"id": "cus_1"})
    path = f"/v1/apps/{APP}/mch_applications"
    assert merchant.refused("POST", path, papers("cus_1", "A1")) == (400, "user")
    assert merchant.refused("POST", path, papers("nobody", "A1")) == (404, "user")


def test_a_bank_account_is_bound_to_a_sub_merchant_and_shown_masked(merchant: Merchant) -> None:
    sub_app = sub_merchant(merchant, "biz_003")["id"]
    recipient = {"account": "112233445566", "type": "b2b", "open_bank": "ICBC"}
    body = {"channel": "bank_account", "recipient": recipient}
    path = f"/v1/apps/{sub_app}/settle_accounts"
    assert merchant.refused("POST", path, body)[0] == 400
    asked = merchant.call("POST", f"/v1/apps/{APP}/mch_applications", papers("biz_003", "A1"))
    merchant.finish(asked["id"])
    bound = merchant.call("POST", path, body)
    assert len(bound["id"]) == 24
    assert bound["recipient"]["account"] == "112233**5566"
    assert bound["recipient"]["extra"]["bank_card_status"] == "succeeded"
    assert merchant.user("biz_003")["settle_accounts"] == [bound]


def test_a_page_for_cards_lives_five_minutes(merchant: Merchant) -> None:
    path = f"{USERS}/cus_003/settle_accounts"
    page = merchant.call("POST", path, {"return_url": "https://www.pingxx.com"})
    assert list(page) == ["app", "user", "card_url"]
    merchant.step(299)
    found = next(
        each
        for each in merchant.call("GET", "/sandbox/links")["links"]
        if each["url"] == page["card_url"]
    )
    assert found["over"] is False
    merchant.step(1)
    links = merchant.call("GET", "/sandbox/links")["links"]
    assert [each["over"] for each in links if each["url"] == page["card_url"]] == [True]
    merchant.call("POST", USERS, {"id": "cus_1"})
    body = {"return_url": "https://www.pingxx.com"}
    assert merchant.refused("POST", f"{USERS}/cus_1/settle_accounts", body)[0] == 400


def test_pictures_get_an_address_and_cards_their_bank(merchant: Merchant) -> None:
    picture = merchant.call("POST", f"/v1/apps/{APP}/upload_pic", {"pic": "/9j/4AAQSkZJRgABAgEAA"})
    assert list(picture) == ["app", "livemode", "media_url"]
    path = f"/v1/apps/{APP}/card_bin"
    assert merchant.call("POST", path, {"account": "6214850213609784"}) == {
        "card_type": "DEBIT",
        "bank_name": "招商银行",
        "bank_code": "CMBCHINA",
    }
    assert merchant.refused("POST", path, {"account": "9999990000000000"}) == (400, "account")
    assert merchant.refused("POST", f"/v1/apps/{APP}/upload_pic", {"pic": "图"}) == (400, "pic")
