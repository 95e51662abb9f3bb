"""What does the ledger know of an object, with the proofs, as one document?

Nothing in it is personal unless it is opened: bodies are masked, and the signed bytes themselves
are left out but for their digest. It does not say when it was made: the same facts are the same
bytes.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.core.closing import Assignment, Entry, mark
from service.core.errors import Unreadable
from service.core.instant import from_micros
from service.core.masking import mask_body
from service.core.observation import Key
from service.ledger import closings, evidence, journal, story
from service.ledger.engine import Ledger
from service.ledger.evidence import Asked, Disputed, Signed
from service.ledger.rules import BY_CODE
from service.ledger.story import Line
from service.ledger.vault import of_delivery, of_observation
from service.pingpp.signature import KeyRing
from service.work.verify.bytes import check_delivery

FORM = 1


@dataclass(slots=True)
class Dossier:
    """The document, and the files that it names by their paths."""

    document: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])


def gather(
    ledger: Ledger, ring: KeyRing | None, key: Key, *, opened: bool, tell: Callable[[Line], str]
) -> Dossier:
    """Everything of an object; of an order, also of what belongs to it.

    opened: the signed bytes are in it, whoever they are of. tell: a line of its story in words.
    """
    with ledger.read() as connection:
        keys = evidence.family(connection, key)
        believed = evidence.believed(connection, keys)
        lines = [(one, line) for one in keys for line in story.tell(connection, one)]
        signed = evidence.signed(connection, keys)
        asked = evidence.asked(connection, keys)
        disputed = evidence.disputed(connection, keys)
        entries = journal.of_objects(connection, keys)
    files = _Files(ledger, ring, opened=opened)
    document: dict[str, Any] = {
        "form": FORM,
        "object": key._asdict(),
        "opened": opened,
        "objects": believed,
        "timeline": _timeline(lines, tell),
        "notifications": [files.notification(one) for one in signed],
        "answers": [files.answer(one) for one in asked],
        "postings": _postings(ledger, entries),
        "mismatches": [_mismatch(one) for one in disputed],
        "keys": [{"fingerprint": name, "file": f"keys/{name}.pem"} for name in sorted(files.keys)],
    }
    return Dossier(document, files.found)


class _Files:
    """Opens what is sealed, says what it is, and puts aside what may be shown."""

    def __init__(self, ledger: Ledger, ring: KeyRing | None, *, opened: bool) -> None:
        self._ledger, self._ring, self._opened = ledger, ring, opened
        self.found: dict[str, bytes] = {}
        self.keys: set[str] = set()

    def notification(self, one: Signed) -> dict[str, Any]:
        """One delivery: whose key signed which bytes."""
        kept = one.delivery
        fault = check_delivery(self._ledger, self._ring, kept)
        body = self._open(kept.body, of_delivery(kept.account, kept.dedup_key))
        told: dict[str, Any] = {
            "number": kept.id,
            "event": kept.dedup_key,
            "type": one.event_type,
            "verdict": one.verdict,
            "received_at": kept.received_at,
            "key_fingerprint": kept.key_fingerprint,
            "signature": kept.signature,
            "signature_is": "good" if fault is None else fault.problem,
        }
        self._key(kept.key_fingerprint)
        return told | self._bytes(f"notifications/{kept.id}", body, kept.signature)

    def answer(self, one: Asked) -> dict[str, Any]:
        """One answer to a question of ours; nobody signs those."""
        body = self._open(one.raw, of_observation(*one.key))
        told: dict[str, Any] = {
            "number": one.id,
            "kind": one.key.kind,
            "id": one.key.object_id,
            "source": one.source,
            "asked_at": one.seen_at,
            "recorded_at": one.recorded_at,
            "decision": one.decision,
        }
        return told | self._bytes(f"answers/{one.id}", body, None)

    def _open(self, sealed: bytes, about: bytes) -> bytes | None:
        try:
            return self._ledger.vault.open(sealed, about)
        except Unreadable:
            return None

    def _bytes(self, path: str, body: bytes | None, signature: str | None) -> dict[str, Any]:
        """What is said of bytes, and the bytes themselves when they may be seen."""
        if body is None:
            return {"sha256": None, "bytes": None, "masked": None, "file": None}
        shown = {
            "sha256": hashlib.sha256(body).hexdigest(),
            "bytes": len(body),
            "masked": mask_body(body),
            "file": f"{path}.json" if self._opened else None,
        }
        if self._opened:
            self.found[f"{path}.json"] = body
        if signature is not None and (decoded := _decoded(signature)) is not None:
            self.found[f"{path}.sig"] = decoded
        return shown

    def _key(self, fingerprint: str) -> None:
        pem = self._ring.pem(fingerprint) if self._ring else None
        if pem is not None:
            self.keys.add(fingerprint)
            self.found[f"keys/{fingerprint}.pem"] = pem


def _decoded(signature: str) -> bytes | None:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return None


def _timeline(
    lines: Sequence[tuple[Key, Line]], tell: Callable[[Line], str]
) -> list[dict[str, Any]]:
    ordered = sorted(lines, key=lambda one: one[1].at)
    return [
        {
            "at": line.at,
            "kind": key.kind,
            "id": key.object_id,
            "what": line.what,
            "text": tell(line),
        }
        for key, line in ordered
    ]


def _postings(ledger: Ledger, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """In order, each with the closed day that it is in."""
    days = closings.closings(ledger)[::-1] if entries else []
    which = Assignment([mark(one.closing) for one in days])

    def row(entry: Entry) -> dict[str, Any]:
        place = which.place(entry.id, entry.happened_at)
        closed = days[place] if place < len(days) else None
        return {
            **entry._asdict(),
            "happened_at": from_micros(entry.happened_at),
            "known_at": from_micros(entry.known_at),
            "closed_on": closed.day if closed else None,
            "closing_hash": closed.hash if closed else None,
        }

    return [row(entry) for entry in sorted(entries)]


_MISMATCH = (
    "id", "rule", "severity", "state", "kind", "object_id", "ours", "theirs", "currency",
    "found_at", "opened_at", "settled_at", "owner", "waived_until",
)  # fmt: skip


def _mismatch(one: Disputed) -> dict[str, Any]:
    rule = BY_CODE.get(one.facts["rule"])
    acts: list[Mapping[str, datetime | str | None]] = [past._asdict() for past in one.acts]
    return {
        **{name: one.facts[name] for name in _MISMATCH},
        "sentence": {"zh": rule.zh, "en": rule.en} if rule else None,
        "acts": acts,
    }
