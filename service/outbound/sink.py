"""What a sink is, and what it can answer when it is handed messages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from service.core.messages import Message


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side has confirmed every message of the call."""


@dataclass(frozen=True, slots=True)
class Later:
    """Not confirmed; may work later, `after` at the earliest when the other side named a time.

    error: a short fixed word, never text of the other side. away: nobody was there to judge the
    messages (not reachable, not writable), so that they are due as soon as the sink is back.
    """

    error: str
    after: timedelta | None = None
    away: bool = False


@dataclass(frozen=True, slots=True)
class Dead:
    """Never to be sent again by itself. gone: the other side wants no further message at all."""

    error: str
    gone: bool = False


Answer = Sent | Later | Dead


@dataclass(frozen=True, slots=True)
class Each:
    """One answer per message of the call, in order; None: nobody judged it, so it was not tried."""

    answers: Sequence[Answer | None]


Receipt = Answer | Each

# no queue, stream or topic takes such a message
UNROUTABLE = "unroutable"


def together(answers: Sequence[Answer | None]) -> Receipt:
    """One answer for a call of which nothing was taken, where the fault is the sink's own.

    An outage then uses up the attempt of one message, not of all.
    """
    found = {answer for answer in answers if answer is not None}
    if not found:
        return Later("cut", away=True)
    only = found.pop()
    if not found and isinstance(only, Later) and (only.away or only.error == UNROUTABLE):
        return replace(only, away=True)
    return Each(answers)


CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


class Sink(Protocol):
    """Somewhere that messages go, at least once each and in order of each stream."""

    @property
    def name(self) -> str:
        """The name it has in the settings, and in the ledger."""
        ...

    @property
    def at_once(self) -> int:
        """How many messages one call takes at most."""
        ...

    @property
    def one_by_one(self) -> bool:
        """Whether messages of a call are confirmed each by itself, not all together or none.

        Such a call has one message of a stream at most: the next may go only when it is confirmed.
        """
        ...

    @property
    def workers(self) -> int:
        """How many calls may be under way side by side, each with other streams."""
        ...

    def send(self, messages: Sequence[Message], *, now: datetime) -> Receipt:
        """Hand messages over, in order, within a bounded time; raises nothing on purpose."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...
