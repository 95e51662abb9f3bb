"""How balances are withdrawn by persons and enterprises (L752-1092)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.sandbox.records import Withdrawal
from service.sandbox.refusal import Refusal, amount, text
from service.sandbox.truth import Truth

_PAGE = (
    "https://member.yepay.com/yepay-std-wallet/wallet.html#/wallet?amount={amount}&redirectUrl=http"
)


def create_withdrawal(
    truth: Truth, app: str, fields: Mapping[str, Any], now: datetime
) -> Withdrawal:
    """Ask for a withdrawal; it waits to be confirmed. An enterprise names its bank."""
    number = text(fields, "order_no")
    settle_account = fields.get("settle_account")
    return truth.add(
        Withdrawal(
            id=truth.ids.draw("withdrawal", now),
            app=app,
            user=text(fields, "user"),
            amount=amount(fields),
            order_no=truth.reserve("withdrawal", number),
            created=int(now.timestamp()),
            extra=fields.get("extra") or {},
            settle_account=settle_account if isinstance(settle_account, str) else None,
            livemode=truth.livemode,
        )
    )


def decide_withdrawal(truth: Truth, known: Withdrawal, wanted: object, now: datetime) -> None:
    """Confirm or cancel: "pending" is answered as "processing" (facts §7 row 1)."""
    if wanted not in ("pending", "canceled"):
        raise Refusal(400, "status 只能是 pending 或 canceled", param="status")
    if known.status != "created":
        raise Refusal(400, f"提现状态为 {known.status}，不能修改", param="status")
    if wanted == "canceled":
        truth.change(known, status="canceled", time_canceled=int(now.timestamp()))
        return
    page = None
    if known.settle_account is None:
        page = _PAGE.format(amount=f"{known.amount // 100}.{known.amount % 100:02d}")
    truth.change(known, status="processing", operation_url=page)
    truth.plan(known, now)


def end_withdrawal(truth: Truth, known: Withdrawal, now: datetime, *, succeeded: bool) -> None:
    """The bank has paid or refused."""
    if succeeded:
        truth.change(known, status="succeeded", time_succeeded=int(now.timestamp()))
        truth.tell("balance.withdrawal.succeeded", known, now)
        return
    truth.change(known, status="failed", failure_msg="来自渠道的信息：TX0032|收款账户异常")
    truth.tell("balance.withdrawal.failed", known, now)


def return_withdrawal(truth: Truth, known: Withdrawal) -> None:
    """Go back to created, as Ping++ does when the merchant's balance is short (facts §6)."""
    if known.status == "processing":
        truth.change(known, status="created", operation_url=None)
