"""What do two statements and Ping++ say of each number, side by side, and who stands alone?"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from starlette.responses import Response

from service.core.statement.mapping import Reading
from service.core.statement.three_way import SIDES, Compared
from service.ledger import statements
from service.ledger.statements import Statement
from service.ledger.three_way import Source, compared
from service.settings.statements import readings
from service.web.console.page import page
from service.web.console.visit import NUMBER_LIMIT, Refused, Visit, number_of
from service.web.console.words import N_

ROWS_SHOWN = 200
# more lines than these, of both files, are compared by the command: a page would take too long
LINES_LIMIT = 200_000


class Choice(NamedTuple):
    """The statements that may be chosen for two of the sides."""

    books: Sequence[Statement]
    bills: Sequence[Statement]


@dataclass(slots=True)
class Laid:
    """What was found. rows: the first numbers that differ; alone: how often a side stands alone."""

    first_day: int
    last_day: int
    numbers: int = 0
    differing: int = 0
    alone: Counter[str] = field(default_factory=Counter[str])
    rows: list[Compared] = field(default_factory=list[Compared])

    def add(self, one: Compared) -> None:
        """Count a number, and keep it if it differs and there is room."""
        self.numbers += 1
        if not one.alone:
            return
        self.differing += 1
        self.alone.update({names[0] for names in one.alone.values() if len(names) == 1})
        if len(self.rows) < ROWS_SHOWN:
            self.rows.append(one)


def laid(visit: Visit) -> Response:
    """The form, and what the chosen two and Ping++ say; nothing is written."""
    visit.check_query(("book", "channel"))
    known = readings(visit.settings.statements)
    choice = choices(visit, known)
    book = _chosen(visit, "book", choice.books)
    bill = _chosen(visit, "channel", choice.bills)
    shown, problem = None, ""
    if book is not None and bill is not None:
        problem = _problem(book, bill)
        shown = None if problem else _lay(visit, known, book, bill)
    return page(
        visit,
        "three_way.html",
        choice=choice,
        book=book,
        bill=bill,
        shown=shown,
        problem=problem,
        sides=SIDES,
        limit=ROWS_SHOWN,
    )


def choices(visit: Visit, known: dict[str, Reading]) -> Choice:
    """Of what counts and may be seen: books, and what speaks for some channels."""
    with visit.ledger.read() as connection:
        found = statements.listed(connection, removed=False)
    mine = [one for one in found if one.source in known and visit.person.sees(one.account)]
    return Choice(
        [one for one in mine if not known[one.source].channels],
        [one for one in mine if known[one.source].channels],
    )


def _chosen(visit: Visit, name: str, among: Collection[Statement]) -> Statement | None:
    given = visit.text(name)
    if given is None:
        return None
    number = number_of(given, name, NUMBER_LIMIT)
    for one in among:
        if one.id == number:
            return one
    raise Refused(400, N_("The field has no such choice."), name)


def _problem(book: Statement, bill: Statement) -> str:
    """Why these two are not compared here."""
    if book.account != bill.account:
        return N_("Choose two statements of one account.")
    if max(book.first_day, bill.first_day) > min(book.last_day, bill.last_day):
        return N_("There is no day that both statements cover.")
    if book.lines + bill.lines > LINES_LIMIT:
        return N_("These are too many lines for a page: pingledger statement three-way has room.")
    return ""


def _lay(visit: Visit, known: dict[str, Reading], book: Statement, bill: Statement) -> Laid:
    days = max(book.first_day, bill.first_day), min(book.last_day, bill.last_day)
    ours, theirs = (Source(one.source, known[one.source]) for one in (book, bill))
    found = Laid(*days)
    for one in compared(visit.ledger, book.account, ours, theirs, days):
        found.add(one)
    return found
