"""What people do about mismatches: acknowledge, assign, comment, waive, reopen; and it is told."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from service.ledger import desk, outbox
from service.ledger.desk import Act, Done
from service.ledger.engine import Ledger
from service.ledger.tellings import messages
from service.work.terms import Terms


class NotWhole(Exception):
    """Some of it could not be done, so none of it was; `refused`: reasons by number."""

    def __init__(self, refused: dict[int, str]) -> None:
        super().__init__(f"{len(refused)} of the mismatches do not allow it")
        self.refused = refused


def respond(
    ledger: Ledger,
    wanted: Iterable[tuple[Act, Sequence[int]]],
    *,
    terms: Terms,
    now: datetime,
    wholly: bool = False,
) -> list[Done]:
    """Do each act to its mismatches, in one transaction; what does not allow it stays as it was.

    wholly: all or nothing, raises NotWhole. Raises ValueError for an act that is wrong in itself.
    """
    with ledger.begin() as connection:
        done = [desk.act(connection, numbers, act, now=now) for act, numbers in wanted]
        refused = {number: why for one in done for number, why in one.refused.items()}
        if wholly and refused:
            raise NotWhole(refused)
        told = [each for one in done for each in one.told]
        made = messages(connection, told, epoch=terms.epoch, now=now)
        outbox.enqueue(connection, made, terms.sinks, now=now)
    return done
