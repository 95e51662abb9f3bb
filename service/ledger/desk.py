"""What people do about mismatches, who did it and when; nobody but the facts can settle one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.masking import mask_text
from service.core.observation import Key
from service.ledger.engine import Connection
from service.ledger.rules import Finding
from service.ledger.schema import acts, mismatches
from service.ledger.tellings import Told

# A waiver that never ends is a mismatch that nobody ever looks at again.
WAIVER_LIMIT = timedelta(days=366)
NOTE_LIMIT = 2_000
NAME_LIMIT = 64
# Who acts when a waiver ends by itself.
OURSELVES = "pingledger"

# What may be done in which states, and the state it leads to (None: as it was).
_MOVES: Mapping[str, tuple[frozenset[str], str | None]] = {
    "acknowledge": (frozenset({"open"}), "acknowledged"),
    "assign": (frozenset({"open", "acknowledged", "waived"}), None),
    "comment": (frozenset({"suspected", "open", "acknowledged", "waived", "settled"}), None),
    "waive": (frozenset({"open", "acknowledged"}), "waived"),
    "reopen": (frozenset({"acknowledged", "waived"}), "open"),
}


def states_for(name: str) -> frozenset[str]:
    """In which states a mismatch allows an act."""
    return _MOVES[name][0]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a person does: owner is for assign, until and a note are needed to waive.

    seen: how many acts a mismatch had when the person looked at it; None: whatever there are.
    """

    name: str
    who: str
    note: str = ""
    owner: str | None = None
    until: datetime | None = None
    seen: int | None = None

    def problem(self, now: datetime) -> str | None:
        """What is missing or wrong about it, in a few words."""
        checks = (
            (
                self.name not in _MOVES,
                f"no act is called {self.name!r}: {', '.join(_MOVES)}",
            ),
            (not self.who or len(self.who) > NAME_LIMIT, "it must be said who does it"),
            (len(self.note) > NOTE_LIMIT, f"the note is longer than {NOTE_LIMIT} characters"),
            (self.name in ("comment", "waive") and not self.note.strip(), "a note is needed"),
            (self.name == "assign" and not self.owner, "an owner is needed"),
            (len(self.owner or "") > NAME_LIMIT, "the owner's name is too long"),
            (self.owner is not None and self.name != "assign", "only assign takes an owner"),
            (self.until is not None and self.name != "waive", "only waive takes an end"),
            (self.name == "waive" and not self._ends_soon(now), "an end within a year is needed"),
        )
        return next((text for wrong, text in checks if wrong), None)

    def _ends_soon(self, now: datetime) -> bool:
        return self.until is not None and now < self.until <= now + WAIVER_LIMIT


class Done(NamedTuple):
    """What came of it: numbers done, and those that could not be, each with the reason."""

    done: list[int]
    refused: dict[int, str]
    told: list[Told]


class Past(NamedTuple):
    """One act of the history of a mismatch."""

    at: datetime
    who: str
    act: str
    note: str
    owner: str | None
    until: datetime | None


def act(connection: Connection, numbers: Iterable[int], one: Act, *, now: datetime) -> Done:
    """Do it to each mismatch whose state allows it; `told` wants to be put into the outbox.

    Raises ValueError when the act itself is wrong (see `Act.problem`).
    """
    if problem := one.problem(now):
        raise ValueError(problem)
    wanted = sorted(set(numbers))
    rows = {row.id: row for row in _locked(connection, wanted)}
    allowed, state = _MOVES[one.name]
    refused = {
        number: "no mismatch has this number" if number not in rows else f"it is {row_state}"
        for number in wanted
        if (row_state := rows[number].state if number in rows else None) not in allowed
    }
    refused |= _changed(connection, [n for n in wanted if n not in refused], one)
    done = [number for number in wanted if number not in refused]
    _write(connection, done, one, state, now)
    told = [_told(rows[number], state, now) for number in done if state in ("open", "waived")]
    return Done(done, refused, [each for each in told if each is not None])


CHANGED = "it was changed meanwhile"


def _changed(connection: Connection, numbers: Sequence[int], one: Act) -> dict[int, str]:
    """Those that somebody acted on since the person looked: a form that was sent twice, too."""
    if one.seen is None:
        return {}
    had = dict.fromkeys(numbers, 0)
    rows = connection.execute(
        sa.select(acts.c.mismatch_id, sa.func.count())
        .where(acts.c.mismatch_id.in_(numbers))
        .group_by(acts.c.mismatch_id)
    )
    had |= {int(number): int(count) for number, count in rows}
    return {number: CHANGED for number, count in had.items() if count != one.seen}


def open_again(connection: Connection, numbers: Sequence[int], *, now: datetime) -> set[int]:
    """Open waived ones whose waiver is over; which of them still were waived."""
    rows = [row.id for row in _locked(connection, sorted(numbers)) if row.state == "waived"]
    _write(connection, rows, Act("reopen", OURSELVES, "the waiver is over"), "open", now)
    return set(rows)


def history(connection: Connection, number: int) -> Iterator[Past]:
    """What was done about a mismatch, the oldest first."""
    rows = connection.execute(
        sa.select(*(acts.c[name] for name in Past._fields))
        .where(acts.c.mismatch_id == number)
        .order_by(acts.c.id)
    )
    return (Past(*row) for row in rows)


def is_there(connection: Connection, number: int) -> bool:
    """Whether a mismatch has this number, settled or not."""
    found = sa.select(mismatches.c.id).where(mismatches.c.id == number)
    return connection.execute(found).first() is not None


def _locked(connection: Connection, numbers: Sequence[int]) -> Sequence[Any]:
    if not numbers:
        return []
    return connection.execute(
        sa.select(mismatches)
        .where(mismatches.c.id.in_(numbers))
        # one order for everybody
        .order_by(mismatches.c.id)
        .with_for_update()
    ).all()


def _write(
    connection: Connection, numbers: Sequence[int], one: Act, state: str | None, now: datetime
) -> None:
    if not numbers:
        return
    values: dict[str, Any] = {}
    if state is not None:
        values |= {"state": state, "waived_until": one.until if state == "waived" else None}
    if one.owner is not None:
        values["owner"] = one.owner
    # a waiver has closed it: this is another opening
    was_waived = mismatches.c.waived_until.is_not(None)
    if state == "open":
        values["turns"] = mismatches.c.turns + sa.case((was_waived, 1), else_=0)
    if values:
        connection.execute(sa.update(mismatches).where(mismatches.c.id.in_(numbers)).values(values))
    row = {"at": now, "who": one.who, "act": one.name, "note": mask_text(one.note)}
    row |= {"owner": one.owner, "until": one.until}
    connection.execute(sa.insert(acts), [{"mismatch_id": each, **row} for each in numbers])


def _told(row: Any, state: str | None, now: datetime) -> Told | None:
    """A waiver is told, and so is its end; an acknowledged one was never closed."""
    if state == "open" and row.state != "waived":
        return None
    key = Key(row.account, row.kind, row.object_id)
    finding = Finding(row.rule, key, row.ours, row.theirs, row.currency)
    opened_at = now if state == "open" else row.opened_at
    return Told(finding, str(state), row.found_at, opened_at, row.severity)
