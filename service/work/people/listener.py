"""On which terms does a channel hear: of what, in which language, when, and who is next?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.ledger.people import Scope

# A storm is gathered for so long before it is told.
GATHER = timedelta(seconds=10)
# Between two notes of a channel, whatever they tell.
PAUSE = timedelta(seconds=60)
# Between two notes that tell openings, or endings, of one cause (failure F63).
PACE = timedelta(minutes=15)
# A digest that could not be made in its hour is not made at night.
DIGEST_SPAN = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Listener:
    """One channel's terms. scale divides every interval but the business day's.

    limit_bytes, has_incidents: what its service takes. link: the console's address, or empty.
    """

    name: str
    scope: Scope = field(default_factory=Scope)
    language: str = "zh"
    zone: str = "Asia/Shanghai"
    quiet: Mapping[str, tuple[time, time]] = field(default_factory=dict[str, tuple[time, time]])
    remind: timedelta = timedelta(0)
    escalate_to: str | None = None
    escalate_after: timedelta = timedelta(minutes=30)
    digest_at: time | None = None
    link: str = ""
    limit_bytes: int = 6_000
    has_incidents: bool = False
    scale: float = 1.0

    def rests(self, severity: str, now: datetime) -> bool:
        """Whether nothing of this severity is told at this hour."""
        if severity not in self.quiet:
            return False
        first, last = self.quiet[severity]
        at = self.local(now).time()
        return first <= at < last if first < last else at >= first or at < last

    def local(self, at: datetime) -> datetime:
        """The time of day where the merchant is."""
        return at.astimezone(ZoneInfo(self.zone))

    def digest_due(self, now: datetime, last: str | None) -> str | None:
        """The business day whose digest is to be made now, if one is."""
        if self.digest_at is None:
            return None
        local = self.local(now)
        due = datetime.combine(local.date(), self.digest_at, local.tzinfo)
        day = local.date().isoformat()
        return day if due <= local < due + DIGEST_SPAN and day != last else None

    def scaled(self, span: timedelta) -> timedelta:
        """A span as rehearsals want it."""
        return span / self.scale
