"""What does the demo leave behind to look at? A second shop, with its past."""

from datetime import date, datetime, timedelta
from pathlib import Path

from service.cli.demo.past import SINK, Past
from service.core.filter import Filter
from service.core.statement.mapping import READY
from service.ledger import audit, closings
from service.ledger.engine import Ledger, open_ledger
from service.ledger.keyfiles import load_vault
from service.ledger.migrations import read_epoch
from service.pingpp.signature import KeyRing, load_public_key
from service.sandbox.keys import private_key
from service.settings.model import KEY_FILE, LEDGER_FILE
from service.work.close import ClosingTerms, close, first_day
from service.work.statement.take import Order, take
from service.work.terms import Terms

SHOP = "shop"
ZONE = "Asia/Shanghai"
DAYS_CLOSED = 5
_BOOK = """\
类型,商户订单号,金额,手续费,状态,交易时间
支付,SP0000000001,99.34,0.59,成功,{day} 10:00:00
支付,SP9999999999,88.00,0.53,成功,{day} 11:00:00
退款,SP0000000002,5.00,,成功,{day} 12:00:00
"""

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
    """What people do besides: a closed week, a statement, a look at what is sealed."""
    _close(ledger, terms, now)
    _take(ledger, folder, now)
    audit.note(ledger, who="林会计", what="order shop 2008", why="客户投诉单 1024", now=now)


def _close(ledger: Ledger, terms: Terms, now: datetime) -> None:
    # where the daemon has closed a day, those before it cannot be closed any more
    day: date | None = None if closings.last(ledger) else first_day(ledger, ZONE)
    for _ in range(DAYS_CLOSED if day else 0):
        if day and day < (now + timedelta(hours=8)).date():
            rules = ClosingTerms(ZONE)
            close(ledger, day, rules, terms=terms, now=now, by="林会计", reason="演示")
            day += timedelta(days=1)


def _take(ledger: Ledger, folder: Path, now: datetime) -> None:
    file = folder / "商户流水.csv"
    day = (now - timedelta(days=3)).date()
    file.write_text(_BOOK.format(day=day), encoding="utf-8")
    take(ledger, Order(file, SHOP, "book", READY["book"]), now=now)
