"""What the operations on users, sub-merchants, applications, accounts and wallets do and answer."""

from collections.abc import Mapping
from typing import TypeVar

from service.sandbox import answers, lists, member_answers
from service.sandbox.applying import apply_person, apply_sub_merchant
from service.sandbox.asked import Asked, Handler
from service.sandbox.binding import bind_account, open_card_page, unbind_account
from service.sandbox.box import Box
from service.sandbox.depositing import create_deposit
from service.sandbox.looking_up import card_bin, upload_picture
from service.sandbox.members import (
    create_sub_app,
    create_user,
    sub_app_of,
    update_sub_app,
    update_user,
)
from service.sandbox.records import (
    Application,
    Deposit,
    PersonApplication,
    SettleAccount,
    SubApp,
    User,
    Withdrawal,
)
from service.sandbox.refusal import missing
from service.sandbox.wire import Shown
from service.sandbox.withdrawing import create_withdrawal, decide_withdrawal

R = TypeVar("R", PersonApplication, Application, Deposit, Withdrawal)


def _upload_picture(box: Box, asked: Asked) -> Shown:
    return upload_picture(box.truth, asked.path["app_id"], asked.fields, asked.now)


def _card_bin(_box: Box, asked: Asked) -> Shown:
    return card_bin(asked.fields)


def _create_user(box: Box, asked: Asked) -> Shown:
    return answers.show(create_user(box.truth, asked.path["app_id"], asked.fields, asked.now))


def _user(box: Box, asked: Asked) -> User:
    return box.truth.user(asked.path["app_id"], asked.path["user_id"], "id")


def _get_user(box: Box, asked: Asked) -> Shown:
    return answers.show(_user(box, asked))


def _update_user(box: Box, asked: Asked) -> Shown:
    return answers.show(update_user(box.truth, _user(box, asked), asked.fields))


def _list_users(box: Box, asked: Asked) -> Shown:
    app = asked.path["app_id"]
    known = (answers.show(user) for user in box.truth.all(User) if user.app == app)
    return lists.page_b(f"/v1/apps/{app}/users", lists.within(known, asked.query), asked.query)


def _apply_person(box: Box, asked: Asked) -> Shown:
    return answers.show(apply_person(box.truth, asked.path["app_id"], asked.fields, asked.now))


def _of_app(box: Box, asked: Asked, wanted: type[R], name: str) -> R:
    known = box.truth.get(wanted, asked.path[name])
    if known.app != asked.path["app_id"]:
        raise missing(name.removesuffix("_id"), known.id)
    return known


def _get_person_application(box: Box, asked: Asked) -> Shown:
    return answers.show(_of_app(box, asked, PersonApplication, "cus_id"))


def _open_card_page(box: Box, asked: Asked) -> Shown:
    return open_card_page(box.truth, _user(box, asked), asked.fields, asked.now)


def _bind_user_account(box: Box, asked: Asked) -> Shown:
    user = _user(box, asked)
    return answers.show(bind_account(box.truth, user.app, user, asked.fields, asked.now))


def _list_user_accounts(box: Box, asked: Asked) -> Shown:
    user = _user(box, asked)
    known = map(member_answers.settle_account, user.settle_accounts)
    url = f"/v1/apps/{user.app}/users/{user.id}/settle_accounts"
    return lists.page_b(url, lists.within(known, asked.query), asked.query)


def _user_account(box: Box, asked: Asked) -> SettleAccount:
    known = box.truth.get(SettleAccount, asked.path["settle_account_id"])
    if known not in _user(box, asked).settle_accounts:
        raise missing("settle_account", known.id)
    return known


def _get_user_account(box: Box, asked: Asked) -> Shown:
    return answers.show(_user_account(box, asked))


def _delete_user_account(box: Box, asked: Asked) -> Shown:
    known = _user_account(box, asked)
    unbind_account(box.truth, _user(box, asked), known)
    return {"id": known.id, "deleted": True}


def _create_sub_app(box: Box, asked: Asked) -> Shown:
    return answers.show(create_sub_app(box.truth, asked.path["app_id"], asked.fields, asked.now))


def _sub_app(box: Box, asked: Asked) -> SubApp:
    return sub_app_of(box.truth, asked.path["app_id"], asked.path["sub_app_id"])


def _get_sub_app(box: Box, asked: Asked) -> Shown:
    return answers.show(_sub_app(box, asked))


def _update_sub_app(box: Box, asked: Asked) -> Shown:
    return answers.show(update_sub_app(box.truth, _sub_app(box, asked), asked.fields))


def _list_sub_apps(box: Box, asked: Asked) -> Shown:
    app = asked.path["app_id"]
    known = (answers.show(each) for each in box.truth.all(SubApp) if each.parent_app == app)
    return lists.page_b(f"/v1/apps/{app}/sub_apps", lists.within(known, asked.query), asked.query)


def _apply_enterprise(box: Box, asked: Asked) -> Shown:
    return _apply(box, asked, "mch_application")


def _apply_small(box: Box, asked: Asked) -> Shown:
    return _apply(box, asked, "micro_application")


def _apply(box: Box, asked: Asked, kind: str) -> Shown:
    known = apply_sub_merchant(box.truth, kind, asked.path["app_id"], asked.fields, asked.now)
    return answers.show(known)


def _get_enterprise_application(box: Box, asked: Asked) -> Shown:
    return _application(box, asked, "mch_application")


def _get_small_application(box: Box, asked: Asked) -> Shown:
    return _application(box, asked, "micro_application")


def _application(box: Box, asked: Asked, kind: str) -> Shown:
    known = _of_app(box, asked, Application, "mch_id")
    if known.object != kind:
        raise missing(kind, known.id)
    return answers.show(known)


def _bind_account(box: Box, asked: Asked) -> Shown:
    """The app of the path is a sub-merchant's, or else the merchant's own (facts §7 row 40)."""
    app = asked.path["app_id"]
    known = box.truth.records.get(app)
    user = known.user if isinstance(known, SubApp) else None
    return answers.show(bind_account(box.truth, app, user, asked.fields, asked.now))


def _create_deposit(box: Box, asked: Asked) -> Shown:
    return answers.show(create_deposit(box.truth, asked.path["app_id"], asked.fields, asked.now))


def _get_deposit(box: Box, asked: Asked) -> Shown:
    known = _of_app(box, asked, Deposit, "deposit_id")
    if not box.manners.shows_deposits:
        raise missing("deposit", known.id)
    return answers.show(known)


def _create_withdrawal(box: Box, asked: Asked) -> Shown:
    known = create_withdrawal(box.truth, asked.path["app_id"], asked.fields, asked.now)
    return answers.withdrawal(known)


def _withdrawal(box: Box, asked: Asked) -> Withdrawal:
    return _of_app(box, asked, Withdrawal, "withdrawal_id")


def _decide_withdrawal(box: Box, asked: Asked) -> Shown:
    known = _withdrawal(box, asked)
    decide_withdrawal(box.truth, known, asked.fields.get("status"), asked.now)
    return answers.withdrawal(known)


def _get_withdrawal(box: Box, asked: Asked) -> Shown:
    return answers.withdrawal(_withdrawal(box, asked))


def _list_withdrawals(box: Box, asked: Asked) -> Shown:
    app = asked.path["app_id"]
    known = [w for w in box.truth.all(Withdrawal) if w.app == app]
    items = lists.within(map(answers.withdrawal, known), asked.query)
    url = f"/v1/apps/{app}/withdrawals"
    total = sum(w.amount for w in known)
    return lists.page_b(url, items, asked.query, total_withdrawals_amount=total)


MEMBERS: Mapping[str, Handler] = {
    "upload_pic": _upload_picture,
    "card_bin": _card_bin,
    "user.create": _create_user,
    "user.list": _list_users,
    "user.retrieve": _get_user,
    "user.update": _update_user,
    "cus_application.create": _apply_person,
    "cus_application.retrieve": _get_person_application,
    "user.settle_accounts": _open_card_page,
    "user_account.create": _bind_user_account,
    "user_account.list": _list_user_accounts,
    "user_account.retrieve": _get_user_account,
    "user_account.delete": _delete_user_account,
    "sub_app.create": _create_sub_app,
    "sub_app.list": _list_sub_apps,
    "sub_app.retrieve": _get_sub_app,
    "sub_app.update": _update_sub_app,
    "mch_application.create": _apply_enterprise,
    "mch_application.retrieve": _get_enterprise_application,
    "micro_application.create": _apply_small,
    "micro_application.retrieve": _get_small_application,
    "settle_account.create": _bind_account,
    "deposit.create": _create_deposit,
    "deposit.retrieve": _get_deposit,
    "withdrawal.create_personal": _create_withdrawal,
    "withdrawal.create_enterprise": _create_withdrawal,
    "withdrawal.list": _list_withdrawals,
    "withdrawal.retrieve": _get_withdrawal,
    "withdrawal.confirm": _decide_withdrawal,
    "withdrawal.cancel": _decide_withdrawal,
}
