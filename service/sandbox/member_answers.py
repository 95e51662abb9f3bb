"""How users, sub-merchants, applications, bank accounts and deposits are shown (L82-750)."""

from service.sandbox.records import (
    Application,
    Deposit,
    PersonApplication,
    SettleAccount,
    SubApp,
    User,
)
from service.sandbox.wire import Shown


def user(known: User) -> Shown:
    """L137-161; a list of accounts when asked for by itself (facts §7 row 42)."""
    return {
        "id": known.id,
        "object": "user",
        "app": known.app,
        "address": known.address,
        "available_balance": known.available_balance,
        "available_coupons": 0,
        "avatar": known.avatar,
        "withdrawable_balance": known.withdrawable_balance,
        "created": known.created,
        "disabled": known.disabled,
        "email": known.email,
        "gender": known.gender,
        "identified": known.identified,
        "livemode": known.livemode,
        "metadata": known.metadata,
        "mobile": known.mobile,
        "name": known.name,
        "type": known.type,
        "related_app": known.related_app,
        "settle_accounts": [settle_account(each) for each in known.settle_accounts],
        "identity_info": {},
        "extra": {},
        "parent_user_id": None,
    }


def sub_app(known: SubApp) -> Shown:
    """L367-402: its user is shown whole, and there without accounts (facts §7 rows 42, 44)."""
    inside = None if known.user is None else {**user(known.user), "settle_accounts": None}
    return {
        "id": known.id,
        "object": "sub_app",
        "created": known.created,
        "display_name": known.display_name,
        "account": known.account,
        "description": known.description,
        "metadata": known.metadata,
        "available_methods": known.available_methods,
        "user": inside,
        "parent_app": known.parent_app,
    }


def person_application(known: PersonApplication) -> Shown:
    """L241-252: the number is masked, the name is not."""
    return {
        "id": known.id,
        "object": "cus_application",
        "app": known.app,
        "user": known.user,
        "order_no": known.order_no,
        "cert_name": known.cert_name,
        "cert_number": known.cert_number,
        "transaction_no": known.transaction_no,
        "status": known.status,
        "created": known.created,
    }


def application(known: Application) -> Shown:
    """L500-528: `time_finished` stays null to the end, products are spelt "yepay" (rows 3, 10)."""
    return {
        "id": known.id,
        "object": known.object,
        "app": known.app,
        "user": known.user,
        "order_no": known.order_no,
        "extra": {},
        "transaction_no": known.transaction_no,
        "mch_id": known.mch_id,
        "status": known.status,
        "failure_msg": known.failure_msg,
        "created": known.created,
        "time_finished": None,
        "products": [name.replace("yeepay", "yepay") for name in known.products],
    }


def settle_account(known: SettleAccount) -> Shown:
    """L662-677."""
    return {
        "id": known.id,
        "object": "settle_account",
        "created": known.created,
        "livemode": known.livemode,
        "channel": known.channel,
        "recipient": {
            "account": known.account,
            "type": known.type,
            **known.bank,
            "extra": {"card_id": known.card_id, "bank_card_status": known.status},
        },
    }


def deposit(known: Deposit) -> Shown:
    """L734-750, with the credential's text whole (facts §7 row 25)."""
    return {
        "id": known.id,
        "object": "deposit",
        "app": known.app,
        "livemode": known.livemode,
        "user": known.user,
        "amount": known.amount,
        "order_no": known.order_no,
        "status": known.status,
        "created": known.created,
        "time_succeeded": known.time_succeeded,
        "extra": {"return_url": known.return_url, "credential": known.credential},
        "metadata": known.metadata,
    }
