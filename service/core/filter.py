"""Which messages is a sink for?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from service.core.messages import Message

ANY: frozenset[str] = frozenset()


class _Data(msgspec.Struct):
    severity: str | None = None


class _Body(msgspec.Struct):
    data: _Data


@dataclass(frozen=True, slots=True)
class Filter:
    """What a sink takes: an empty set takes all of it.

    kinds: object kinds, mismatch, notice, alert, closing. statuses: of changes. severities:
    of mismatches and alerts. A message that has no such thing is not judged by it.
    """

    accounts: frozenset[str] = ANY
    kinds: frozenset[str] = ANY
    statuses: frozenset[str] = ANY
    severities: frozenset[str] = ANY

    def takes(self, message: Message) -> bool:
        """Whether the sink is to get it."""
        # what is of no account is about all of them
        if self.accounts and message.account and message.account not in self.accounts:
            return False
        kind, status = _kind_and_status(message.type)
        if self.kinds and kind not in self.kinds:
            return False
        if self.statuses and status is not None and status not in self.statuses:
            return False
        if self.severities and kind in ("mismatch", "alert"):
            return msgspec.json.decode(message.body, type=_Body).data.severity in self.severities
        return True


# Sinks by name: those with a filter in a mapping, else each takes everything.
Sinks = Sequence[str] | Mapping[str, Filter]


def by_sinks(messages: Sequence[Message], sinks: Sinks) -> dict[tuple[str, ...], list[Message]]:
    """The messages, by which of the sinks take them; some may go to none."""
    if not isinstance(sinks, Mapping):
        return {tuple(sinks): list(messages)}
    parts: dict[tuple[str, ...], list[Message]] = {}
    for message in messages:
        names = tuple(name for name, wanted in sinks.items() if wanted.takes(message))
        parts.setdefault(names, []).append(message)
    return parts


def _kind_and_status(kind: str) -> tuple[str, str | None]:
    """pingpp.order.paid.v1 is of an order that is paid; ours have no status."""
    origin, word, *rest = kind.split(".")
    return (word, rest[0]) if origin == "pingpp" else (word, None)
