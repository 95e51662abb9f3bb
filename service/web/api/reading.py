"""What may programs read?"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import msgspec

from service.core.closing import Total
from service.core.kinds import KINDS
from service.ledger import closings, counted, desk, listing, story
from service.ledger.paging import Listing
from service.web.api import views
from service.web.api.ask import (
    CURSOR_LIMIT,
    LIMIT,
    LIMIT_MOST,
    NUMBER_MOST,
    Ask,
    Endpoint,
    Param,
    cursor_of,
    missing,
    place_of,
)
from service.web.doors import Role
from service.work.report.parameters import taken_by
from service.work.report.table import REPORTS

ACCOUNT = Param("account", "Of this account only.")
KIND = Param("kind", "Of this kind only.", words=tuple(KINDS))
_CURSOR = Param(
    "cursor",
    "`next` of the answer before: what follows it.",
    pattern=rf"^[A-Za-z0-9_-]{{1,{CURSOR_LIMIT}}}$",
)
_LIMIT = Param("limit", f"How many at most; {LIMIT} unless it is said.", whole=(1, LIMIT_MOST))
PAGING = (_CURSOR, _LIMIT)
WHICH = (
    Param("account", "Whose it is.", where="path"),
    Param("kind", "Its kind.", words=tuple(KINDS), where="path"),
    Param("id", "Its id.", where="path"),
)
NUMBER = (Param("number", "Its number.", whole=(1, NUMBER_MOST), where="path"),)
_STATES = ("suspected", "open", "acknowledged", "waived", "settled")
_WORD = r"^[A-Za-z0-9_.-]{1,64}$"


def _listed(
    shown: Listing, view: Any, *names: str, forms: tuple[type[Any], ...] = (int,)
) -> Callable[[Ask], Any]:
    """A handler of a list that may be filtered by these columns."""

    def answer(ask: Ask) -> Any:
        after = place_of(ask.given.get("cursor"), forms)
        with ask.ledger.read() as connection:
            rows, last = listing.page(
                connection,
                shown,
                accounts=ask.accounts,
                where=ask.where(*names),
                after=after,
                limit=ask.given.get("limit", LIMIT),
            )
        return {"data": msgspec.convert(rows, list[view]), "next": cursor_of(last)}

    return answer


def _one(ask: Ask, shown: Listing, **where: Any) -> dict[str, Any]:
    with ask.ledger.read() as connection:
        rows, _ = listing.page(
            connection, shown, accounts=ask.accounts, where=where, after=None, limit=1
        )
    if not rows:
        raise missing()
    return rows[0]


def object_(ask: Ask) -> Any:
    """One object."""
    key = ask.key
    return _one(ask, listing.OBJECTS, account=key.account, kind=key.kind, id=key.object_id)


def story_(ask: Ask) -> Any:
    """All that happened to it; an object that only failed questions know has a story too."""
    key = ask.key
    where = {"account": key.account, "kind": key.kind, "id": key.object_id}
    with ask.ledger.read() as connection:
        rows, _ = listing.page(
            connection, listing.OBJECTS, accounts=None, where=where, after=None, limit=1
        )
        events = story.tell(connection, key)
    if not rows and not events:
        raise missing()
    told = [{"at": line.at, "what": line.what, "figures": line.figures} for line in events]
    return {"object": rows[0] if rows else None, "events": told}


def delivery(ask: Ask) -> Any:
    """One delivery without its bytes."""
    return _one(ask, listing.DELIVERIES, number=ask.given["number"])


def mismatch(ask: Ask) -> Any:
    """One mismatch and its history."""
    number = ask.given["number"]
    found = _one(ask, listing.MISMATCHES, number=number)
    with ask.ledger.read() as connection:
        history = [past._asdict() for past in desk.history(connection, number)]
    return {"mismatch": found, "history": history}


def balances(ask: Ask) -> Any:
    """What stands on each account of the journal."""
    account = ask.given.get("account")
    whose = ask.accounts
    if account is not None:
        whose = frozenset({account} if ask.person.sees(account) else ())
    with ask.ledger.read() as connection:
        found, last = counted.balances(
            connection,
            whose,
            after=place_of(ask.given.get("cursor"), (str, str, str)),
            limit=ask.given.get("limit", LIMIT),
        )
    data = [{**one._asdict(), "balance": one.balance} for one in found]
    return {"data": data, "next": cursor_of(last)}


def closings_(ask: Ask) -> Any:
    """The closed days."""
    found = closings.closings(ask.ledger, limit=ask.given.get("limit", LIMIT))
    return {"data": [_closing(ask, one) for one in found]}


def closing(ask: Ask) -> Any:
    """One of them."""
    try:
        day = date.fromisoformat(ask.given["day"])
    except ValueError:
        raise missing() from None
    found = closings.closing(ask.ledger, day)
    if found is None:
        raise missing()
    return _closing(ask, found)


def _closing(ask: Ask, one: closings.Closed) -> dict[str, Any]:
    whole = one.closing
    return {
        "day": whole.day,
        "hash": one.hash,
        "previous": whole.previous,
        "closed_at": whole.closed_at,
        "by": whole.by,
        "totals": _totals(ask, whole.totals),
        "adjustments": _totals(ask, whole.adjustments),
    }


def _totals(ask: Ask, found: Iterable[Total]) -> list[views.ClosingTotal]:
    mine = [one for one in found if ask.person.sees(one.account)]
    return msgspec.convert(mine, list[views.ClosingTotal], from_attributes=True)


def reports(_ask: Ask) -> Any:
    """Which reports there are."""
    return {
        "data": [
            {
                "name": one.name,
                "title_zh": one.title.zh,
                "title_en": one.title.en,
                "about_zh": one.about.zh,
                "about_en": one.about.en,
                "days": one.days.name.lower(),
                "sheets": one.sheets,
                "formats": one.shapes,
                "parameters": [parameter.name for parameter in taken_by(one)],
            }
            for one in REPORTS.values()
        ]
    }


def _get(path: str, name: str, about: str, answer: Any, view: Any, *params: Param) -> Endpoint:
    return Endpoint(f"/api/v1{path}", "GET", Role.VIEWER, name, about, answer, view, params)


READING: tuple[Endpoint, ...] = (
    _get(
        "/objects", "listObjects", "Objects, by account, kind and id.",
        _listed(listing.OBJECTS, views.Object, "account", "kind", "status", "order_no",
                "transaction_no", forms=(str, str, str)),
        views.Page[views.Object], ACCOUNT, KIND,
        Param("status", "In this status only.", pattern=_WORD),
        Param("order_no", "With the merchant's own number."),
        Param("transaction_no", "With the channel's number."), *PAGING,
    ),
    _get("/objects/{account}/{kind}/{id}", "getObject", "One object.", object_, views.Object,
         *WHICH),
    _get("/objects/{account}/{kind}/{id}/story", "getStory",
         "One object and all that happened to it, in order of time.", story_, views.Story, *WHICH),
    _get(
        "/deliveries", "listDeliveries", "Deliveries without their bytes, the newest first.",
        _listed(listing.DELIVERIES, views.Delivery, "account", "state", "verdict", "type"),
        views.Page[views.Delivery], ACCOUNT,
        Param("state", "waiting, applied, kept, quarantined, …", pattern=_WORD),
        Param("verdict", "accepted, or why it is evidence only.", pattern=_WORD),
        Param("type", "order.succeeded, …"), *PAGING,
    ),
    _get("/deliveries/{number}", "getDelivery", "One delivery without its bytes.", delivery,
         views.Delivery, *NUMBER),
    _get(
        "/mismatches", "listMismatches", "What does not agree, by number.",
        _listed(listing.MISMATCHES, views.Mismatch, "account", "kind", "rule", "state",
                "severity", "id"),
        views.Page[views.Mismatch], ACCOUNT, KIND,
        Param("rule", "Found by this rule.", pattern=_WORD),
        Param("state", "In this state only.", words=_STATES),
        Param("severity", "So severe.", words=("critical", "warning", "info")),
        Param("id", "Of the object of this id."), *PAGING,
    ),
    _get("/mismatches/{number}", "getMismatch", "One mismatch and what was done about it.",
         mismatch, views.MismatchStory, *NUMBER),
    _get(
        "/journal", "listPostings", "Postings, in the order in which they were made.",
        _listed(listing.JOURNAL, views.Posting, "account", "kind", "id", "order_id"),
        views.Page[views.Posting], ACCOUNT, KIND, Param("id", "Of the object of this id."),
        Param("order_id", "All that belongs to this order."), *PAGING,
    ),
    _get("/balances", "listBalances", "What stands on each account of the journal now.",
         balances, views.Balances, ACCOUNT, *PAGING),
    _get("/closings", "listClosings", "Closed business days, the newest first.", closings_,
         views.Closings, _LIMIT),
    _get("/closings/{day}", "getClosing", "One closed business day.", closing, views.Closing,
         Param("day", "As 2026-11-23.", pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", where="path")),
    _get("/reports", "listReports", "Which reports can be made.", reports, views.Reports),
)  # fmt: skip
