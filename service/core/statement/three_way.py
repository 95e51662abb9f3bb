"""What do the book, Ping++ and the channel say of one number, and who stands alone? Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

BOOK, PINGPP, CHANNEL = "book", "pingpp", "channel"
SIDES = (BOOK, PINGPP, CHANNEL)


@dataclass(frozen=True, slots=True)
class Said:
    """What one side says of a number; money in minor units, days since 1970.

    count: lines or objects whose money has moved; unsure: those of them that the other sides need
    not have. least: the amount without those. fee: None unless each names one. days: the first and
    the last on which it may be booked. is_one: all bear the same number of the channel. status: of
    what has not moved.
    """

    count: int
    unsure: int = 0
    amount: int = 0
    least: int = 0
    fee: int | None = None
    days: tuple[int, int] = (0, 0)
    currencies: tuple[str, str] = ("", "")
    is_one: bool = False
    status: str | None = None

    @property
    def moved(self) -> bool:
        """Whether it says that money has moved."""
        return self.count > 0


NOTHING = Said(0)


class _Aspect(NamedTuple):
    """Something that two sides may say differently: whether one says it, whether two the same."""

    says: Callable[[Said], bool]
    same: Callable[[Said, Said], bool]


class Compared(NamedTuple):
    """One number: what each side says, and by aspect who stands alone; nothing: all agree."""

    what: str
    number: str
    said: Mapping[str, Said]
    alone: Mapping[str, tuple[str, ...]]

    @property
    def first_day(self) -> int:
        """The first day that any side names."""
        return min(one.days[0] for one in self.said.values() if one.moved)


def compare(what: str, number: str, said: Mapping[str, Said]) -> Compared:
    """Compare the sides: who has it, then those that have it by each aspect.

    Of three that have it the one is named whom the two others contradict; where only two have it,
    or all three differ, each is named.
    """
    moved = {side: one for side, one in said.items() if one.moved}
    found = dict(_lacking(said, moved))
    for name, aspect in _ASPECTS.items():
        if names := _alone(moved, aspect):
            found["duplicate" if _is_double(name, names, moved) else name] = names
    return Compared(what, number, said, found)


def _lacking(
    said: Mapping[str, Said], moved: Mapping[str, Said]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Who lacks it; "status" when it knows it and says that nothing has moved."""
    if any(one.unsure >= one.count for one in moved.values()):
        # the others may have it on a day that nobody compares
        return
    lacking = [side for side in SIDES if side not in moved]
    silent = tuple(side for side in lacking if said.get(side, NOTHING).status is None)
    if silent:
        yield "missing", silent
    if denying := tuple(side for side in lacking if side not in silent):
        yield "status", denying


def _is_double(aspect: str, names: tuple[str, ...], moved: Mapping[str, Said]) -> bool:
    """Whether one side has the same more often than the others do."""
    if aspect != "amount" or len(names) != 1:
        return False
    one = moved[names[0]]
    return one.is_one and all(one.count > other.count for other in moved.values() if other != one)


def _alone(moved: Mapping[str, Said], aspect: _Aspect) -> tuple[str, ...]:
    says = {side: one for side, one in moved.items() if aspect.says(one)}
    differing = [
        pair
        for pair in combinations(says, 2)
        if not aspect.same(says[pair[0]], says[pair[1]])
        # around midnight Ping++ may stand for both
        and not _is_bridged(pair, says, aspect)
    ]
    if not differing:
        return ()
    both = [side for side in says if all(side in pair for pair in differing)]
    if len(both) == 1:
        return (both[0],)
    return tuple(side for side in SIDES if any(side in pair for pair in differing))


def _is_bridged(pair: tuple[str, str], says: Mapping[str, Said], aspect: _Aspect) -> bool:
    return any(
        all(aspect.same(says[name], one) for name in pair)
        for side, one in says.items()
        if side not in pair
    )


def _same_amount(one: Said, other: Said) -> bool:
    return not {one.amount, one.least}.isdisjoint((other.amount, other.least))


def _same_days(one: Said, other: Said) -> bool:
    return one.days[0] <= other.days[1] and other.days[0] <= one.days[1]


def _same_fee(one: Said, other: Said) -> bool:
    return one.fee == other.fee


def _same_currency(one: Said, other: Said) -> bool:
    return one.currencies == other.currencies


def _always(_: Said) -> bool:
    return True


def _names_a_fee(one: Said) -> bool:
    return one.fee is not None


def _names_currencies(one: Said) -> bool:
    return "" not in one.currencies


_ASPECTS = {
    "amount": _Aspect(_always, _same_amount),
    "fee": _Aspect(_names_a_fee, _same_fee),
    "date": _Aspect(_always, _same_days),
    "currency": _Aspect(_names_currencies, _same_currency),
}
