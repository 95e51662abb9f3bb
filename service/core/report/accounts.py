"""How are the accounts of the journal called?"""

from service.core.report.glossary import Labels
from service.core.report.sheet import Words

# By what stands before the colon.
BOOKS: Labels = {
    "clearing": Words("渠道待清算", "held by a channel"),
    "payable": Words("应付商户", "owed to an app"),
    "wallet": Words("用户钱包", "owed to a user"),
    "orders": Words("订单过渡", "orders, in between"),
    "refunds": Words("退款过渡", "refunds, in between"),
    "transit": Words("提现在途", "withdrawals under way"),
    "bank": Words("已付出", "paid out"),
    "fees": Words("手续费", "fees"),
}


def kind_of(book: str) -> str:
    """The kind of an account, which BOOKS has a name for."""
    return book.partition(":")[0]
