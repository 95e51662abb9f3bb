"""Which postings a change of an object's money makes.

An object's money is a set of *legs*: so much has moved from one account to another because of
it. What is booked of an object is always brought up to its legs, so that the journal's sum is the
belief, whatever the order in which sightings came. A posting names both of its accounts: it
balances by being written at all.

Accounts (docs/accounting.md shows each with figures):

    clearing:CHANNEL  money that a channel holds for us
    payable:APP       what is owed to a merchant's app
    wallet:APP-USER   what is owed to a user's wallet; ids of users are an app's own
    clearing:deposits what users put into their wallets by themselves; no channel is named
    orders            paid, and not yet said so by an order
    refunds           given back as an order says, and not yet seen to leave a channel
    fees              what moving money costs
    transit, bank     a withdrawal under way, and paid out
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from service.core.observation import user_of

ORDERS, REFUNDS, FEES, TRANSIT, BANK = "orders", "refunds", "fees", "transit", "bank"
DEPOSITS = "clearing:deposits"
WALLET = "wallet:"
# A part of an object as a belief keeps it: rank, status word, minor units.
Parts = Mapping[str, tuple[int, str, int]]
Known = Mapping[str, Any]
# SEED takes cny only, and most of its objects do not say so (L1106).
CURRENCY = "cny"


class Leg(NamedTuple):
    """So many minor units moved from `credit` to `debit`; at: seconds since 1970, if it is said."""

    debit: str
    credit: str
    amount: int
    at: int | None = None


class Standing(NamedTuple):
    """What is booked between two accounts for one object, and by which of its entries last."""

    debit: str
    credit: str
    currency: str
    amount: int
    entry: int


class Posting(NamedTuple):
    """One line of the journal: `amount` > 0 moves from `credit` to `debit`.

    entry: counts 1, 2, 3 … within the object. corrects: the entry that this one takes back from.
    """

    entry: int
    debit: str
    credit: str
    amount: int
    currency: str
    at: int | None
    corrects: int | None


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(tuple[Standing, ...])

# What was moved from the second account to the first: currency, minor units.
Moved = tuple[str, str, str, int]
# Between two accounts, the first of them in order: how much more was moved to it than away.
Net = Mapping[tuple[str, str, str], int]


def clearing(channel: object) -> str:
    """The account of what a channel holds; an object that names none has one of its own."""
    return f"clearing:{channel or 'unknown'}"


def payable(app: object) -> str:
    """The account of what is owed to an app."""
    return f"payable:{app or 'unknown'}"


def wallet(app: object, user: object) -> str:
    """The account of what is owed to a user of an app."""
    return f"{WALLET}{user_of(app or 'unknown', user or 'unknown')}"


def owner(book: str) -> str | None:
    """Whose wallet an account is, as users are identified; None: it is no wallet."""
    return book.removeprefix(WALLET) if book.startswith(WALLET) else None


def shares(parts: Parts, role: str, *, ended: bool) -> Iterable[tuple[str, int]]:
    """(user, amount) of each part that has arrived: it says so, or the whole has and it not no.

    A part's name is role/position/user.
    """
    for name, (_, word, amount) in sorted(parts.items()):
        of, _, user = name.split("/", 2)
        if of == role and (word == "succeeded" or (ended and word != "failed")):
            yield user, amount


def book(
    standing: Sequence[Standing], legs: Iterable[Leg], currency: str
) -> tuple[tuple[Standing, ...], list[Posting]]:
    """What stands after `legs` are booked, and the postings that bring it there; pure.

    A leg that shrank or is gone is posted the other way round and names the entry it corrects.
    """
    wanted = _together(legs, currency)
    if not standing:
        return _first(wanted)
    entry = 1 + max(one.entry for one in standing)
    before = {one[:3]: one for one in standing}
    postings: list[Posting] = []
    after = dict(before)
    for pair in sorted(wanted.keys() | before.keys()):
        stood = before.get(pair, Standing(*pair, 0, 0))
        amount, at = wanted.get(pair, (0, None))
        if amount != stood.amount:
            postings.append(_posting(stood, amount, at, entry))
            after[pair] = stood._replace(amount=amount, entry=entry)
    return tuple(after[pair] for pair in sorted(after)), postings


def _first(
    wanted: Mapping[tuple[str, str, str], tuple[int, int | None]],
) -> tuple[tuple[Standing, ...], list[Posting]]:
    """Of an object that nothing is booked of, which is most of them: its first entry."""
    legs = sorted(wanted.items())
    standing = [Standing(*pair, amount, 1) for pair, (amount, _) in legs]
    postings = [
        Posting(1, debit, credit, amount, currency, at, None)
        for (debit, credit, currency), (amount, at) in legs
    ]
    return tuple(standing), postings


def write_standings(standing: Sequence[Standing]) -> str | None:
    """The canonical JSON text; None: nothing is booked."""
    return _encoder.encode(standing).decode() if standing else None


def read_standings(text: str | None) -> tuple[Standing, ...]:
    """Read back what `write_standings` wrote."""
    return () if text is None else _decoder.decode(text)


def net(moved: Iterable[Moved]) -> Net:
    """What moved in all, whichever way round it was booked; nothing of what cancels out."""
    sums: dict[tuple[str, str, str], int] = {}
    for debit, credit, currency, amount in moved:
        pair, more = ((debit, credit, currency), amount)
        if credit < debit:
            pair, more = (credit, debit, currency), -amount
        sums[pair] = sums.get(pair, 0) + more
    return {pair: amount for pair, amount in sums.items() if amount}


def owed(legs: Iterable[Leg], currency: str) -> Net:
    """What should be booked in all for `legs`: what `book` brings the journal to."""
    return net((leg.debit, leg.credit, currency, leg.amount) for leg in legs)


def _together(
    legs: Iterable[Leg], currency: str
) -> dict[tuple[str, str, str], tuple[int, int | None]]:
    """Legs between the same accounts are one."""
    wanted: dict[tuple[str, str, str], tuple[int, int | None]] = {}
    for leg in legs:
        if leg.amount:
            pair = (leg.debit, leg.credit, currency)
            amount, at = wanted.get(pair, (0, None))
            wanted[pair] = amount + leg.amount, at or leg.at
    return wanted


def _posting(stood: Standing, amount: int, at: int | None, entry: int) -> Posting:
    grown = amount - stood.amount
    if grown > 0:
        return Posting(entry, stood.debit, stood.credit, grown, stood.currency, at, None)
    return Posting(entry, stood.credit, stood.debit, -grown, stood.currency, at, stood.entry)
