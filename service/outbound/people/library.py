"""How are people told by mail, and by every other service that the library Apprise knows?

Apprise waits between two messages in the caller's thread, never raises on a failure, and writes
URLs with their tokens to its log: so each call has a deadline, its result is read, and its log is
shut.
"""

import logging
import warnings
from importlib import import_module
from typing import Any

from service.core.errors import Misconfigured
from service.outbound.people.note import Note
from service.outbound.sink import Answer, Later, Sent

LIMIT_BYTES = 30_000
CALL_SECONDS = 30.0
_KINDS = {"critical": "failure", "warning": "warning", "info": "info"}
_STATUSES = {1: "refused", 3: "no match", 4: "partial", 5: "timeout"}


class ByLibrary:
    """One address of Apprise's. Raises Misconfigured for a URL that it does not know."""

    has_incidents = False

    def __init__(self, name: str, url: str, *, seconds: float = CALL_SECONDS) -> None:
        self.name = name
        apprise = _load()
        asset = apprise.AppriseAsset(
            app_id="pingledger",
            app_desc="pingledger",
            app_url="",
            http_redirects=False,
            storage_mode=apprise.PersistentStoreMode.MEMORY,
        )
        with warnings.catch_warnings():
            # its services are imported here, some with names that Python will drop
            warnings.simplefilter("ignore")
            plugin = apprise.Apprise.instantiate(url, asset=asset)
        if plugin is None:
            raise Misconfigured(
                f"people.{name}.url", "is no address that is known; see docs/people.md"
            )
        self.service = str(url.partition("://")[0]).lower()
        longest = int(getattr(plugin, "body_maxlen", LIMIT_BYTES)) // 4
        self.limit_bytes = min(LIMIT_BYTES, max(longest, 500))
        self._seconds = seconds
        self._all: Any = apprise.Apprise(asset=asset)
        self._all.add(plugin)
        self._kinds = {word: apprise.NotifyType(kind) for word, kind in _KINDS.items()}
        self._plain = apprise.NotifyFormat.TEXT

    def tell(self, note: Note) -> Answer:
        """Send it, in `seconds` at most; what is under way then may still arrive."""
        result = self._all.notify(
            title=note.title,
            body=note.text,
            notify_type=self._kinds.get(note.severity, self._kinds["info"]),
            body_format=self._plain,
            timeout=self._seconds,
        )
        status = int(result.status)
        return Sent() if status == 0 else Later(_STATUSES.get(status, "refused"))

    def close(self) -> None:
        """Nothing is kept open."""


def _load() -> Any:
    """Import it when a channel needs it: it takes its time, and brings a hundred services."""
    shut = logging.getLogger("apprise")
    shut.setLevel(logging.CRITICAL + 1)
    shut.propagate = False
    return import_module("apprise")
