"""Which operations the fake provider has: method, path, and what each does."""

from service.sandbox.asked import Operation
from service.sandbox.member_api import MEMBERS
from service.sandbox.trade_api import TRADE

OPERATIONS: tuple[tuple[str, str, Operation], ...] = (*TRADE, *MEMBERS)
