"""What happens to a delivery before it is answered: verified, named and made durable, no more."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from service.core.errors import TryLater
from service.ledger import notices
from service.ledger.engine import Connection
from service.ledger.inbox import InboxWriter
from service.ledger.intake import Arrival
from service.ledger.repeats import Tell
from service.pingpp.signature import KeyRing
from service.work.terms import Terms

_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,128}").fullmatch
_EVENT_TYPE = re.compile(r"[!-~]{1,128}").fullmatch
# the one value that honest retries of an event change (fact 1.2)
_PENDING_WEBHOOKS = re.compile(rb'"pending_webhooks"\s*:\s*(\d+)').search


class _Envelope(msgspec.Struct):
    """The two words of an event that accepting needs; the rest is read later and strictly."""

    id: Any = None
    type: Any = None


_decode = msgspec.json.Decoder(_Envelope).decode


class Acceptor:
    """Takes deliveries of some accounts. `rings` may be replaced while it runs."""

    def __init__(
        self, rings: Mapping[str, KeyRing], inbox: InboxWriter, clock: Callable[[], datetime]
    ) -> None:
        self.rings = rings
        self._inbox = inbox
        self._clock = clock

    async def accept(
        self, account: str, body: bytes, signature: bytes, traceparent: str | None = None
    ) -> None:
        """Return when the delivery is durable; until then it was not received.

        Raises Refused when no key of the account made the signature over exactly these bytes, and
        TryLater when it cannot be stored now. A repeat is as good as a first one.
        """
        fingerprint = self.verify(account, body, signature)
        arrival = name(account, body, signature.decode(), fingerprint, self._clock())
        if traceparent is not None:
            arrival = arrival._replace(traceparent=traceparent)
        if not await self._inbox.submit(arrival):
            raise TryLater("the delivery could not be stored")

    def verify(self, account: str, body: bytes, signature: bytes) -> str:
        """The fingerprint of the key that signed exactly these bytes; raises Refused."""
        return self.rings[account].verify(body, signature)


def tell_differences(terms: Terms, clock: Callable[[], datetime]) -> Tell:
    """Tell once of an event whose retry says something else; both are kept, the first counts."""

    def tell(connection: Connection, arrival: Arrival) -> None:
        notices.tell_once(
            connection,
            arrival.account,
            "differing_retry",
            arrival.dedup_key,
            epoch=terms.epoch,
            sinks=terms.sinks,
            data={"content_digest": arrival.content_digest},
            now=clock(),
        )

    return tell


def name(
    account: str, body: bytes, signature: str, fingerprint: str, received_at: datetime
) -> Arrival:
    """Say which delivery this is: by its event id, else (none, or an odd one) by its bytes."""
    try:
        envelope = _decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        envelope = _Envelope()
    event_id, event_type = envelope.id, envelope.type
    if isinstance(event_id, str) and _EVENT_ID(event_id):
        dedup_key = event_id
    else:
        dedup_key = f"sha256:{hashlib.sha256(body).hexdigest()}"
    known_type = event_type if isinstance(event_type, str) and _EVENT_TYPE(event_type) else None
    return Arrival(
        account,
        dedup_key,
        content_digest(body),
        body,
        signature,
        fingerprint,
        received_at,
        known_type,
    )


def content_digest(body: bytes) -> str:
    """Digest in hex of all but the value of pending_webhooks: equal for honest retries."""
    found = _PENDING_WEBHOOKS(body)
    if found is None:
        return hashlib.sha256(body).hexdigest()
    digest = hashlib.sha256(body[: found.start(1)])
    digest.update(body[found.end(1) :])
    return digest.hexdigest()
