"""How is one source's file to be read: its columns, words, unit, times; and the ready mappings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

WHATS = ("payment", "refund", "withdrawal")
# What a line may be mapped from; nothing else of a file is kept.
COLUMNS = (
    "type",
    "order_no",
    "transaction_no",
    "refund_no",
    "object_id",
    "amount",
    "refund_amount",
    "fee",
    "currency",
    "status",
    "refund_status",
    "at",
)

_SECONDS = ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M")
_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d")


def _none() -> dict[str, tuple[str, ...]]:
    return {}


@dataclass(frozen=True, slots=True)
class Reading:
    """One source's mapping.

    columns: our name → the headings it may stand under. types: which words of the type column are
    which kind of line; without such a column the sign decides, negative is a refund; "*" is every
    row that has an amount, and the others are left out. done: status
    words that say that money has moved; an empty status does, too. skips: types to leave out.
    unit: yuan or fen. comment: rows that begin with it are remarks. trailer: a first cell that
    ends the lines; counted: the row after it begins with their number. against: charges, or orders.
    covers: what the file should hold all of. channels: beginnings of the channels it speaks for.
    cut_seconds: how far from midnight a payment may be booked on the other day.
    """

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=_none)
    types: Mapping[str, tuple[str, ...]] = field(default_factory=_none)
    skips: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    unit: str = "yuan"
    currency: str = "cny"
    encoding: str = "auto"
    delimiter: str = "auto"
    sheet: str = ""
    time_formats: tuple[str, ...] = _SECONDS + _DAYS
    zone: str = "Asia/Shanghai"
    comment: str = "#"
    trailer: tuple[str, ...] = ()
    counted: bool = False
    against: str = "charges"
    covers: tuple[str, ...] = ("payment", "refund")
    channels: tuple[str, ...] = ()
    cut_seconds: int = 300


_DONE = ("SUCCESS", "SUCCEEDED", "PAID", "REFUNDED", "DONE", "成功", "已支付", "已退款", "交易成功")

BOOK = Reading(
    columns={
        "type": ("type", "类型", "交易类型"),
        "order_no": ("order_no", "merchant_order_no", "商户订单号", "订单号"),
        "transaction_no": ("transaction_no", "渠道流水号", "交易流水号"),
        "refund_no": ("refund_no", "退款单号"),
        "object_id": ("id", "charge_id", "order_id"),
        "amount": ("amount", "金额", "金额（元）"),
        "fee": ("fee", "手续费", "手续费（元）"),
        "currency": ("currency", "币种"),
        "status": ("status", "状态"),
        "at": ("at", "paid_at", "time", "交易时间", "时间", "日期", "date"),
    },
    types={
        "payment": ("payment", "pay", "支付", "收款", "付款"),
        "refund": ("refund", "退款"),
        "withdrawal": ("withdrawal", "提现"),
    },
    done=_DONE,
    trailer=("total", "合计", "总计"),
    against="orders",
)

# The bill of all transactions; every cell of a line begins with a backtick.
WECHAT = Reading(
    columns={
        "type": ("交易状态",),
        "order_no": ("商户订单号",),
        "transaction_no": ("微信订单号",),
        "refund_no": ("微信退款单号", "商户退款单号"),
        "amount": ("订单金额", "应结订单金额", "总金额"),
        "refund_amount": ("申请退款金额", "退款金额"),
        "fee": ("手续费",),
        "currency": ("货币种类",),
        "status": ("交易状态",),
        "refund_status": ("退款状态",),
        "at": ("交易时间",),
    },
    types={"payment": ("SUCCESS",), "refund": ("REFUND", "REVOKED")},
    done=("SUCCESS",),
    trailer=("总交易单数",),
    counted=True,
    channels=("wx",),
)

# The bill of business details: remarks begin with #, refunds are negative, fees of payments too.
ALIPAY = Reading(
    columns={
        "type": ("业务类型",),
        "order_no": ("商户订单号",),
        "transaction_no": ("支付宝交易号",),
        "refund_no": ("退款批次号/请求号", "退款批次号"),
        "amount": ("订单金额（元）",),
        "fee": ("服务费（元）",),
        "at": ("完成时间",),
    },
    types={"payment": ("交易",), "refund": ("退款",)},
    channels=("alipay",),
)

# The trade bill of a day: remarks and totals stand above the headings. A day is the one of booking.
YEEPAY = Reading(
    columns={
        "type": ("业务类型", "交易类型"),
        "order_no": ("商户订单号", "商户请求号"),
        "transaction_no": ("易宝流水号", "易宝订单号", "易宝交易流水号"),
        "refund_no": ("退款请求号", "易宝退款流水号"),
        "amount": ("订单金额", "交易金额", "交易金额（元）"),
        "fee": ("手续费", "商户手续费", "手续费（元）"),
        "status": ("交易状态", "状态"),
        "at": ("记账时间", "交易完成时间", "支付时间", "交易时间", "完成时间"),
    },
    types={"payment": ("交易", "支付", "消费", "收款"), "refund": ("退款", "撤销")},
    done=_DONE,
    trailer=("合计", "总计"),
    channels=("yeepay", "yepay"),
    # it books some minutes after it was paid
    cut_seconds=900,
)

# The list of the account that withdrawals arrive in: what went the other way names no amount.
BANK = Reading(
    columns={
        "order_no": ("order_no", "reference", "商户订单号", "业务参考号", "附言", "摘要"),
        "transaction_no": ("transaction_no", "流水号", "交易流水号"),
        "amount": (
            "amount",
            "金额",
            "交易金额",
            "收入金额",
            "贷方金额",
            "贷方发生额",
            "借方金额",
        ),
        "fee": ("fee", "手续费"),
        "currency": ("currency", "币种"),
        "status": ("status", "状态"),
        # where day and time stand apart, the day is enough
        "at": ("at", "date", "交易日期", "记账日期", "交易时间"),
    },
    types={"withdrawal": ("*",)},
    done=_DONE,
    trailer=("total", "合计", "总计"),
    covers=("withdrawal",),
)

READY: Mapping[str, Reading] = {
    "book": BOOK,
    "wechat": WECHAT,
    "alipay": ALIPAY,
    "yeepay": YEEPAY,
    "bank": BANK,
}
