"""How a person puts money into the wallet: a page of fifteen minutes, or nothing (L680-751)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from service.sandbox.records import Deposit
from service.sandbox.refusal import Refusal, amount, inner, metadata, text
from service.sandbox.truth import Truth
from service.sandbox.wallets import credit, opened

PAGE_SECONDS = 900.0
_PAGE = "https://member.yeepay.com/yeepay-std-wallet/wallet.html#/wallet?amount={}&redirectUrl={}&token={}"


def create_deposit(truth: Truth, app: str, fields: Mapping[str, Any], now: datetime) -> Deposit:
    """Open a deposit; money comes when its page is used in time."""
    number = text(fields, "order_no")
    wanted = amount(fields)
    return_url = text(inner(fields, "extra"), "return_url")
    pairs = metadata(fields)
    user = opened(truth.user(app, text(fields, "user")))
    if user.type != "customer":
        raise Refusal(400, "仅支持已开户的个人用户", param="user")
    until = now + truth.pace.seconds(PAGE_SECONDS)
    known = truth.add(
        Deposit(
            id=truth.ids.draw("deposit", now),
            app=app,
            user=user.id,
            amount=wanted,
            order_no=truth.reserve("deposit", number),
            return_url=return_url,
            credential=_PAGE.format(yuan(wanted), quote(return_url, safe=""), truth.ids.token()),
            metadata=pairs,
            created=int(now.timestamp()),
            expires=int(until.timestamp()),
            livemode=truth.livemode,
        )
    )
    truth.links.open(known.credential, "deposit", known.id, until)
    truth.plan(known, now)
    truth.plan_at(known, until)
    return known


def pay_deposit(truth: Truth, known: Deposit, now: datetime, *, paid: bool) -> None:
    """The person uses the page, or walks away from it; a page that is over cannot be used.

    A deposit that is never paid stays "created": Ping++ documents no other state (facts §6).
    """
    if known.status != "created" or known.dead:
        return
    if not paid or int(now.timestamp()) >= known.expires:
        known.dead = True
        return
    truth.change(known, status="succeeded", time_succeeded=int(now.timestamp()))
    credit(truth, truth.user(known.app, known.user), known.amount)


def yuan(fen: int) -> str:
    """An amount as the channel's pages spell it (L747, L884)."""
    return f"{fen // 100}.{fen % 100:02d}"
