"""What does a request of the console ask for, by whom, and is it asked for properly?

A parameter that is malformed is answered with 400 and its name, before the ledger is asked.
"""

import re
import secrets
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from starlette.requests import Request

from service.core.instant import from_micros, to_micros
from service.ledger.engine import Connection, Ledger
from service.ledger.views.walk import Scope
from service.settings import Settings
from service.web.console.words import N_, said, translations
from service.web.doors import LANGUAGES, Language, Person, Role, may
from service.work.terms import Terms

QUERY_LIMIT = 8_192
TEXT_LIMIT = 200
SPAN_DAYS_LIMIT = 366
PAGE_SIZE, PAGE_SIZE_LIMIT = 50, 200
NUMBER_LIMIT = 2**53
SEARCH_SECONDS = 2.0
LANGUAGE_COOKIE = "pingledger_language"
_PART = "~"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Refused(Exception):
    """The request is not answered: a status, a text of the catalogues, and the field at fault."""

    def __init__(self, status: int, text: str, field: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.field = field


NOT_FOUND = N_("There is no such thing, or it is not yours to see.")


def not_found() -> Refused:
    """The same for what is missing and for what may not be seen."""
    return Refused(404, NOT_FOUND)


@dataclass(frozen=True)
class Visit:
    """One request and everything that its answer stands on."""

    request: Request

    @property
    def terms(self) -> Terms:
        """On which terms work is done."""
        return self.request.app.state.terms

    @property
    def ledger(self) -> Ledger:
        """Where everything is remembered."""
        return self.request.app.state.ledger

    def looking(self) -> AbstractContextManager[Connection]:
        """A snapshot for what people filter and search by: a question that takes long is ended."""
        return self.ledger.read(seconds=SEARCH_SECONDS)

    @property
    def settings(self) -> Settings:
        """As they are in force."""
        return self.request.app.state.settings

    @property
    def person(self) -> Person:
        """Who asks."""
        return self.request.state.person

    @property
    def csrf(self) -> str:
        """What each form sends back."""
        return str(self.request.state.csrf)

    @property
    def once(self) -> str:
        """What makes one form of one page different from every other."""
        return secrets.token_urlsafe(16)

    @property
    def scope(self) -> Scope:
        """Whose objects may be seen."""
        return self.person.accounts

    @cached_property
    def now(self) -> datetime:
        """One instant for the whole page."""
        return self.request.app.state.clock()

    @cached_property
    def zone(self) -> ZoneInfo:
        """Where the business day begins."""
        return ZoneInfo(self.settings.zone)

    @cached_property
    def language(self) -> Language:
        """The one chosen in this browser, else the person's own."""
        chosen = self.request.cookies.get(LANGUAGE_COOKIE)
        known: dict[str, Language] = {one: one for one in LANGUAGES}
        return known.get(chosen or "", self.person.language)

    def say(self, text: str) -> str:
        """A text of the catalogues."""
        return translations(self.language).gettext(text)

    def word(self, group: str, word: object) -> str:
        """What people call a word."""
        return said(self.language, group, word)

    def may(self, role: Role) -> bool:
        """Whether the person may do what needs this role."""
        return may(self.person, role)

    def accounts(self) -> list[str]:
        """The accounts that can be chosen: of the settings, and to be seen."""
        return [name for name in self.settings.accounts if self.person.sees(name)]

    # --- the query ---

    def check_query(self, known: Collection[str]) -> None:
        """Refuse what no link or form of ours would send."""
        if len(self.request.url.query) > QUERY_LIMIT:
            raise Refused(400, N_("The address is too long."))
        for name in self.request.query_params:
            if name not in known:
                raise Refused(400, N_("The page has no such field."), name[:TEXT_LIMIT])
            if len(self.request.query_params.getlist(name)) > 1:
                raise Refused(400, N_("The field was given twice."), name)

    def text(self, name: str) -> str | None:
        """Free text, trimmed; None when it is empty."""
        given = self.request.query_params.get(name, "").strip()
        return checked(given, name) or None

    def choice(self, name: str, known: Collection[str]) -> str | None:
        """One of a few words; None when it is empty."""
        given = self.text(name)
        if given is not None and given not in known:
            raise Refused(400, N_("The field has no such choice."), name)
        return given

    def account(self) -> str | None:
        """An account that may be seen; of any other there is nothing."""
        given = self.text("account")
        if given is not None and not self.person.sees(given):
            raise not_found()
        return given

    def day(self, name: str) -> date | None:
        """A business day."""
        return day_of(self.text(name), name)

    def span(self) -> tuple[datetime | None, datetime | None]:
        """From the first day's beginning to the last day's end, exclusive; a year at most."""
        first, last = self.day("since"), self.day("until")
        if first and last and first > last:
            raise Refused(400, N_("The first day is after the last."), "since")
        if first and last and last - first > timedelta(days=SPAN_DAYS_LIMIT):
            raise Refused(400, N_("A year is the longest span."), "until")
        since = None if first is None else self.beginning(first)
        until = None if last is None else self.beginning(last + timedelta(days=1))
        return since, until

    def beginning(self, day: date) -> datetime:
        """The first instant of a business day."""
        return datetime.combine(day, time.min, self.zone)

    @property
    def today(self) -> date:
        """The business day that it is now."""
        return self.now.astimezone(self.zone).date()

    def size(self) -> int:
        """How many rows a page has."""
        given = self.text("size")
        return PAGE_SIZE if given is None else number_of(given, "size", PAGE_SIZE_LIMIT)

    def after(self, *forms: type[int] | type[str] | type[datetime]) -> tuple[object, ...] | None:
        """Where the page goes on: as many parts as the order has columns."""
        given = self.text("after")
        if given is None:
            return None
        parts = given.split(_PART)
        if len(parts) != len(forms):
            raise Refused(400, N_("The page does not go on there."), "after")
        return tuple(_part(part, form) for part, form in zip(parts, forms, strict=True))

    # --- the form ---

    def field(self, name: str, *, limit: int = TEXT_LIMIT) -> str:
        """One field of the form that was sent; empty when it is missing."""
        values = self.request.state.form.getlist(name)
        if len(values) > 1:
            raise Refused(400, N_("The field was given twice."), name)
        if not values:
            return ""
        if not isinstance(values[0], str):
            raise Refused(400, N_("The field holds no text."), name)
        return checked(values[0].replace("\r\n", "\n").strip(), name, limit, lines=True)

    def numbers(self, name: str, *, limit: int) -> list[int]:
        """The numbers of all fields of a name: boxes that were ticked."""
        values = self.request.state.form.getlist(name)
        if len(values) > limit:
            raise Refused(400, N_("Too many were chosen."), name)
        return [number_of(str(value), name, NUMBER_LIMIT) for value in values]

    def number(self, name: str) -> int:
        """A number in the path; what is none is not there."""
        given = str(self.request.path_params[name])
        if not (given.isascii() and given.isdecimal() and len(given) < 17):
            raise not_found()
        return int(given)


def checked(given: str, name: str, limit: int = TEXT_LIMIT, *, lines: bool = False) -> str:
    """A text without control characters and not too long."""
    if len(given) > limit:
        raise Refused(400, N_("The field is too long."), name)
    plain = given.replace("\n", "") if lines else given
    if any(ord(one) < 32 or 0xD800 <= ord(one) < 0xE000 or ord(one) == 127 for one in plain):
        raise Refused(400, N_("The field holds characters that are none."), name)
    return given


def day_of(given: str | None, name: str) -> date | None:
    """A day as 2026-11-23."""
    if not given:
        return None
    try:
        # fromisoformat alone would take 20261123 and 2026-W48-1, too
        day = date.fromisoformat(given) if _DAY.fullmatch(given) else date.min
    except ValueError:
        raise Refused(400, N_("The field should be a day, such as 2026-11-23."), name) from None
    if not 1970 < day.year < 2200:
        raise Refused(400, N_("The field should be a day, such as 2026-11-23."), name)
    return day


def number_of(given: str, name: str, most: int) -> int:
    """A whole number from 1."""
    if not (given.isascii() and given.isdecimal() and len(given) < 17 and 0 < int(given) <= most):
        raise Refused(400, N_("The field should be a number in its range."), name)
    return int(given)


def _part(text: str, form: type[int] | type[str] | type[datetime]) -> object:
    if form is str:
        return text
    if not (text.isascii() and text.isdecimal() and len(text) < 17):
        raise Refused(400, N_("The page does not go on there."), "after")
    return int(text) if form is int else from_micros(int(text))


def place_of(parts: Sequence[object] | None) -> str | None:
    """The parameter `after` of a place in an order."""
    if parts is None:
        return None
    return _PART.join(str(to_micros(p) if isinstance(p, datetime) else p) for p in parts)
