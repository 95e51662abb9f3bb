"""How does the demo's day end? The merchant's book comes in, the day closes, all is verified."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.cli.demo.daemon import ACCOUNT, Daemon
from service.cli.demo.figures import plain_yuan
from service.core.closing import day_after, day_of
from service.ledger import closings, reads
from service.ledger.closings import Closed
from service.ledger.kept_bytes import Range
from service.runtime import Runtime, closing_terms_of, open_runtime
from service.settings import load
from service.settings.statements import readings
from service.work.close import close, derive, first_day
from service.work.statement.match import match
from service.work.statement.take import EPOCH, Order, take
from service.work.verify.everything import verify
from service.work.verify.found import Verified

SOURCE = "book"
# What the book says and nobody has sold.
INVENTED = "BOOK-0001"
REASON = "演示结束 / the demo ends before its day does"
_SOLD = ("paid", "refunded")

Row = Mapping[str, Any]


@dataclass(slots=True)
class Evening:
    """What came of it. planted, found: differences between the book and the ledger."""

    planted: list[str] = field(default_factory=list[str])
    found: list[str] = field(default_factory=list[str])
    rules: dict[str, int] = field(default_factory=dict[str, int])
    days: list[Closed] = field(default_factory=list[Closed])
    derived: bool = False
    verified: Verified = field(default_factory=Verified)

    @property
    def good(self) -> bool:
        """Found what was planted and no more; closed as the postings say; nothing was changed."""
        whole = not self.verified.wrong and not self.verified.unverifiable
        return self.planted == self.found and bool(self.days) and self.derived and whole


def end_day(daemon: Daemon, truth: Sequence[Row], planted: Iterable[Row]) -> Evening:
    """Do what a finance person does at the end of a day."""
    told = Evening()
    with open_runtime(load(daemon.config)) as runtime:
        told.planted, told.found = _reconcile_book(runtime, daemon, truth, planted)
        told.days = list(_close(runtime))
        told.derived = all(derive(runtime.ledger, one) == (one.text, []) for one in told.days)
        told.rules = _by_rule(told.days)
        *_, told.verified = verify(
            runtime.ledger, runtime.rings, zone=runtime.settings.zone, which=Range()
        )
    return told


def _reconcile_book(
    runtime: Runtime, daemon: Daemon, truth: Sequence[Row], planted: Iterable[Row]
) -> tuple[list[str], list[str]]:
    """Import the merchant's book; the slips in it, and the differences that are found."""
    numbers = {
        one.id: one.order_no or one.id for one in reads.objects(runtime.ledger, kind="order")
    }
    day = day_of(runtime.clock(), runtime.settings.zone)
    slips, lines = write_book(truth, planted, numbers)
    path = daemon.folder / "book.csv"
    head = "type,order_no,amount,at\n"
    text = "".join(f"payment,{number},{plain_yuan(fen)},{day}\n" for number, fen in lines)
    path.write_text(head + text, encoding="utf-8")
    reading = readings(runtime.settings.statements)[SOURCE]
    today = (day - EPOCH).days
    # a demo may run over midnight
    order = Order(path, ACCOUNT, SOURCE, reading, (today - 1, today + 1))
    take(runtime.ledger, order, now=runtime.clock())
    seen = match(runtime.ledger, ACCOUNT, SOURCE, reading, terms=runtime.terms, now=runtime.clock())
    # source/what/number
    found = (f"{one.rule} {one.key.object_id.split('/', 2)[2]}" for one in seen.findings)
    return slips, sorted(found)


def write_book(
    truth: Iterable[Row], planted: Iterable[Row], numbers: Mapping[str, str]
) -> tuple[list[str], list[tuple[str, int]]]:
    """What was sold, as a merchant writes it down; the slips ("rule number") and (number, fen).

    numbers: the merchant's own of each order.
    """
    odd = {object_id for plant in planted for _, object_id in plant["made"]}
    sold = [one for one in truth if one["kind"] == "order" and one["status"] in _SOLD]
    honest = [one["id"] for one in sold if one["id"] not in odd]
    slip_of = dict(zip(honest, _SLIPS, strict=False))
    lines: list[tuple[str, int]] = []
    for one in sold:
        slip, line = slip_of.get(one["id"]), (numbers[one["id"]], one["amount_paid"])
        lines += _SLIPS[slip](*line) if slip else [line]
    lines.append((INVENTED, 500))
    slips = [f"{slip} {numbers[object_id]}" for object_id, slip in slip_of.items()]
    return sorted([*slips, f"statement_missing_here {INVENTED}"]), lines


# By the rule that should find it: what becomes of a line.
_SLIPS: Mapping[str, Callable[[str, int], list[tuple[str, int]]]] = {
    "statement_amount": lambda number, fen: [(number, fen + 1)],
    "statement_missing_there": lambda _number, _fen: [],
    "statement_duplicate": lambda number, fen: [(number, fen)] * 2,
}


def _close(runtime: Runtime) -> Iterator[Closed]:
    """Every day since the demo began; today is not over, and the reason stands in its closing."""
    ledger, clock, zone = runtime.ledger, runtime.clock, runtime.settings.zone
    last = closings.last(ledger)
    day = day_after(last.day) if last else first_day(ledger, zone)
    while day is not None and day <= day_of(clock(), zone):
        terms = closing_terms_of(runtime.settings)
        done, _ = close(
            ledger, day, terms, terms=runtime.terms, now=clock(), by="demo", reason=REASON
        )
        yield done
        day = day_after(day)


def _by_rule(days: Sequence[Closed]) -> dict[str, int]:
    """The mismatches that stood when the last day closed."""
    counts: Counter[str] = Counter()
    for one in days[-1].closing.mismatches if days else ():
        counts[one.rule] += one.count
    return dict(sorted(counts.items()))
