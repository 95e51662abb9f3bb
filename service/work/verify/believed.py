"""Does a belief say what its state says, and do its changes lead to it, one from the other?

That its state is the join of what was seen is what `work.rebuild` compares.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

import msgspec

from service.core.belief import decode
from service.core.derived import derived
from service.core.journal import Net, net, read_standings
from service.core.kinds import KINDS
from service.core.observation import Key
from service.core.view import differs, told, view
from service.ledger import history, journal
from service.ledger.engine import Connection, Ledger
from service.ledger.history import Changed, Ended
from service.work.verify.found import Fault, Verified


def believed(
    ledger: Ledger, since: datetime | None, until: datetime | None, seen: Verified
) -> Iterator[Verified]:
    """The belief of every object that was seen then, and all that was told of it."""
    for _ in history.slices(ledger, partial(_compare, seen), since=since, until=until):
        yield seen


def _compare(seen: Verified, connection: Connection, keys: Sequence[Key]) -> None:
    booked = journal.sums(connection, keys)
    changes = history.changes_of(connection, keys)
    # one that is not there differs from what was seen: that is named there
    for key, end in history.ends_of(connection, keys).items():
        rows = changes.get(key, [])
        seen.checked["change"] += len(rows)
        for row, problem in _broken(rows):
            seen.add(Fault("change", f"{row.id}, {row.seq} of {' '.join(key)}", problem))
        for problem in _problems(key, end, rows, booked.get(key, {})):
            seen.add(Fault("object", " ".join(key), problem))


def _broken(rows: Sequence[Changed]) -> Iterator[tuple[Changed, str]]:
    before: str | None = None
    for place, row in enumerate(rows, 1):
        if row.seq != place:
            yield row, "it is not numbered as it was made"
        elif row.before != before:
            yield row, "it does not begin where the one before ended"
        before = row.after


def _problems(key: Key, end: Ended, rows: Sequence[Changed], booked: Net) -> Iterator[str]:
    last = (rows[-1].seq, rows[-1].after) if rows else (0, None)
    if (end.seq, end.told) != last:
        yield "its last change does not lead to what is believed"
    try:
        state = decode(end.columns["state"])
        known = view(KINDS[key.kind], state)
        follows = derived(state, known)
        wrong = [name for name, value in end.columns.items() if follows[name] != value]
        if wrong:
            yield f"its {', '.join(wrong)} is not what its state says"
        if not known.conflict and differs(end.view(), told(known)):
            yield "what was told of it last is not what is believed"
        if net(one[:4] for one in read_standings(end.booked)) != booked:
            yield "what its belief says is booked is not what its postings add up to"
    except (msgspec.MsgspecError, ValueError, KeyError):
        yield "what its belief says cannot be read"
