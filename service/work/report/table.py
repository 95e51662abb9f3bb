"""Which reports are there? The one table that command line, console, API and schedule read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.core.report.sheet import Document, Words
from service.ledger.engine import Connection
from service.outbound.files.formats import TABLES, Shape
from service.work.report import orders
from service.work.report.ask import Ask


@dataclass(frozen=True, slots=True)
class Report:
    """One report. takes: which parts of an Ask it looks at besides account and language.

    days: it is of a stretch of days, else of now. sheets: those that may be asked for alone.
    """

    name: str
    title: Words
    build: Callable[[Connection, Ask], Document]
    about: Words
    days: bool = True
    takes: frozenset[str] = frozenset()
    sheets: tuple[str, ...] = ()
    shapes: tuple[Shape, ...] = TABLES


REPORTS: Mapping[str, Report] = {
    one.name: one
    for one in (
        Report(
            "orders",
            orders.TITLE,
            orders.document,
            Words(
                "每笔订单的金额、实付、已退、渠道流水号与手续费",
                "each order: amount, paid, refunded, the channel's number and the fee",
            ),
            takes=frozenset({"by"}),
            sheets=("orders",),
        ),
    )
}
