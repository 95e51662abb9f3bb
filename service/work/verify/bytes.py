"""Are the bytes that came still those that were signed and sealed?"""

from collections.abc import Iterator, Mapping

from service.core.errors import Unreadable
from service.ledger import kept_bytes
from service.ledger.engine import Ledger
from service.ledger.kept_bytes import Answer, Delivery, Range
from service.ledger.vault import of_delivery, of_observation
from service.pingpp.signature import KeyRing, Refused
from service.work.accept import name
from service.work.verify.found import Fault, Verified

# What a vault says of bytes that it does not open.
_SEALS = {"no_key": "the key that sealed it is not here", "broken_seal": "its seal is broken"}


def deliveries(
    ledger: Ledger, rings: Mapping[str, KeyRing], which: Range, seen: Verified
) -> Iterator[Verified]:
    """Every kept delivery: its seal, its digest, its name and its signature."""
    for page in kept_bytes.deliveries(ledger, which):
        for one in page:
            seen.checked["delivery"] += 1
            if fault := check_delivery(ledger, rings.get(one.account), one):
                seen.add(fault)
        yield seen


def answers(ledger: Ledger, which: Range, seen: Verified) -> Iterator[Verified]:
    """Every answer to a question of ours: its seal, which nobody makes without the key."""
    for page in kept_bytes.answers(ledger, which):
        for one in page:
            seen.checked["answer"] += 1
            if fault := _answer(ledger, one):
                seen.add(fault)
        yield seen


def check_delivery(ledger: Ledger, ring: KeyRing | None, one: Delivery) -> Fault | None:
    """What is wrong with a kept delivery, or keeps it from being checked; None: it is whole."""
    which = f"{one.id} {one.dedup_key} of {one.account}"
    try:
        body = ledger.vault.open(one.body, of_delivery(one.account, one.dedup_key))
    except Unreadable as error:
        return Fault("delivery", which, _SEALS[error.cause], error.cause != "no_key")
    named = name(one.account, body, one.signature, one.key_fingerprint, one.received_at)
    if named.content_digest != one.content_digest:
        return Fault("delivery", which, "its bytes do not have their digest")
    if one.dedup_key not in (named.dedup_key, f"{named.dedup_key}#{named.content_digest}"):
        return Fault("delivery", which, "it bears another event's id")
    return _signature(ring, one, body, which)


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


def _answer(ledger: Ledger, one: Answer) -> Fault | None:
    which = f"{one.id} of {' '.join(one.key)}"
    try:
        ledger.vault.open(one.raw, of_observation(*one.key))
    except Unreadable as error:
        return Fault("answer", which, _SEALS[error.cause], error.cause != "no_key")
    return None
