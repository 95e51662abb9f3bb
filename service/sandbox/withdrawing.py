"""How balances are withdrawn by persons and enterprises (L752-1092).

The amount and the user's fee are set aside when a withdrawal is asked for, and come back when it is
canceled, fails, or when a person does not use its page in time.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.sandbox.depositing import yuan
from service.sandbox.records import SettleAccount, User, Withdrawal
from service.sandbox.refusal import Refusal, amount, inner, text
from service.sandbox.truth import Truth
from service.sandbox.wallets import check, credit, opened

# L841
PAGE_SECONDS = 900.0
_PAGE = "https://member.yepay.com/yepay-std-wallet/wallet.html#/wallet?amount={}&redirectUrl=http&token={}"
# facts §7 row 3
_CHANNELS = ("yeepay", "yepay")


def create_withdrawal(
    truth: Truth, app: str, fields: Mapping[str, Any], now: datetime
) -> Withdrawal:
    """Ask for a withdrawal; it waits to be confirmed. An enterprise names its bank account."""
    number = text(fields, "order_no")
    wanted = amount(fields)
    user = opened(truth.user(app, text(fields, "user")))
    account = _target(truth, user, fields)
    check(user, wanted + truth.pace.user_fee)
    known = truth.add(
        Withdrawal(
            id=truth.ids.draw("withdrawal", now),
            app=app,
            user=user.id,
            amount=wanted,
            order_no=truth.reserve("withdrawal", number),
            created=int(now.timestamp()),
            extra=dict(inner(fields, "extra")),
            settle_account=account,
            fee=truth.pace.fee,
            user_fee=truth.pace.user_fee,
            livemode=truth.livemode,
        )
    )
    credit(truth, user, -_cost(known))
    return known


def _target(truth: Truth, user: User, fields: Mapping[str, Any]) -> str | None:
    """The account that is paid to (L911); a person chooses it on the page instead (L767)."""
    channel = fields.get("channel")
    if channel not in _CHANNELS and (channel is not None or user.type == "customer"):
        raise Refusal(400, "仅支持 yeepay", param="channel")
    if user.type == "customer":
        text(inner(fields, "extra"), "return_url")
        if fields.get("settle_account") is not None:
            raise Refusal(400, "个人用户提现不支持 settle_account", param="settle_account")
        return None
    known = truth.records.get(text(fields, "settle_account"))
    if not isinstance(known, SettleAccount) or known.user not in ("", user.id):
        raise Refusal(404, "未找到该用户的 settle_account", param="settle_account")
    return known.id


def _cost(known: Withdrawal) -> int:
    return known.amount + known.user_fee


def decide_withdrawal(truth: Truth, known: Withdrawal, wanted: object, now: datetime) -> None:
    """Confirm or cancel: "pending" is answered as "processing" (facts §7 row 1)."""
    if wanted not in ("pending", "canceled"):
        raise Refusal(400, "status 只能是 pending 或 canceled", param="status")
    if known.status != "created":
        raise Refusal(400, f"提现状态为 {known.status}，不能修改", param="status")
    if wanted == "canceled":
        truth.change(known, status="canceled", time_canceled=int(now.timestamp()))
        _give_back(truth, known)
        return
    truth.change(known, status="processing")
    if known.settle_account is None:
        _open_page(truth, known, now)
    truth.plan(known, now)


def _open_page(truth: Truth, known: Withdrawal, now: datetime) -> None:
    """A person confirms on a page of fifteen minutes (L841)."""
    until = now + truth.pace.seconds(PAGE_SECONDS)
    known.operation_url = _PAGE.format(yuan(known.amount), truth.ids.token())
    known.expires = int(until.timestamp())
    truth.links.open(known.operation_url, "withdrawal", known.id, until)
    truth.plan_at(known, until)


def end_withdrawal(truth: Truth, known: Withdrawal, now: datetime, *, succeeded: bool) -> None:
    """The bank has paid or refused, or the page was over before it was used."""
    late = known.expires is not None and int(now.timestamp()) >= known.expires
    if succeeded and not late:
        truth.change(known, status="succeeded", time_succeeded=int(now.timestamp()))
        truth.tell("balance.withdrawal.succeeded", known, now)
        return
    why = "WIT0015|操作链接已过期" if late else "TX0032|收款账户异常"
    truth.change(known, status="failed", failure_msg=f"来自渠道的信息：{why}")
    _give_back(truth, known)
    truth.tell("balance.withdrawal.failed", known, now)


def _give_back(truth: Truth, known: Withdrawal) -> None:
    credit(truth, truth.user(known.app, known.user), _cost(known))


def return_withdrawal(truth: Truth, known: Withdrawal) -> None:
    """Go back to created, as Ping++ does when the merchant's balance is short (facts §6)."""
    if known.status == "processing":
        truth.change(known, status="created", operation_url=None, expires=None)
