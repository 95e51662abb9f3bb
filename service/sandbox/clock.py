"""What time it is in the sandbox: another clock's, set elsewhere, standing still, or stepped on."""

from collections.abc import Callable
from datetime import datetime, timedelta

STEP_SECONDS_MOST = 31 * 86_400.0


class SandboxClock:
    """Follows `base` from `start` on (now when None); frozen, it moves by steps only."""

    def __init__(
        self, base: Callable[[], datetime], *, start: datetime | None = None, frozen: bool = False
    ) -> None:
        at = base()
        self._base = base
        self._stood: datetime | None = at if frozen else None
        self._ahead = timedelta() if start is None else start - at

    @property
    def frozen(self) -> bool:
        """Whether only steps move it."""
        return self._stood is not None

    def __call__(self) -> datetime:
        """The time now, aware."""
        return (self._base() if self._stood is None else self._stood) + self._ahead

    def step(self, seconds: float) -> datetime:
        """Go on by so many seconds at once; ValueError when they are not from 0 to 31 days."""
        if not 0 <= seconds <= STEP_SECONDS_MOST:
            raise ValueError(f"seconds must be from 0 to {STEP_SECONDS_MOST:.0f}")
        self._ahead += timedelta(seconds=seconds)
        return self()
