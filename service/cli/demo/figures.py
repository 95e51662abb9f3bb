"""What happened during the demo, in numbers: counted from what the daemon wrote and published."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_CHANGE = "pingpp."
_MISMATCH = "pingledger.mismatch."
_NOTIFIED = "webhook"

Row = Mapping[str, Any]


@dataclass(slots=True)
class Figures:
    """The summary's numbers; money in minor units."""

    events: int = 0
    lost: int = 0
    received: int = 0
    repeated: int = 0
    refused: int = 0
    changes: int = 0
    only_by_asking: int = 0
    objects: int = 0
    paid: int = 0
    refunded: int = 0


def count_messages(figures: Figures, messages: Iterable[Row]) -> None:
    """Count the published changes, and the objects of which no notification told."""
    sources: dict[tuple[str, str], set[str]] = {}
    figures.changes = 0
    for message in messages:
        if not message["type"].startswith(_CHANGE):
            continue
        figures.changes += 1
        data = message["data"]
        sources.setdefault((data["kind"], data["id"]), set()).add(data["source"])
    figures.only_by_asking = sum(_NOTIFIED not in seen for seen in sources.values())


def book_of(messages: Iterable[Row]) -> list[Row]:
    """What a consumer of the messages knows: each object as its newest change left it."""
    book: dict[tuple[str, str], Row] = {}
    for message in messages:
        if message["type"].startswith(_CHANGE):
            data = message["data"]
            book[data["kind"], data["id"]] = {
                **data["after"],
                "kind": data["kind"],
                "id": data["id"],
            }
    return list(book.values())


def mismatches_of(messages: Iterable[Row]) -> list[Row]:
    """What a consumer knows of mismatches: each as it was told last."""
    told: dict[tuple[str, str, str], Row] = {}
    for message in messages:
        if message["type"].startswith(_MISMATCH):
            data = message["data"]
            told[data["rule"], data["kind"], data["id"]] = data
    return list(told.values())


def count_objects(figures: Figures, rows: Iterable[Row]) -> None:
    """Count the ledger's objects, and its orders' money."""
    known = list(rows)
    orders = [row for row in known if row["kind"] == "order"]
    figures.objects = len(known)
    figures.paid = sum(row["amount_paid"] or 0 for row in orders)
    figures.refunded = sum(row["amount_refunded"] or 0 for row in orders)


def count_deliveries(figures: Figures, rows: Iterable[Row]) -> None:
    """Count what was received: every delivery once, its repeats beside it."""
    known = list(rows)
    figures.received = len(known)
    figures.repeated = sum(int(row["repeats"]) for row in known)


def count_sandbox(figures: Figures, stats: Row) -> None:
    """Count what the other side did: events that happened, were lost, and were forged in vain."""
    figures.events = stats["events"]
    figures.lost = stats["faults"].get("lose", 0)
    figures.refused = stats["sends"].get("refused", 0)


def plain_yuan(fen: int) -> str:
    """An amount as a file holds it."""
    return f"{fen // 100}.{fen % 100:02d}"


def yuan(fen: int) -> str:
    """An amount as people read it."""
    return f"{fen // 100:,}.{fen % 100:02d}"
