"""What is true at the fake provider: every object, what happens next, and what just happened."""

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any, NamedTuple, TypeVar

from service.sandbox import answers
from service.sandbox.ids import Ids
from service.sandbox.links import Links
from service.sandbox.records import Record, User, key_of, user_key
from service.sandbox.refusal import Refusal, missing

R = TypeVar("R", bound=Record)


class News(NamedTuple):
    """Something that Ping++ documents an event for: its type and the object as it is now."""

    type: str
    object: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Pace:
    """How things go by themselves: a step takes from `shortest` to `longest` seconds over `scale`.

    declined: the share of refunds, withdrawals and allocations that fail. late_paid_status: what an
    order becomes when its charge is paid after it was canceled; Ping++ documents both (facts §6).
    fee, user_fee: what a withdrawal costs the merchant, and its user on top of the amount, in fen.
    """

    shortest: float = 2.0
    longest: float = 40.0
    scale: float = 1.0
    declined: float = 0.05
    automatic: bool = True
    late_paid_status: str = "canceled"
    fee: int = 0
    user_fee: int = 0

    def seconds(self, real: float) -> timedelta:
        """A span of Ping++'s time as it passes here."""
        return timedelta(seconds=real / self.scale)


class Truth:
    """Every object by id, in the order of creation. Not thread-safe: one event loop owns it."""

    def __init__(self, chance: Random, pace: Pace, *, livemode: bool = True) -> None:
        self.chance = chance
        self.pace = pace
        self.livemode = livemode
        self.ids = Ids(chance)
        # whose merchant all of this is (L372)
        self.account = "acct_" + self.ids.word()
        self.records: dict[str, Record] = {}
        # how each object was shown before its last change: what a stale answer gives
        self.earlier: dict[str, dict[str, Any]] = {}
        self.links = Links()
        self.news: deque[News] = deque()
        self._numbers: set[tuple[str, str]] = set()
        self._agenda: list[tuple[datetime, int, str]] = []
        self._entries = count()

    def add(self, record: R) -> R:
        """Remember a new object."""
        self.records[key_of(record)] = record
        return record

    def reserve(self, kind: str, number: str, *, repeated: bool = False) -> str:
        """Take a merchant's number for this kind; used before is refused unless `repeated`."""
        if (kind, number) in self._numbers and not repeated:
            raise Refusal(400, "商户订单号已被使用", code="charge_order_no_used", param="order_no")
        self._numbers.add((kind, number))
        return number

    def get(self, wanted: type[R], object_id: object) -> R:
        """The object of that class and id, else a 404."""
        record = self.records.get(object_id) if isinstance(object_id, str) else None
        if not isinstance(record, wanted):
            raise missing(wanted.__name__.lower(), str(object_id))
        return record

    def user(self, app: str, user_id: object, param: str = "user") -> User:
        """The user of that app, else a refusal that names the parameter."""
        key = user_key(app, user_id) if isinstance(user_id, str) else ""
        record = self.records.get(key)
        if not isinstance(record, User):
            raise Refusal(404, f"未找到 user : {user_id}", param=param)
        return record

    def all(self, wanted: type[R]) -> Iterator[R]:
        """Every object of one class, oldest first."""
        return (record for record in self.records.values() if isinstance(record, wanted))

    def change(self, record: Record, **values: Any) -> None:
        """Change an object, and remember how it was shown before."""
        self.earlier[key_of(record)] = answers.show(record)
        for name, value in values.items():
            setattr(record, name, value)

    def tell(self, type: str, record: Record, now: datetime) -> None:
        """Something happened that has an event."""
        self.news.append(News(type, answers.show(record), now))

    def plan(self, record: Record, now: datetime) -> None:
        """Let the object go on by itself, after a drawn while."""
        if self.pace.automatic:
            wait = self.chance.uniform(self.pace.shortest, self.pace.longest)
            self.plan_at(record, now + self.pace.seconds(wait))

    def plan_at(self, record: Record, due: datetime) -> None:
        """Let the object go on by itself at `due`."""
        heapq.heappush(self._agenda, (due, next(self._entries), key_of(record)))

    def due(self, now: datetime) -> Iterator[tuple[datetime, Record]]:
        """Take what should go on by now, earliest first, each with its own time."""
        while self._agenda and self._agenda[0][0] <= now:
            due, _, key = heapq.heappop(self._agenda)
            yield due, self.records[key]

    def declines(self) -> bool:
        """Whether the bank says no this time."""
        return self.chance.random() < self.pace.declined
