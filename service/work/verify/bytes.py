"""Are the bytes that came still those that were signed and sealed, and was that seen in them?"""

from collections.abc import Iterator, Mapping

from service.core.errors import Unreadable
from service.ledger import kept_bytes
from service.ledger.engine import Ledger
from service.ledger.kept_bytes import Delivery, Range
from service.ledger.vault import of_delivery
from service.pingpp.signature import KeyRing, Refused
from service.work.accept import name
from service.work.verify.found import SEALS, Fault, Verified
from service.work.verify.told import compare, name_of


def deliveries(
    ledger: Ledger, rings: Mapping[str, KeyRing], which: Range, seen: Verified
) -> Iterator[Verified]:
    """Every kept delivery: its seal, its digest, its name, its signature, and what it says."""
    for page in kept_bytes.deliveries(ledger, which):
        sound: list[tuple[Delivery, bytes]] = []
        for one in page:
            seen.checked["delivery"] += 1
            body, fault = _check(ledger, rings.get(one.account), one)
            if fault is not None:
                seen.add(fault)
            if body is not None and (fault is None or not fault.known):
                sound.append((one, body))
        compare(ledger, sound, seen)
        yield seen


def check_delivery(ledger: Ledger, ring: KeyRing | None, one: Delivery) -> Fault | None:
    """What is wrong with a kept delivery, or keeps it from being checked; None: it is whole."""
    return _check(ledger, ring, one)[1]


def _check(
    ledger: Ledger, ring: KeyRing | None, one: Delivery
) -> tuple[bytes | None, Fault | None]:
    """Its bytes, as far as they can be opened, and what is wrong with it."""
    which = name_of(one)
    try:
        body = ledger.vault.open(one.body, of_delivery(one.account, one.dedup_key))
    except Unreadable as error:
        return None, Fault("delivery", which, SEALS[error.cause], error.cause != "no_key")
    named = name(one.account, body, one.signature, one.key_fingerprint, one.received_at)
    if named.content_digest != one.content_digest:
        return body, Fault("delivery", which, "its bytes do not have their digest")
    if one.dedup_key not in (named.dedup_key, f"{named.dedup_key}#{named.content_digest}"):
        return body, Fault("delivery", which, "it bears another event's id")
    return body, _signature(ring, one, body, which)


def _signature(ring: KeyRing | None, one: Delivery, body: bytes, which: str) -> Fault | None:
    missing = f"key {one.key_fingerprint} is not configured"
    if ring is None:
        return Fault("delivery", which, missing, known=False)
    try:
        signed = ring.verify(body, one.signature.encode("ascii", "replace"))
    except Refused:
        if one.key_fingerprint in ring.fingerprints:
            return Fault("delivery", which, "its signature is not of these bytes")
        return Fault("delivery", which, missing, known=False)
    if signed != one.key_fingerprint:
        return Fault("delivery", which, "it was signed by another key than it says")
    return None
