"""How does an incident begin and end: PagerDuty's Events API, version 2?"""

from typing import Any

from service.outbound.people.note import Incident, Note
from service.outbound.people.post import Poster
from service.outbound.sink import Answer, Later, Sent

PATH = "/v2/enqueue"
SUMMARY_CHARACTERS = 1_000


class PagerDuty:
    """Triggers and resolves by a stable key; a digest or a reminder is none of its business."""

    service = "pagerduty"
    limit_bytes = 20_000
    has_incidents = True

    def __init__(self, name: str, poster: Poster, routing_key: str) -> None:
        self.name = name
        self._poster, self._routing_key = poster, routing_key

    def tell(self, note: Note) -> Answer:
        """Send each incident of the note; those sent before a failure are no harm sent again."""
        for one in note.incidents:
            said = self._poster.post(PATH, self._event(one))
            if isinstance(said, Later):
                return said
            if not 200 <= said.status < 300:
                return Later(f"status {said.status}")
        return Sent()

    def close(self) -> None:
        """Close the connection."""
        self._poster.close()

    def _event(self, one: Incident) -> dict[str, Any]:
        event: dict[str, Any] = {
            "routing_key": self._routing_key,
            "dedup_key": one.key,
            "event_action": "trigger" if one.opens else "resolve",
        }
        if one.opens:
            event["payload"] = {
                "summary": one.summary[:SUMMARY_CHARACTERS],
                "source": "pingledger",
                "severity": one.severity,
            }
            if one.link:
                event["links"] = [{"href": one.link, "text": "pingledger"}]
        return event
