"""What goes wrong: which faults there are, how often each strikes, and which were asked for."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

from service.sandbox.refusal import Refusal

# Of events. lose: never sent. repeat: sent again, with another pending_webhooks. delay: sent late.
# reorder: sent after the next event. forge: another body beside it, badly signed. early: the name
# says succeeded, the object is as it was before. other_end: a second, contradicting end follows.
# other_body: the same id again with other content.
EVENT_FAULTS = (
    "lose",
    "repeat",
    "delay",
    "reorder",
    "forge",
    "early",
    "other_end",
    "other_body",
)

# Of answers. slow: after some seconds. forbidden: 403. limited: 429 with Retry-After. crash: 5xx.
# html: a gateway's page. stale: as the object was before its last change. malformed: cut off.
# wrong: another object.
ANSWER_FAULTS = (
    "slow",
    "forbidden",
    "limited",
    "crash",
    "html",
    "stale",
    "malformed",
    "wrong",
)


@dataclass(slots=True)
class Demand:
    """A fault that was asked for: the next `times` whose subject contains `match`."""

    fault: str
    match: str = ""
    times: int = 1


class Faults:
    """Draws faults by their rates, after those that were asked for; the chance is the caller's."""

    def __init__(self, chance: Random, rates: Mapping[str, float] | None = None) -> None:
        self._chance = chance
        self.rates: dict[str, float] = {}
        self.demands: deque[Demand] = deque()
        self.struck: Counter[str] = Counter()
        self.set_rates(rates or {})

    def set_rates(self, rates: Mapping[str, float]) -> None:
        """Set how often each named fault strikes, from 0 to 1; the others stay as they are."""
        for fault, rate in rates.items():
            _check(fault)
            if not 0 <= rate <= 1:
                raise Refusal(400, f"rate of {fault} must be from 0 to 1", param=fault)
        self.rates.update(rates)

    def demand(self, fault: str, match: str = "", times: int = 1) -> None:
        """Ask for a fault."""
        _check(fault)
        self.demands.append(Demand(fault, match, times))

    def quiet(self) -> None:
        """Nothing goes wrong any more."""
        self.rates.clear()
        self.demands.clear()

    def of_event(self, subject: str) -> frozenset[str]:
        """The faults of one event; `subject` is its type and its object's id."""
        drawn = {fault for fault in EVENT_FAULTS if self._strikes(fault, subject)}
        if "lose" in drawn:
            drawn = {"lose"}
        self.struck.update(drawn)
        return frozenset(drawn)

    def of_answer(self, subject: str) -> str | None:
        """The one fault of an answer, or none; `subject` is the method and the path.

        Rates strike questions only: a command's outcome stays known unless it was asked otherwise.
        """
        drawn = next((fault for fault in ANSWER_FAULTS if self._strikes(fault, subject)), None)
        if drawn:
            self.struck[drawn] += 1
        return drawn

    def _strikes(self, fault: str, subject: str) -> bool:
        for demand in self.demands:
            if demand.fault == fault and demand.match in subject:
                demand.times -= 1
                if demand.times <= 0:
                    self.demands.remove(demand)
                return True
        rate = self.rates.get(fault, 0.0)
        if fault in ANSWER_FAULTS and not subject.startswith("GET "):
            return False
        return rate > 0 and self._chance.random() < rate


def _check(fault: str) -> None:
    if fault not in EVENT_FAULTS + ANSWER_FAULTS:
        raise Refusal(400, f"there is no fault {fault!r}", param=fault)


def parse_rates(given: Iterable[str]) -> dict[str, float]:
    """Read "lose=0.1"; ValueError on anything else."""
    rates: dict[str, float] = {}
    for item in given:
        fault, _, rate = item.partition("=")
        if fault not in EVENT_FAULTS + ANSWER_FAULTS:
            raise ValueError(f"there is no fault {fault!r}")
        rates[fault] = float(rate)
    return rates
