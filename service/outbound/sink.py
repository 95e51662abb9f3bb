"""What a sink is, and what it can answer when it is handed messages."""

from collections.abc import Sequence
from dataclasses import dataclass
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


Receipt = Sent | Later | Dead


class Sink(Protocol):
    """Somewhere that messages go, at least once each and in order of each stream."""

    @property
    def name(self) -> str:
        """The name it has in the settings, and in the ledger."""
        ...

    @property
    def at_once(self) -> int:
        """How many messages one call takes at most; they are confirmed all together or not."""
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
