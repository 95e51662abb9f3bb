"""A small true history of Ping++ objects, and the bytes that tell parts of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.core.observation import Key
from service.ledger.engine import Ledger
from service.ledger.intake import Intake, seal
from service.pingpp.reader import read_answer
from service.work.accept import name
from service.work.apply import Applied, apply
from service.work.terms import Terms
from tests import bodies, shapes

Fields = dict[str, Any]


def wire(fields: Fields) -> bytes:
    """The provider's own way to write JSON (facts §1.1)."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def arrive(ledger: Ledger, account: str, body: bytes, at: datetime) -> None:
    """Put a verified delivery into the inbox, as the receiver does."""
    intake = Intake(ledger)
    arrival = name(account, body, "c2lnbmF0dXJl", "f" * 64, at)
    intake.insert([seal(ledger.vault, arrival)])
    intake.close()


def look(ledger: Ledger, key: Key, fields: Fields, *, terms: Terms, at: datetime) -> Applied:
    """Apply an answer to our own question, asked at `at`."""
    seen = read_answer(wire(fields), key=key, seen_at=at)
    return apply(ledger, seen.observations, terms=terms, now=at)


@dataclass
class TrueOrder:
    """One order as the provider knows it: a list of snapshots, the last one is the truth."""

    number: int
    snapshots: list[Fields] = field(default_factory=list[Fields])
    kind: str = "order"

    def __post_init__(self) -> None:
        self._write("created", 0, 0)

    @property
    def id(self) -> str:
        return f"20126010100000{self.number:05}"

    @property
    def truth(self) -> Fields:
        return self.snapshots[-1]

    def advance(self, refund: int) -> None:
        """Pay it, then refund some more of it."""
        status, refunded = self.truth["status"], self.truth["amount_refunded"]
        if status == "created":
            self._write("paid", 1200, 0)
        else:
            self._write("refunded", 1200, min(1200, refunded + refund))

    def _write(self, status: str, paid: int, refunded: int) -> None:
        charge = bodies.charge(
            id=f"ch_10126010100000{self.number:05}",
            paid=paid > 0,
            time_paid=1780000050 if paid else None,
            amount_refunded=refunded,
            order_no=f"M{self.number}",
        )
        self.snapshots.append(
            bodies.order(
                id=self.id,
                status=status,
                paid=paid > refunded,
                refunded=refunded > 0,
                amount_paid=paid,
                amount_refunded=refunded,
                time_paid=1780000050 if paid else None,
                merchant_order_no=f"M{self.number}",
                charges={"object": "list", "has_more": False, "data": [charge]},
            )
        )


@dataclass
class TrueWithdrawal:
    """One withdrawal as the provider knows it; it ends in the way it was made for."""

    number: int
    end: str
    snapshots: list[Fields] = field(default_factory=list[Fields])
    kind: str = "withdrawal"

    def __post_init__(self) -> None:
        self._write("created")

    @property
    def id(self) -> str:
        return f"17126010100000{self.number:05}"

    @property
    def truth(self) -> Fields:
        return self.snapshots[-1]

    def advance(self, _refund: int) -> None:
        """Confirm it, then end it."""
        following = {"created": "processing", "processing": self.end}
        self._write(following.get(self.truth["status"], self.end))

    def _write(self, status: str) -> None:
        ended = 1780000500 if status == "succeeded" else None
        self.snapshots.append(
            bodies.withdrawal(id=self.id, status=status, time_succeeded=ended, order_no=self.id)
        )


@dataclass
class TrueOther:
    """One object of any kind that has the usual words, or a wallet whose balance goes both ways."""

    number: int
    kind: str
    end: str
    snapshots: list[Fields] = field(default_factory=list[Fields])

    def __post_init__(self) -> None:
        self._write("created")

    @property
    def id(self) -> str:
        return f"{self.kind}-{self.number}"

    @property
    def truth(self) -> Fields:
        return self.snapshots[-1]

    def advance(self, _refund: int) -> None:
        """On to its end, and there it stays."""
        following = {"created": "processing", "processing": self.end}
        self._write(following.get(self.truth["status"], self.end))

    def _write(self, status: str) -> None:
        made = shapes.SAMPLES[self.kind](id=self.id, order_no=self.id, status=status)
        self.snapshots.append(made)


TrueObject = TrueOrder | TrueWithdrawal | TrueOther
Clock = Callable[[], datetime]
