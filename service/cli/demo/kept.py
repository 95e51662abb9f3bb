"""What does the demo leave behind to look at? A second shop, with its past."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from service.cli.demo.figures import plain_yuan
from service.cli.demo.past import SINK, Past
from service.core.closing import day_of
from service.core.filter import Filter
from service.core.statement.mapping import READY
from service.ledger import audit, closings, reads
from service.ledger.engine import Ledger, open_ledger
from service.ledger.keyfiles import load_vault
from service.ledger.migrations import read_epoch
from service.pingpp.signature import KeyRing, load_public_key
from service.sandbox.keys import private_key
from service.settings.model import KEY_FILE, LEDGER_FILE
from service.work.close import ClosingTerms, close, first_day
from service.work.count import count
from service.work.grade import grade
from service.work.statement.match import match
from service.work.statement.take import Order, take
from service.work.terms import Terms

SHOP = "shop"
ZONE = "Asia/Shanghai"
REASON = "差异已逐笔看过，次日跟进"
_PAID = ("paid", "refunded")

CONFIG = f"""
[accounts.{SHOP}]
public_keys = ["pingpp.pem.pub"]

[sinks.{SINK}]
type = "jsonl"
path = "erp.jsonl"
"""


def leave_past(folder: Path) -> None:
    """Fill the demo's own ledger while its daemon rests."""
    vault = load_vault((folder / KEY_FILE,))
    ledger = open_ledger(f"sqlite:///{folder / LEDGER_FILE}", vault)
    try:
        now, key = ledger.now(), private_key(folder / "pingpp.pem")
        ring = KeyRing([load_public_key((folder / "pingpp.pem.pub").read_bytes())])
        with ledger.read() as connection:
            epoch = read_epoch(connection)
        terms = Terms(sinks={SINK: Filter()}, epoch=epoch, grace_seconds=0)
        Past(ledger, SHOP, key, ring.fingerprints[0], now).tell(terms)
        keep_books(ledger, folder, terms, now)
    finally:
        ledger.close()


def keep_books(ledger: Ledger, folder: Path, terms: Terms, now: datetime) -> None:
    """What comes besides: a closed week, two statements, a look at what is sealed, the card."""
    _close(ledger, terms, now)
    _take(ledger, folder, terms, now)
    audit.note(ledger, who="林会计", what="order shop 2008", why="客户投诉单 1024", now=now)
    count(ledger)
    grade(ledger, ZONE, now=now)


def _close(ledger: Ledger, terms: Terms, now: datetime) -> None:
    # where the daemon has closed a day, those before it cannot be closed any more
    day: date | None = None if closings.last(ledger) else first_day(ledger, ZONE)
    while day is not None and day < day_of(now, ZONE):
        rules = ClosingTerms(ZONE)
        close(ledger, day, rules, terms=terms, now=now, by="林会计", reason=REASON)
        day += timedelta(days=1)


def _take(ledger: Ledger, folder: Path, terms: Terms, now: datetime) -> None:
    """The shop's book and the channel's bill of one day."""
    day = day_of(now, ZONE) - timedelta(days=3)
    for source, name, lines in (
        ("book", "商户流水.csv", _book(ledger, day)),
        ("yeepay", "易宝账单.csv", _bill(ledger, day)),
    ):
        file = folder / name
        file.write_text("\n".join([*lines, ""]), encoding="utf-8")
        # they hold payments only, as the demo's settings say
        reading = replace(READY[source], covers=("payment",))
        take(ledger, Order(file, SHOP, source, reading), now=now)
        match(ledger, SHOP, source, reading, terms=terms, now=now)


def _book(ledger: Ledger, day: date) -> Iterator[str]:
    """The shop's own lines of a day: one is left out, one says a yuan more, one is invented."""
    yield "类型,商户订单号,金额,手续费,状态,交易时间"
    slips = iter((None, 100))
    for one, time in _paid(ledger, "order", day):
        more = next(slips, 0)
        if more is not None:
            figures = _figures(one.amount_paid, more)
            yield f"支付,{one.order_no},{figures},成功,{time:%Y-%m-%d %H:%M:%S}"
    # what the book says and nobody has sold
    yield f"支付,SP9999999999,88.00,0.53,成功,{day} 11:00:00"


def _bill(ledger: Ledger, day: date) -> Iterator[str]:
    """The channel's lines of the same day: the third says a yuan less."""
    yield "交易类型,商户订单号,订单金额,手续费,交易状态,交易完成时间"
    slips = iter((0, 0, -100))
    for one, time in _paid(ledger, "charge", day):
        figures = _figures(one.amount, next(slips, 0))
        yield f"交易,{one.order_no},{figures},成功,{time:%Y-%m-%d %H:%M:%S}"


def _paid(ledger: Ledger, kind: str, day: date) -> Iterator[tuple[reads.ObjectRow, datetime]]:
    """What was made on a day and paid, with its time on the shop's clock."""
    for one in reads.objects(ledger, account=SHOP, kind=kind):
        at = one.created_at
        if at is not None and day_of(at, ZONE) == day and one.status in _PAID:
            yield one, at.astimezone(ZoneInfo(ZONE))


def _figures(amount: int | None, more: int) -> str:
    """Amount and fee in yuan; more: fen that the amount is wrong by."""
    right = amount or 0
    return f"{plain_yuan(right + more)},{plain_yuan(right * 6 // 1_000)}"
