"""Which bodies an event goes out as: its envelope (facts 1.2), signed, or as a fault has it."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.sandbox.faults import Faults
from service.sandbox.truth import News, Truth
from service.sandbox.wire import encode

Sign = Callable[[bytes], str]

# Facts 1.3, the newer schedule: the waits between one try and the next.
RETRY_SECONDS = (5, 10, 120, 300, 600, 1800, 3600, 7200, 21600, 54000)

# How late a repeat comes, and how long a delayed event takes, in Ping++'s own seconds.
_REPEAT_SECONDS = (1.0, 60.0)
_DELAY_SECONDS = (10.0, 300.0)
# An event that waits for the next one does not wait for ever.
_HELD_SECONDS = 60.0

# What the other end of each status is, for an event that contradicts.
_OTHER_ENDS = {
    "paid": "canceled",
    "refunded": "canceled",
    "succeeded": "failed",
    "failed": "succeeded",
    "success": "failed",
}


@dataclass(slots=True)
class Parcel:
    """One body on its way: what it is, when it goes next, and how often it was tried."""

    event_id: str
    type: str
    object_id: str
    body: bytes
    signature: str
    due: datetime
    fault: str = ""
    tries: int = 0
    held: bool = False


def envelope(truth: Truth, news: News) -> dict[str, Any]:
    """The event object, in the order of the newer signed bodies."""
    request = truth.ids.request() if truth.chance.random() < 0.5 else None
    return {
        "id": truth.ids.draw("event", news.at),
        "object": "event",
        "created": int(news.at.timestamp()),
        "livemode": truth.livemode,
        "type": news.type,
        "data": {"object": news.object},
        "request": request,
        "pending_webhooks": 0,
    }


class Press:
    """Turns news into parcels; keeps every event, the lost ones too, for GET /v1/events."""

    def __init__(self, truth: Truth, faults: Faults, sign: Sign) -> None:
        self._truth = truth
        self._faults = faults
        self._sign = sign
        self.events: dict[str, dict[str, Any]] = {}

    def print(self, news: News) -> list[Parcel]:
        """The parcels of one event: none when it is lost, more when it is repeated or forged."""
        event = envelope(self._truth, news)
        self.events[event["id"]] = event
        faults = self._faults.of_event(f"{news.type} {news.object['id']}")
        if "lose" in faults:
            return []
        if "early" in faults:
            event = _with_object(event, self._before(news))
        first = self._parcel(event, news.at, "")
        first.held = "reorder" in faults
        if first.held:
            first.due = news.at + self._truth.pace.seconds(_HELD_SECONDS)
        if "delay" in faults:
            first.due += self._wait(_DELAY_SECONDS)
        more = self._companions(event, news, faults)
        return [first, *more]

    def _companions(
        self, event: dict[str, Any], news: News, faults: frozenset[str]
    ) -> list[Parcel]:
        more: list[Parcel] = []
        later = news.at + self._wait(_REPEAT_SECONDS)
        if "repeat" in faults:
            again = {**event, "pending_webhooks": 1}
            more.append(self._parcel(again, later, "repeat"))
        if "other_body" in faults:
            other = {**event, "created": event["created"] + 1}
            more.append(self._parcel(other, later, "other_body"))
        if "other_end" in faults and news.object.get("status") in _OTHER_ENDS:
            status = _OTHER_ENDS[news.object["status"]]
            other = _with_object(event, {**news.object, "status": status})
            other["id"] = self._truth.ids.draw("event", news.at)
            self.events[other["id"]] = other
            more.append(self._parcel(other, later, "other_end"))
        if "forge" in faults:
            more.append(self._forged(event, news))
        return more

    def _parcel(self, event: dict[str, Any], due: datetime, fault: str) -> Parcel:
        body = encode(event)
        subject = event["data"]["object"]["id"]
        return Parcel(event["id"], event["type"], subject, body, self._sign(body), due, fault)

    def _forged(self, event: dict[str, Any], news: News) -> Parcel:
        """Another amount under a signature that was made over other bytes, or is none at all."""
        amount = news.object.get("amount", 1) * 100
        forged = _with_object(event, {**news.object, "amount": amount})
        forged["id"] = self._truth.ids.draw("event", news.at)
        parcel = self._parcel(forged, news.at, "forge")
        noise = base64.b64encode(self._truth.chance.randbytes(256)).decode()
        parcel.signature = self._truth.chance.choice([noise, self._sign(encode(event)), ""])
        return parcel

    def _before(self, news: News) -> dict[str, Any]:
        return self._truth.earlier.get(news.object["id"], news.object)

    def _wait(self, seconds: tuple[float, float]) -> timedelta:
        return self._truth.pace.seconds(self._truth.chance.uniform(*seconds))


def _with_object(event: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
    return {**event, "data": {"object": shown}}
