"""What is a note to people, and what is a channel that carries it?"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from service.outbound.sink import Answer

SEVERITIES = ("critical", "warning", "info")


class Incident(msgspec.Struct, frozen=True):
    """Something with a beginning and an end. key: the same for both, and on every resend."""

    key: str
    opens: bool
    severity: str
    summary: str
    link: str | None = None


class Note(msgspec.Struct, frozen=True):
    """One note as people read it: plain text, nothing personal, nothing secret.

    what: news, reminder, escalation, digest or test. severity: the worst of what it tells.
    """

    what: str
    severity: str
    title: str
    text: str
    incidents: Sequence[Incident] = ()


class Channel(Protocol):
    """Somewhere that people read."""

    @property
    def name(self) -> str:
        """The name it has in the settings, and in the ledger."""
        ...

    @property
    def limit_bytes(self) -> int:
        """How long the title and text of a note may be together, in UTF-8."""
        ...

    @property
    def service(self) -> str:
        """Which service carries it: a word, never an address."""
        ...

    @property
    def has_incidents(self) -> bool:
        """Whether it keeps incidents, so that each cause is one of its own."""
        ...

    def tell(self, note: Note) -> Answer:
        """Hand a note over, within a bounded time; raises nothing on purpose."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...
