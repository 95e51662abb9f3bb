"""What had a shop done in the days before? A small true history, told as Ping++ tells it.

Signed notifications, answers to our own questions, hours that the radar measured, a sink that would
not take something: all of it goes through the same doors as on a real day, at its own time.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from service.cli.demo.sale import SHOP_APP, USERS, Fields, Sale
from service.core.filter import Filter
from service.core.messages import Message
from service.core.observation import Key
from service.ledger import radar, slots
from service.ledger.engine import Ledger
from service.ledger.intake import Arrival, Intake, seal
from service.ledger.radar import Hour
from service.outbound.sink import Answer, Dead, Each, Sent
from service.pingpp.reader import read_answer
from service.pingpp.signature import sign_body
from service.work.accept import name
from service.work.apply import apply
from service.work.drain import drain
from service.work.outlet import Outlet
from service.work.publish import publish
from service.work.reconcile import suspects
from service.work.terms import Terms

SINK = "erp"
_ZONE = timezone(timedelta(hours=8))
_CHANNELS = ("yeepay_wx_pub_qr", "yeepay_wx_lite", "yeepay_alipay_qr", "yeepay_upacp_qr")
_GOODS = ("龙井茶", "手工皂", "棉麻衬衫", "瓷杯", "旅行箱")
_PRICES = (9_900, 19_900, 49_000, 128_000, 256_000, 699_000)
# what share of a day's orders falls into each hour: little at night, most in the evening
_HOURS = (1, 1, 1, 1, 1, 2, 3, 5, 7, 9, 10, 11, 9, 8, 8, 9, 9, 10, 12, 13, 12, 9, 5, 3)
_RADAR_HOURS = 26


@dataclass(slots=True)
class Past:
    """One shop's days. key: what Ping++ signs with; per_day: orders of an ordinary day.

    hours: so long may it be until a notification is read.
    """

    ledger: Ledger
    account: str
    key: RSAPrivateKey
    fingerprint: str
    now: datetime
    days: int = 8
    per_day: int = 40
    seed: int = 7
    hours: int = 1
    _chance: Random = field(init=False)
    _count: int = 0

    def __post_init__(self) -> None:
        self._chance = Random(self.seed)  # noqa: S311  a story, not a secret

    def tell(self, terms: Terms) -> None:
        """Let all of it happen, day by day."""
        told = replace(terms, sinks={SINK: Filter()})
        here = self.now.astimezone(_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        first = here.astimezone(UTC) - timedelta(days=self.days)
        for day in range(self.days + 1):
            begin = first + timedelta(days=day)
            # what a business day brings is known before it ends
            end = min(begin + timedelta(days=1, seconds=-1), self.now)
            arrivals, answers = list[Arrival](), list[tuple[datetime, Key, Fields]]()
            for at in self._moments(begin, end):
                self._order(at, arrivals, answers)
            if day == self.days:
                arrivals += self._odd_ones(end)
            self._take_in(arrivals, answers, told, end)
        suspects(self.ledger, terms=told, now=self.now)
        self._send(told)
        self._measure()

    def _moments(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        """When orders are made, most of them in the evening, none in the last minutes."""
        most = max(_HOURS)
        for _ in range(self.per_day * 2):
            at = begin + timedelta(seconds=self._chance.uniform(0, 86_400))
            local = (at + timedelta(hours=8)).hour
            if self._chance.random() * most < _HOURS[local] and at < end - timedelta(minutes=3):
                yield at

    def _order(
        self,
        at: datetime,
        arrivals: list[Arrival],
        answers: list[tuple[datetime, Key, Fields]],
    ) -> None:
        """One purchase and what follows from it."""
        self._count += 1
        number, chance = self._count, self._chance
        amount = chance.choice(_PRICES) + chance.randrange(900)
        made = Sale(number, at, amount, chance.choice(_CHANNELS), chance.choice(_GOODS))
        if number % 108 in (5, 23):
            made.wrong = 100  # the order says another sum than its charge
        arrivals.append(self._event("order.succeeded", made.wire(), at + timedelta(seconds=4)))
        if chance.random() < 0.12:
            self._refund(made, at, arrivals)
        elif chance.random() < 0.3:
            answers.append(made.share(at + timedelta(seconds=40), self.account, chance))
            if number % 37:
                answers.append(made.complete(at + timedelta(seconds=55), self.account))
        if number % 9 == 0:
            arrivals.append(self._withdrawal(number, at))
        if number % 62 == 31:
            answers.append(made.stuck(at + timedelta(seconds=50), self.account))

    def _refund(self, made: "Sale", at: datetime, arrivals: list[Arrival]) -> None:
        part = made.amount if self._chance.random() < 0.5 else made.amount // 3
        made.refunded = part
        later = at + timedelta(minutes=2)
        arrivals.append(self._event("order.refunded", made.wire(), later))
        if made.number % 21:
            arrivals.append(self._event("order_refund.succeeded", made.refund(later, part), later))

    def _withdrawal(self, number: int, at: datetime) -> Arrival:
        stamp, amount = int(at.timestamp()), 20_000 + 100 * (number % 50)
        failed = number % 4 == 0
        fields: Fields = {
            "id": f"17126{number:014d}",
            "object": "withdrawal",
            "app": SHOP_APP,
            "amount": amount,
            "channel": "yeepay",
            "created": stamp,
            "extra": {},
            "failure_msg": "银行卡状态异常" if failed else None,
            "fee": 0 if failed else 100,
            "livemode": True,
            "order_no": f"TX{number:08d}",
            "status": "failed" if failed else "succeeded",
            "time_succeeded": None if failed else stamp + 60,
            "user": USERS[number % len(USERS)],
            "user_fee": 0,
        }
        word = "failed" if failed else "succeeded"
        return self._event(f"balance.withdrawal.{word}", fields, at + timedelta(seconds=70))

    def _event(self, kind: str, fields: Fields, at: datetime) -> Arrival:
        digest = self._chance.getrandbits(64)
        body = _bytes(
            {
                "id": f"evt_{int(at.timestamp())}{digest:020d}",
                "created": int(at.timestamp()),
                "livemode": True,
                "type": kind,
                "data": {"object": fields},
                "object": "event",
                "request": None,
                "pending_webhooks": 1,
            }
        )
        return self._arrival(body, at)

    def _arrival(self, body: bytes, at: datetime) -> Arrival:
        return name(self.account, body, sign_body(self.key, body), self.fingerprint, at)

    def _odd_ones(self, at: datetime) -> list[Arrival]:
        """What nobody can read, though the signature is good."""
        cut = _bytes({"id": "evt_cut", "type": "order.succeeded", "data": {"object": {"id": 1}}})
        lacking = {"object": "order", "id": "2001", "status": "paid"}
        odd = {"id": "evt_odd", "type": "order.succeeded", "data": {"object": lacking}}
        unknown = {"object": "coupon", "id": "cp_1"}
        return [
            self._arrival(cut[:-9], at - timedelta(minutes=9)),
            self._arrival(_bytes(odd), at - timedelta(minutes=6)),
            self._event("coupon.shown", unknown, at - timedelta(minutes=4)),
        ]

    def _take_in(
        self,
        arrivals: Sequence[Arrival],
        answers: Sequence[tuple[datetime, Key, Fields]],
        terms: Terms,
        end: datetime,
    ) -> None:
        for begin in sorted({self._block(one.received_at) for one in arrivals}):
            some = sorted(
                (one for one in arrivals if self._block(one.received_at) == begin),
                key=lambda one: one.received_at,
            )
            intake = Intake(self.ledger)
            intake.insert([seal(self.ledger.vault, one) for one in some])
            intake.close()
            # a story says when it was known
            known = min(some[-1].received_at + timedelta(seconds=1), end)
            drain(self.ledger, terms=terms, clock=partial(_then, known))
        for at, key, fields in answers:
            seen = read_answer(_bytes(fields), key=key, seen_at=at)
            apply(self.ledger, seen.observations, terms=terms, now=end)

    def _block(self, at: datetime) -> datetime:
        hour = at.hour // self.hours * self.hours
        return at.replace(hour=hour, minute=0, second=0, microsecond=0)

    def _send(self, terms: Terms) -> None:
        """A system of the merchant takes nearly everything."""
        outlet = Outlet(_Picky())
        publish(self.ledger, outlet, chance=lambda: 0.5, clock=lambda: self.now, scale=terms.scale)

    def _measure(self) -> None:
        """How the hours were delivered, and which jobs ran."""
        hour = self.now.replace(minute=0, second=0, microsecond=0)
        with self.ledger.begin() as connection:
            for ago in range(2, _RADAR_HOURS):
                at = hour - timedelta(hours=ago)
                for kind, share in (("order", 9), ("order_refund", 2), ("withdrawal", 1)):
                    listed = share * _HOURS[(at + timedelta(hours=8)).hour] // 3 + 1
                    asked = 1 if (ago * share) % 11 == 0 else 0
                    one = Hour(
                        listed, listed - asked, asked, 0, 1 if ago == 9 and share == 9 else 0
                    )
                    radar.record(connection, self.account, kind, at, one, now=self.now)
                self._fire(connection, "reconcile", at, failed=ago == 7)
                self._fire(connection, "backfill", at, failed=False)

    def _fire(self, connection: Any, job: str, at: datetime, *, failed: bool) -> None:
        lease = timedelta(minutes=30)
        ours = slots.claim_slot(connection, job, at, holder="worker-1", lease=lease, now=at)
        if ours:
            ended = at + timedelta(seconds=self._chance.uniform(0.2, 6.0))
            slots.finish_slot(
                connection,
                job,
                at,
                holder="worker-1",
                outcome="failed" if failed else "done",
                now=ended,
            )


class _Picky:
    """A system of the merchant that refuses what it has no table for."""

    name = SINK
    workers = 1
    at_once = 50
    one_by_one = True

    def send(self, messages: Sequence[Message], *, now: datetime) -> Each:  # noqa: ARG002
        """Failed withdrawals are unknown there."""
        return Each([_judged(one) for one in messages])

    def close(self) -> None:
        """Nothing is open."""


def _judged(message: Message) -> Answer:
    return Dead("http_422") if ".withdrawal.failed" in message.type else Sent()


def _then(at: datetime) -> datetime:
    return at


def _bytes(fields: Fields) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
