"""May this process be sent requests now, and if not, why not?"""

import threading
from collections.abc import Callable
from time import monotonic

from service.core.errors import Misconfigured
from service.ledger.engine import Ledger
from service.ledger.migrations import check

# Probes may come from anyone: the database is asked at most this often.
FRESH_SECONDS = 1.0
ANSWER_SECONDS = 2.0
TICK_AGE_LIMIT_SECONDS = 60.0


class Health:
    """What the probes ask. `stopping` is set when the process begins to leave."""

    def __init__(
        self, ledger: Ledger, tick_age_seconds: Callable[[], float | None] | None = None
    ) -> None:
        self.stopping = False
        self._ledger = ledger
        self._tick_age_seconds = tick_age_seconds
        self._asking = threading.Lock()
        self._asked_at = -FRESH_SECONDS
        self._answer = ""

    def reason(self) -> str:
        """One word why not: stopping, database, migrations, jobs; empty when it is ready."""
        if self.stopping:
            return "stopping"
        return self._ledger_reason() or self._jobs_reason()

    def _ledger_reason(self) -> str:
        if not self._asking.acquire(timeout=ANSWER_SECONDS):
            return "database"
        try:
            if monotonic() - self._asked_at >= FRESH_SECONDS:
                self._answer = _ask(self._ledger)
                self._asked_at = monotonic()
            return self._answer
        finally:
            self._asking.release()

    def _jobs_reason(self) -> str:
        if self._tick_age_seconds is None:
            return ""
        age = self._tick_age_seconds()
        return "jobs" if age is None or age > TICK_AGE_LIMIT_SECONDS else ""


def _ask(ledger: Ledger) -> str:
    try:
        check(ledger)
    except Misconfigured:
        return "migrations"
    except Exception:  # noqa: BLE001  whatever it is, this process cannot work now
        return "database"
    return ""
