"""How the ledger is made whole after an outage: walk the lists, then ask for all that is followed.

What has neither a list nor a known object to ask for cannot be found; those kinds are named.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

from service.core.kinds import KINDS
from service.ledger import asking
from service.ledger.engine import Ledger
from service.pingpp.client import Client
from service.work.backfill import Span
from service.work.poll import poll
from service.work.terms import AccountTerms, Terms

# Parents of one span whose refunds are asked for.
PARENTS_LIMIT = 100_000
# Rounds of looks in one run; a round is at most 20 s or 5,000 looks.
ROUNDS_LIMIT = 1_000
# What is shown by looks at its parent, for it has no list of its own.
_PARENTS: Mapping[str, str] = {"order_refund": "order", "refund": "charge"}


@dataclass(frozen=True, slots=True)
class Blind:
    """What could not be asked for: a kind of an account, and why, in a word.

    no_list: objects whose every notification was lost are unknown here. no_apps: the account names
    none, so that no list can be asked.
    """

    account: str
    kind: str
    why: str


def blind_spots(accounts: Iterable[str], terms: Terms, kinds: Iterable[str] = KINDS) -> list[Blind]:
    """The kinds that no list shows, and the lists that cannot be asked: who looks is a person."""
    found: list[Blind] = []
    for account in accounts:
        has_apps = bool(terms.accounts.get(account, AccountTerms()).apps)
        for kind in kinds:
            if not KINDS[kind].lists and kind not in _PARENTS:
                found.append(Blind(account, kind, "no_list"))
            elif not has_apps and kind not in _PARENTS:
                found.append(Blind(account, kind, "no_apps"))
    return found


def parents_of(kinds: Iterable[str]) -> list[str]:
    """The kinds whose looks show objects of `kinds`: an order's refunds, a charge's."""
    return sorted({_PARENTS[kind] for kind in kinds if kind in _PARENTS})


def want_parents(
    ledger: Ledger, accounts: Iterable[str], kinds: Iterable[str], span: Span, *, now: datetime
) -> int:
    """Make the parents of a span due, so that their refunds are asked for; gives how many."""
    parents = parents_of(kinds)
    if not parents:
        return 0
    with ledger.begin() as connection:
        keys = asking.paid_since(
            connection,
            list(accounts),
            parents,
            since=span.since,
            until=span.until or now + timedelta(days=1),
            limit=PARENTS_LIMIT,
        )
        asking.ask_by(connection, keys, at=now)
    return len(keys)


def ask_for_all(
    ledger: Ledger,
    clients: Mapping[str, Client],
    *,
    terms: Terms,
    clock: Callable[[], datetime],
    chance: Callable[[], float],
    stop: Event,
    on_round: Callable[[int], object] = lambda _looks: None,
) -> Counter[str]:
    """Look at all that is due, round after round; gives how the looks ended, by word.

    Raises TryLater when the ledger is away.
    """
    done: Counter[str] = Counter()
    for _ in range(ROUNDS_LIMIT):
        if stop.is_set():
            break
        looked = poll(ledger, clients, terms=terms, clock=clock, chance=chance, stop=stop)
        done.update(looked)
        on_round(looked.total())
        if not looked:
            break
    return done
