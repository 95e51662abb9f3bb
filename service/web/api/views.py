"""What do answers of the API look like? Ids are text, money is an integer of the minor unit."""

from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

Minor = Annotated[int, Meta(description="An integer of the minor unit (fen).")]
Number = Annotated[int, Meta(ge=1)]
Note = Annotated[str, Meta(max_length=2_000)]
Until = Annotated[datetime, Meta(tz=True)]


class View(msgspec.Struct, kw_only=True):
    """Part of an answer."""


class Object(View):
    """What is believed of one Ping++ object."""

    account: str
    kind: str
    id: str
    status: str
    final: bool
    conflict: bool
    amount: Minor | None
    amount_paid: Minor | None
    amount_refunded: Minor | None
    currency: str | None
    app: str | None
    order_no: str | None
    order_id: str | None
    channel: str | None
    transaction_no: str | None
    created_at: datetime | None
    updated_at: datetime


class Delivery(View):
    """One delivery without its bytes."""

    number: int
    account: str
    event: str
    type: str | None
    verdict: str
    state: str
    reason: str | None
    repeats: int
    bytes: int
    key: str
    received_at: datetime
    handled_at: datetime | None


class Mismatch(View):
    """A finding with its life; ours and theirs are the two sides that differ."""

    number: int
    rule: str
    state: str
    severity: str
    account: str
    kind: str
    id: str
    ours: str
    theirs: str
    currency: str | None
    found_at: datetime
    opened_at: datetime | None
    settled_at: datetime | None
    owner: str | None
    waived_until: datetime | None


class Act(View):
    """What was done about a mismatch."""

    at: datetime
    who: str
    act: str
    note: str
    owner: str | None
    until: datetime | None


class MismatchStory(View):
    """A mismatch and what was done about it, the oldest first."""

    mismatch: Mismatch
    history: list[Act]


class Posting(View):
    """One line of the journal: the amount goes from credit to debit."""

    number: int
    account: str
    kind: str
    id: str
    entry: int
    line: int
    debit: str
    credit: str
    amount: Minor
    currency: str
    app: str | None
    order_id: str | None
    happened_at: datetime
    known_at: datetime
    corrects: int | None


class Balance(View):
    """One account of the journal; balance = debit - credit."""

    account: str
    book: str
    currency: str
    debit: Minor
    credit: Minor
    balance: Minor


class Balances(View):
    """Some of them at one moment, and where the next ones follow."""

    data: list[Balance]
    next: str | None


class ClosingTotal(View):
    """What moved between two kinds of accounts."""

    day: date
    account: str
    app: str
    channel: str
    kind: str
    currency: str
    debit: str
    credit: str
    count: int
    amount: Minor
    fees: Minor


class Closing(View):
    """A closed business day: its hash, and the totals of the accounts that may be seen."""

    day: date
    hash: str
    previous: str
    closed_at: datetime
    by: str
    totals: list[ClosingTotal]
    adjustments: list[ClosingTotal]


class Closings(View):
    """Closed days, the newest first."""

    data: list[Closing]


class Report(View):
    """A report that can be made. days: whether it is of some days; none: it is of now."""

    name: str
    title_zh: str
    title_en: str
    about_zh: str
    about_en: str
    days: Literal["needed", "optional", "none"]
    sheets: list[str]
    formats: list[str]
    parameters: list[str]


class Reports(View):
    """All of them."""

    data: list[Report]


class Event(View):
    """Something that happened to an object; its figures depend on what it was."""

    at: datetime
    what: str
    figures: dict[str, Any]


class Story(View):
    """An object and all that happened to it, in order of time."""

    object: Object | None
    events: list[Event]


class Accepted(View):
    """It will be done: by the daemon, within seconds."""

    accepted: bool


class Problem(View):
    """What is wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | msgspec.UnsetType = msgspec.UNSET
    field: str | msgspec.UnsetType = msgspec.UNSET


T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], kw_only=True):
    """Some of a list; next: the cursor of what follows, null at the end."""

    data: list[T]
    next: str | None


class Remark(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A note, if there is something to say."""

    note: Note = ""


class Comment(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is to be remembered."""

    note: Annotated[str, Meta(min_length=1, max_length=2_000, pattern=r"\S")]


class Assignment(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Who looks after it."""

    owner: Annotated[str, Meta(min_length=1, max_length=64)]
    note: Note = ""


class Waiver(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Let it stand until then, within a year, and why."""

    note: Annotated[str, Meta(min_length=1, max_length=2_000, pattern=r"\S")]
    until: Until
