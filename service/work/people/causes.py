"""What does one line of a note tell: a cause, how often, and how much money is at stake?"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from service.core.alerts import ALERTS, NOTICES
from service.ledger import stakes
from service.ledger.people import Cause, Matter
from service.ledger.rules import BY_CODE
from service.outbound.people.note import SEVERITIES


@dataclass(frozen=True, slots=True)
class Line:
    """One cause in a note. money: minor units by currency. accounts: more than one when folded.

    total: how many of it stand now. example: what one of them is about. number: of the only one.
    """

    cause: Cause
    severity: str
    count: int
    total: int = 0
    money: Mapping[str, int] = field(default_factory=dict[str, int])
    example: str = ""
    number: str | None = None
    accounts: int = 1

    @property
    def rank(self) -> tuple[int, str, str]:
        """The gravest first."""
        place = SEVERITIES.index(self.severity) if self.severity in SEVERITIES else 1
        return place, self.cause.code, self.cause.account


def line(cause: Cause, matters: Sequence[Matter]) -> Line:
    """The line of several matters of one cause."""
    money: Counter[str] = Counter()
    for one in matters:
        stake = stakes.between(one.ours, one.theirs, cause.code) if one.currency else None
        if stake is not None and one.currency is not None:
            money[one.currency] += stake
    first = matters[0]
    shown = first.ours if cause.source == "alert" else ""
    about = f"{first.kind} {first.subject}".strip()
    example = f"{about} {shown}".strip()
    number = first.ref if cause.source == "mismatch" and len(matters) == 1 else None
    severity = min((one.severity for one in matters), key=grave)
    return Line(cause, severity, len(matters), 0, dict(money), example, number)


def grave(severity: str) -> int:
    """The gravest is 0."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else 1


def worst(lines: Iterable[Line]) -> str:
    """The gravest severity among lines."""
    return min((one.severity for one in lines), key=grave, default="info")


def fold(lines: Sequence[Line]) -> list[Line]:
    """One line per code, whatever the account: for notes that would be too long."""
    found: dict[tuple[str, str], Line] = {}
    for one in lines:
        name = (one.cause.source, one.cause.code)
        before = found.get(name)
        if before is None:
            found[name] = one
            continue
        found[name] = replace(
            before,
            cause=before.cause._replace(account=""),
            count=before.count + one.count,
            total=before.total + one.total,
            money=dict(Counter(before.money) + Counter(one.money)),
            accounts=before.accounts + one.accounts,
            number=None,
        )
    return list(found.values())


def sentence(cause: Cause, language: str) -> str:
    """What is wrong, to a person."""
    known = BY_CODE.get(cause.code) if cause.source == "mismatch" else None
    word = known or (ALERTS if cause.source == "alert" else NOTICES).get(cause.code)
    if word is None:
        return cause.code
    return word.zh if language == "zh" else word.en
