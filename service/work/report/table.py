"""Which reports are there? The one table that command line, console, API and schedule read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from service.core.report.sheet import Document, Words
from service.ledger.engine import Connection
from service.outbound.files.formats import TABLES, Shape
from service.work.report import (
    aging,
    allocations,
    books,
    closing,
    differences,
    fees,
    orders,
    provider,
    refunds,
    withdrawals,
)
from service.work.report.ask import Ask


class Days(Enum):
    """Whether a report is of some days: always, if it is said, or never (it is of now)."""

    NEEDED = auto()
    OPTIONAL = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True)
class Report:
    """One report. takes: which parameters it has besides those of all reports.

    sheets: those that may be asked for alone; formats of one sheet hold the first.
    """

    name: str
    title: Words
    build: Callable[[Connection, Ask], Document]
    about: Words
    sheets: tuple[str, ...]
    days: Days = Days.NEEDED
    takes: frozenset[str] = frozenset()
    shapes: tuple[Shape, ...] = TABLES


_BY = frozenset({"by", "app"})

_ALL = (
    Report(
        "closing",
        closing.TITLE,
        closing.document,
        Words(
            "每个业务日按账户、应用、渠道、类型的发生额，注明是否已结账",
            "what moved on each business day by account, app, channel and kind; closed or not",
        ),
        ("days", "accounts", "apps", "channels", "kinds"),
    ),
    Report(
        "orders",
        orders.TITLE,
        orders.document,
        Words(
            "每笔订单的金额、实付、已退、渠道流水号与手续费",
            "each order: amount, paid, refunded, the channel's number and the fee",
        ),
        ("orders",),
        takes=_BY,
    ),
    Report(
        "refunds",
        refunds.TITLE,
        refunds.document,
        Words(
            "每笔退款：所属订单、渠道、申请与成功金额",
            "each refund: of which order, by which channel, asked and succeeded",
        ),
        ("refunds",),
        takes=_BY,
    ),
    Report(
        "withdrawals",
        withdrawals.TITLE,
        withdrawals.document,
        Words("每笔提现：金额、手续费及由谁承担", "each withdrawal: amount, fee and who bears it"),
        ("withdrawals",),
        takes=_BY,
    ),
    Report(
        "allocations",
        allocations.TITLE,
        allocations.document,
        Words("每笔分账的每个接收方，以及按接收方汇总", "each recipient's share, and by recipient"),
        ("shares", "recipients"),
        takes=_BY,
    ),
    Report(
        "fees",
        fees.TITLE,
        fees.document,
        Words("各渠道的手续费与费率，以及明细", "fees and rates by channel, and one by one"),
        ("channels", "fees"),
        takes=frozenset({"app"}),
    ),
    Report(
        "aging",
        aging.TITLE,
        aging.document,
        Words(
            "此刻尚未完结的对象，按 0-1-3-7-30 天分段",
            "what is pending now, by its age of 0-1-3-7-30 days",
        ),
        ("ages", "pending"),
        Days.NONE,
        takes=frozenset({"app"}),
    ),
    Report(
        "mismatches",
        differences.TITLE,
        differences.mismatches,
        Words("未平的差异；给出日期则为该期间发现的全部差异", "what does not agree"),
        ("mismatches",),
        Days.OPTIONAL,
    ),
    Report(
        "statements",
        differences.MATCHING,
        differences.matching,
        Words(
            "对账单与账簿的差异，以及已导入的对账单", "how statements match, and which there are"
        ),
        ("differences", "statements"),
        Days.OPTIONAL,
    ),
    Report(
        "trial-balance",
        books.TRIAL_TITLE,
        books.trial,
        Words(
            "各科目的期初、借方、贷方与期末余额", "opening, debit, credit and balance by account"
        ),
        ("balances",),
        Days.OPTIONAL,
        takes=frozenset({"as_known"}),
    ),
    Report(
        "ledger",
        books.LEDGER_TITLE,
        books.ledger,
        Words("各科目逐笔的明细与余额", "every line of every account, with its balance"),
        ("lines",),
        takes=frozenset({"as_known", "book"}),
    ),
    Report(
        "vouchers",
        books.VOUCHER_TITLE,
        books.vouchers,
        Words(
            "复式记账凭证，CSV 或 Beancount，供导入财务软件",
            "double-entry lines as CSV or Beancount, for accounting software",
        ),
        ("vouchers", "accounts"),
        takes=frozenset({"as_known"}),
        shapes=(*TABLES, Shape.BEANCOUNT),
    ),
    Report(
        "provider-card",
        provider.TITLE,
        provider.document,
        Words(
            "服务商通知的延迟、丢失、重复与乱序，按周；不写日期为最近四周",
            "how the provider notifies: delay, loss, repeats and order by week; else of four weeks",
        ),
        ("weeks",),
        Days.OPTIONAL,
    ),
)
REPORTS: Mapping[str, Report] = {one.name: one for one in _ALL}
