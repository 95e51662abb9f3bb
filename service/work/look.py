"""What one look at an object brings: the question, its answer read, and a word for what came."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from service import telemetry
from service.core.cadence import UNASKABLE
from service.core.errors import Unreadable
from service.core.kinds import KINDS
from service.core.kinds.kind import Kind
from service.core.observation import Key, Observation
from service.ledger.watches import Watch
from service.pingpp.answers import Answer, NotThere, Rejected, Unanswered
from service.pingpp.client import Client
from service.pingpp.lists import walk
from service.pingpp.reader import Page, Sighting, WrongObject, read_answer, read_page
from service.pingpp.strict import parse
from service.pingpp.targets import object_targets, sibling_targets
from service.work.terms import AccountTerms

# After so long no further question is put, so that a look ends well before its lease does.
FURTHER = timedelta(seconds=20)
# What says that money went back → the kind that shows it, and how its list is paged (facts 4.5).
_REFUNDS = {"order": ("order_refund", "B"), "charge": ("refund", "A")}

_log = telemetry.logger("look")


@dataclass(slots=True)
class Found:
    """What a look brought.

    word: ok, or what was wrong, out of a fixed few. after: the least wait before the next look.
    sent: whether anything was asked at all. again: a part is missing, so it is asked soon again.
    """

    watch: Watch
    started_at: datetime
    word: str = "ok"
    observations: list[Observation] = field(default_factory=list[Observation])
    odd: list[str] = field(default_factory=list[str])
    after: timedelta = timedelta(0)
    sent: bool = True
    again: bool = False
    traceparent: str | None = None


def look(
    client: Client, watch: Watch, account: AccountTerms, *, clock: Callable[[], datetime]
) -> Found:
    """Ask for the object of a watch and read the answer; every failure ends in a word."""
    found = Found(watch, clock())
    if found.started_at > watch.claimed_until - 2 * FURTHER:
        found.word, found.sent = "waiting", False
        return found
    kind = KINDS.get(watch.key.kind)
    targets = _targets(kind, watch, account) if kind else []
    if not targets:
        found.word = "unaskable"
        if kind and not account.paths.get(kind.name, kind.paths):
            found.sent, found.after = False, UNASKABLE
        return found
    try:
        answer = client.first_of(watch.key.kind, targets)
        found.started_at = answer.started_at
        seen = _read(answer, watch.key, account)
    except Unanswered as error:
        found.word, found.sent, found.after = error.word, error.sent, error.after or found.after
    except Rejected as error:
        found.word = error.word
    except Unreadable as error:
        found.word = "wrong_object" if isinstance(error, WrongObject) else "malformed"
    else:
        found.observations, found.odd = seen.observations, seen.odd
        if _has_refunds(seen.observations[0]):
            _add_refunds(client, found, clock)
    return found


def _targets(kind: Kind, watch: Watch, account: AccountTerms) -> list[str]:
    apps, paths = sorted(account.apps), account.paths.get(kind.name)
    return object_targets(kind, watch.key.object_id, watch.place, apps=apps, paths=paths)


def _read(answer: Answer, key: Key, account: AccountTerms) -> Sighting:
    """Read the answer; that of another object, app or mode is never merged (A16)."""
    try:
        seen = read_answer(answer.body, key=key, seen_at=answer.started_at)
        app = seen.observations[0].facts.get("app")
        livemode = parse(answer.body).get("livemode")
        if account.apps and app is not None and app not in account.apps:
            raise WrongObject
        if isinstance(livemode, bool) and livemode is not account.livemode:
            raise WrongObject
    except Unreadable as error:
        # the bytes may hold anything, so only their digest is kept
        digest = hashlib.sha256(answer.body).hexdigest()
        _log.warning(
            "look.unreadable", kind=key.kind, id=key.object_id, cause=error.cause, sha256=digest
        )
        raise
    return seen


def _has_refunds(seen: Observation) -> bool:
    """Whether the object says, in any of its ways, that money went or shall go back."""
    return seen.key.kind in _REFUNDS and (
        seen.status == "refunded"
        or seen.attrs.get("refund_asked") is True
        or seen.totals.get("amount_refunded", 0) > 0
    )


def _add_refunds(client: Client, found: Found, clock: Callable[[], datetime]) -> None:
    """Ask for the refunds too: their own events may be lost, and only they say how it stands."""
    parent = found.watch.key
    name, paging = _REFUNDS[parent.kind]
    place = {f"{parent.kind}_id": parent.object_id}
    begun = found.started_at

    def ask(page: int, after: str | None) -> Answer:
        if clock() > begun + FURTHER:
            raise Unanswered("waiting", sent=False)
        targets = sibling_targets(KINDS[name], place, paging, page=page, after=after)
        return client.first_of(f"{name}s", targets)

    def read(answer: Answer) -> Page:
        return read_page(answer.body, account=parent.account, seen_at=answer.started_at)

    try:
        for page in walk(ask, read, paging=paging):
            for seen in page.sightings:
                found.observations += _belonging(seen, KINDS[name], place)
                found.odd += seen.odd
    except Unanswered:
        found.again = True
    except NotThere:
        pass
    except (Rejected, Unreadable) as error:
        _log.warning("look.no_refunds", kind=parent.kind, id=parent.object_id, cause=str(error))


def _belonging(seen: Sighting, kind: Kind, place: dict[str, str]) -> Iterator[Observation]:
    """A listed item, linked to the parent it was listed under; nothing of any other parent."""
    first, *inside = seen.observations
    facts = {**place, **first.facts}
    if first.key.kind == kind.name and facts == {**facts, **place}:
        yield msgspec.structs.replace(first, facts=facts)
        yield from inside
