"""What a merchant does all day: sells, refunds, shares and withdraws, each as a small story.

A story is a generator: it does something over the API and yields how many seconds it waits.
"""

import heapq
from collections.abc import Callable, Generator
from itertools import count
from random import Random
from typing import Any

import httpx2

from service.cli.demo.accounts import deposit, open_partner, open_savings, open_wallet
from service.cli.demo.desk import APP, ASKS_LIMIT, WAIT_SECONDS, Desk, Refused, Story, Told
from service.cli.demo.looks import Looks
from service.core.kinds import KINDS
from service.core.observation import user_of

_CHANNELS = (
    "yeepay_wx_pub_qr",
    "yeepay_wx_lite",
    "yeepay_alipay_qr",
    "yeepay_alipay_scan",
    "yeepay_upacp_qr",
    "balance",
)
_GOODS = ("旺仔牛奶", "茉莉花茶", "手冲咖啡", "阳春面", "小笼包")
_RETURN = {"return_url": "https://merchant.example"}
_LOOKS_AT_ONCE = 3

# What must have been done once, whatever chance says.
_PERSONS = ("cus_1", "cus_2", "cus_3")
# The first of all users, so that a fen is planted to be missing here.
_SAVER = "cus_0"
_PARTNERS = {"biz_1": "mch_application", "biz_2": "micro_application"}


class Merchant:
    """Plays stories side by side; `tell` hears of objects that pingledger could not know of."""

    def __init__(self, client: httpx2.Client, chance: Random, tell: Callable[[Told], None]) -> None:
        self._desk = Desk(client, chance, tell)
        self._chance = chance
        self._looks = Looks(self._desk)
        self._waiting: list[tuple[float, int, Story]] = []
        self._entries = count()
        self.started = 0

    def open(self, now: float) -> None:
        """Open for business: people, partners, and each story that chance might leave out."""
        opening = [open_savings(self._desk, _SAVER)]
        opening += [open_wallet(self._desk, person) for person in _PERSONS]
        opening += [open_partner(self._desk, user, kind) for user, kind in _PARTNERS.items()]
        opening += [self._canceled(), self._everything()]
        for story in opening:
            self._start(now, story)

    def begin(self, now: float) -> None:
        """Begin one more story; `now` is any clock that counts seconds."""
        drawn = self._chance.random()
        if drawn < 0.80:
            story = self._purchase()
        else:
            story = self._withdrawal() if drawn < 0.95 else self._top_up()
        self._start(now, story)

    def _start(self, now: float, story: Story) -> None:
        self.started += 1
        heapq.heappush(self._waiting, (now, next(self._entries), story))

    def act(self, now: float) -> None:
        """Go on with every story whose wait is over, and look at a few things."""
        while self._waiting and self._waiting[0][0] <= now:
            _, entry, story = heapq.heappop(self._waiting)
            try:
                wait = next(story)
            except (StopIteration, Refused):
                continue
            heapq.heappush(self._waiting, (now + wait, entry, story))

    def look(self) -> list[str]:
        """Use some reading operations that were not used yet; gives those that still were not."""
        self._looks.go_on(_LOOKS_AT_ONCE)
        return self._looks.left

    def meet(self, kind: str, object_id: str) -> None:
        """Get to know an object that came about elsewhere."""
        self._desk.known[kind] = object_id
        self._desk.tell(kind, object_id)

    @property
    def has_savings(self) -> bool:
        """Whether somebody's money lies still."""
        return bool(self._desk.savings)

    def users(self) -> list[Told]:
        """Everyone whose balance moves."""
        people = (_SAVER, *_PERSONS, *_PARTNERS)
        return [Told("user", user_of(APP, user)) for user in people if "user" in KINDS]

    def _purchase(self) -> Story:
        shared = bool(self._desk.partners) and self._chance.random() < 0.3
        amount = self._chance.randrange(100, 50_000)
        order = self._create_order(amount, shared=shared)
        yield self._chance.uniform(0.05, 0.5)
        if self._chance.random() < 0.08:
            return  # the customer walks away
        paid = yield from self._pay(order, amount, self._chance.choice(_CHANNELS))
        if paid and shared:
            yield from self._share(order, amount)
        elif paid and self._chance.random() < 0.35:
            yield from self._refund(order, paid, amount)

    def _create_order(self, amount: int, *, shared: bool, **more: Any) -> str:
        if self._desk.partners and not shared and self._chance.random() < 0.2:
            more["receipt_app"] = self._chance.choice(self._desk.partners).sub_app
        made = self._desk.do(
            "order.create",
            app=APP,
            merchant_order_no=self._desk.number("D"),
            amount=amount,
            currency="cny",
            client_ip="127.0.0.1",
            subject=self._chance.choice(_GOODS),
            body="演示商店",
            uid=self._chance.choice(self._desk.wallets or ["0"]),
            allocation=shared,
            **more,
        )
        return made["id"]

    def _pay(self, order: str, amount: int, channel: str) -> Generator[float, None, str]:
        """Pay and wait for the money; gives the charge, or "" when none comes."""
        if channel == "balance" and not self._desk.wallets:
            channel = _CHANNELS[0]
        asked = {"charge_amount": amount, "channel": channel, "extra": _RETURN}
        charge = self._desk.do("order.pay", order_id=order, **asked)["charge"]
        for _ in range(ASKS_LIMIT):
            yield WAIT_SECONDS
            if self._desk.ask("order.retrieve", order_id=order).get("amount_paid"):
                return str(charge)
        return ""

    def _refund(self, order: str, charge: str, amount: int) -> Story:
        """All of it, or a part and then another part."""
        parts = [amount] if self._chance.random() < 0.5 else [amount // 3, amount // 4]
        for part in parts:
            made = self._desk.do(
                "order_refund.create",
                order_id=order,
                order_no=self._desk.number("R"),
                amount=part,
                charge=charge,
                description="顾客退款",
            )
            self._desk.tell("order_refund", made["id"], order)
            yield from self._meet(order, charge, made["id"])

    def _meet(self, order: str, charge: str, refund: str) -> Story:
        """Get to know the channel's refund, which is made a little later."""
        yield self._chance.uniform(1.0, 2.0)
        asked = {"order_id": order, "order_refund_id": refund}
        through = self._desk.ask("order_refund.retrieve", **asked).get("refund")
        if through:
            self._desk.family = {
                "order": order,
                "charge": charge,
                "order_refund": refund,
                "refund": through,
            }

    def _share(self, order: str, amount: int, *, returned: bool = False) -> Story:
        """Give half to a partner, sometimes take some back, and complete."""
        user = self._chance.choice(self._desk.partners).user
        share = {"app": APP, "order": order}
        given = [{"user": user, "amount": amount // 2, "description": "分账"}]
        number = self._desk.number("F")
        made = self._desk.do("allocation.create", **share, order_no=number, recipients=given)
        self._desk.tell("allocation", made["id"], order)
        if returned or self._chance.random() < 0.4:
            yield from self._take_back(share, made["id"], user, amount // 4)
        yield WAIT_SECONDS
        number = self._desk.number("W")
        complete = self._desk.do(
            "allocation_complete.create", **share, order_no=number, description="完结分账"
        )
        self._desk.tell("allocation_complete", complete["id"], order)

    def _take_back(self, share: dict[str, str], allocation: str, user: str, amount: int) -> Story:
        ends = ("succeed", "failure")
        status = yield from self._desk.await_status(ends, "allocation.retrieve", id=allocation)
        if status != "succeed":
            return
        known = self._desk.do(
            "allocation_refund.create",
            **share,
            order_no=self._desk.number("T"),
            senders=[{"user": user, "amount": amount}],
            extra={"allocation": allocation},
        )
        self._desk.tell("allocation_refund", known["id"], share["order"])

    def _canceled(self) -> Story:
        """An order that the merchant cancels itself."""
        order = self._create_order(100, shared=False)
        yield WAIT_SECONDS
        self._desk.do("order.cancel", order_id=order)

    def _everything(self) -> Story:
        """One of each story, one after the other, until each came to its end."""
        while not (self._desk.wallets and self._desk.partners):
            yield WAIT_SECONDS
        while not self._desk.known.get("allocation_refund"):
            order = self._create_order(8_000, shared=True)
            if (yield from self._pay(order, 8_000, "yeepay_wx_pub_qr")):
                yield from self._share(order, 8_000, returned=True)
        while not self._desk.family:
            order = self._create_order(2_000, shared=False)
            charge = yield from self._pay(order, 2_000, "yeepay_wx_pub_qr")
            if charge:
                yield from self._refund(order, charge, 2_000)
        while not self._balance(self._desk.wallets[0]):
            deposit(self._desk, self._desk.wallets[0])
            yield 2 * WAIT_SECONDS
        for user, account in ((self._desk.wallets[0], ""), self._bank()):
            for word in ("confirm", "cancel"):
                yield from self._withdraw(user, account, word)

    def _bank(self) -> tuple[str, str]:
        rich = max(self._desk.partners, key=lambda partner: self._balance(partner.user))
        return rich.user, rich.account

    def _balance(self, user: str) -> int:
        shown = self._desk.ask("user.retrieve", app_id=APP, user_id=user)
        return shown.get("withdrawable_balance", 0)

    def _withdrawal(self) -> Story:
        if not self._desk.wallets:
            return
        user, account = self._chance.choice(self._desk.wallets), ""
        if self._desk.partners and self._chance.random() < 0.5:
            user, account = self._bank()
        word = "confirm" if self._chance.random() < 0.85 else "cancel"
        yield from self._withdraw(user, account, word)

    def _withdraw(self, user: str, account: str, word: str) -> Story:
        """Ask for a part of what there is, then confirm or cancel."""
        asked: dict[str, Any] = {
            "app_id": APP,
            "user": user,
            "amount": max(1, self._balance(user) // 4),
            "order_no": self._desk.number("TX"),
        }
        if account:
            made = self._desk.do("withdrawal.create_enterprise", settle_account=account, **asked)
        else:
            made = self._desk.do(
                "withdrawal.create_personal", channel="yeepay", extra=_RETURN, **asked
            )
        yield self._chance.uniform(0.1, 1.0)
        self._desk.do(f"withdrawal.{word}", app_id=APP, withdrawal_id=made["id"])

    def _top_up(self) -> Story:
        if self._desk.wallets:
            deposit(self._desk, self._chance.choice(self._desk.wallets))
        yield WAIT_SECONDS
