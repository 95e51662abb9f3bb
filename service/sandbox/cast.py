"""Who is there to play with: the document's person with a wallet, its enterprise with a bank."""

from datetime import datetime
from typing import Any

from service.sandbox.applying import apply_person, apply_sub_merchant, review
from service.sandbox.binding import bind_account
from service.sandbox.depositing import create_deposit, pay_deposit
from service.sandbox.members import create_sub_app, create_user
from service.sandbox.records import Application, PersonApplication
from service.sandbox.truth import Truth

# L215, L504
PERSON, ENTERPRISE = "cus_003", "WHDR"
WALLET_FEN = 1_000_000

_PERSON: dict[str, Any] = {
    "user": PERSON,
    "order_no": "CUS202208250000003",
    "cert_type": "1",
    "cert_name": "张三",
    # nobody's: its check digit does not fit
    "cert_number": "110101190001010000",
    "mobile": "13000000000",
}
_DEPOSIT = {"order_no": "CZ1663573797", "extra": {"return_url": "https://www.pingxx.com"}}


def papers(user: str, order_no: str) -> dict[str, Any]:
    """What an enterprise's application asks for (L441-478); all of it is made up."""
    picture = "http://staticres.yeepay.com/jcptb-merchant-netinj05/2022/09/05/merchant-example"
    return {
        "user": user,
        "order_no": order_no,
        "business_license": {
            "copy": picture,
            "number": "91310000000000000X",
            "account_opening_license": "J0000000000000",
            "account_opening_license_copy": picture,
            "company_name": "示例科技有限公司",
            "short_name": "示例科技",
            "sign_type": "enterprise",
        },
        "legal_person_id_card": {
            "type": "id_card",
            "copy": picture,
            "national": picture,
            "number": "110101190001010000",
            "name": "张三",
        },
        "contact_id_card": {
            "number": "110101190001010000",
            "name": "张三",
            "mobile": "13000000000",
            "email": "example@example.com",
            "service_phone": "4000000000",
        },
        "merchant_address": {
            "province": "上海市",
            "city": "上海市",
            "district": "徐汇区",
            "address": "示例路 1 号",
        },
        "settle_account": {"account": "112233445566", "type": "b2b", "bank_code": "ICBC"},
    }


def play_cast(truth: Truth, app: str, now: datetime) -> dict[str, str]:
    """Make them, approved and with money; gives the ids of the sub-merchant and its bank account.

    Raises Refusal when the app has them already.
    """
    person = create_user(truth, app, {"id": PERSON}, now)
    _approve(truth, apply_person(truth, app, _PERSON, now), now)
    asked = {**_DEPOSIT, "user": person.id, "amount": WALLET_FEN}
    pay_deposit(truth, create_deposit(truth, app, asked, now), now, paid=True)
    fields = {"display_name": "简米旗舰店", "user": {"id": ENTERPRISE}}
    sub_app = create_sub_app(truth, app, fields, now)
    asked = papers(ENTERPRISE, "912111663137550")
    _approve(truth, apply_sub_merchant(truth, "mch_application", app, asked, now), now)
    user = truth.user(app, ENTERPRISE)
    bank = {"account": "112233445566", "type": "b2b", "open_bank": "ICBC"}
    account = bind_account(
        truth, sub_app.id, user, {"channel": "bank_account", "recipient": bank}, now
    )
    return {"sub_app": sub_app.id, "settle_account": account.id}


def _approve(truth: Truth, known: PersonApplication | Application, now: datetime) -> None:
    for _ in range(2):
        review(truth, known, now, approved=True)
