"""How bank accounts are bound: a sub-merchant's here, a person's on a page (L279-678)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from service.pingpp.endpoints.people import CARD_PAGE_SECONDS
from service.sandbox.records import SettleAccount, User
from service.sandbox.refusal import Refusal, inner, one_of, text
from service.sandbox.truth import Truth
from service.sandbox.wallets import opened
from service.sandbox.wire import Shown

_CARD_PAGE = (
    "https://member.yeepay.com/yeepay-std-wallet/operateCard.html#/bankCardList?redirectUrl="
)
_ACCOUNT = re.compile(r"[0-9]{6,34}")
_SHOWN_FIRST, _SHOWN_LAST = 6, 4
_BANK = ("open_bank", "open_bank_code")


def open_card_page(truth: Truth, user: User, fields: Mapping[str, Any], now: datetime) -> Shown:
    """The address of the page where a person binds cards, for five minutes (L281-316)."""
    return_url = text(fields, "return_url")
    opened(user)
    if user.type != "customer":
        raise Refusal(400, "仅支持已开户的个人用户", param="user_id")
    url = f"{_CARD_PAGE}{quote(return_url, safe='')}&token={truth.ids.token()}"
    truth.links.open(url, "card", user.id, now + truth.pace.seconds(CARD_PAGE_SECONDS))
    return {"app": user.app, "user": user.id, "card_url": url}


def bind_account(
    truth: Truth, app: str, user: User | None, fields: Mapping[str, Any], now: datetime
) -> SettleAccount:
    """Bind a bank account to a sub-merchant's user, or to the merchant itself (L619-678)."""
    if text(fields, "channel") != "bank_account":
        raise Refusal(400, "仅支持 bank_account", param="channel")
    recipient = inner(fields, "recipient")
    account = _account(recipient)
    kind = one_of(recipient, "type", ("b2b", "b2c"))
    bank = {name: text(recipient, name) for name in _BANK if recipient.get(name) is not None}
    if user is not None:
        opened(user)
    known = truth.add(
        SettleAccount(
            id=truth.ids.draw("settle_account", now),
            app=app,
            user="" if user is None else user.id,
            channel="bank_account",
            account=_masked(account),
            type=kind,
            bank=bank,
            card_id="51" + truth.ids.digits(16),
            created=int(now.timestamp()),
            livemode=truth.livemode,
        )
    )
    if user is not None:
        truth.change(user, settle_accounts=[*user.settle_accounts, known])
    return known


def _account(recipient: Mapping[str, Any]) -> str:
    account = recipient.get("account")
    if not isinstance(account, str) or not _ACCOUNT.fullmatch(account):
        raise Refusal(400, "卡号须为 6~34 位数字", param="recipient[account]")
    return account


def _masked(account: str) -> str:
    """As in L669: the first six and the last four digits, or less of a short one."""
    if len(account) <= _SHOWN_FIRST + _SHOWN_LAST:
        return account[:2] + "**" + account[-2:]
    return account[:_SHOWN_FIRST] + "**" + account[-_SHOWN_LAST:]


def unbind_account(truth: Truth, user: User, known: SettleAccount) -> None:
    """Take the account away from its user; withdrawals that name it go on."""
    left = [each for each in user.settle_accounts if each.id != known.id]
    truth.change(user, settle_accounts=left)
    del truth.records[known.id]
