"""Which kinds of object there are: the one table that everything else is driven by."""

from collections.abc import Mapping

from service.core.kinds.agreement import AGREEMENT
from service.core.kinds.allocation import ALLOCATION
from service.core.kinds.allocation_complete import ALLOCATION_COMPLETE
from service.core.kinds.allocation_refund import ALLOCATION_REFUND
from service.core.kinds.applications import CUS_APPLICATION, MCH_APPLICATION, MICRO_APPLICATION
from service.core.kinds.charge import CHARGE
from service.core.kinds.customs import CUSTOMS
from service.core.kinds.deposit import DEPOSIT
from service.core.kinds.kind import Kind
from service.core.kinds.order import ORDER
from service.core.kinds.order_refund import ORDER_REFUND
from service.core.kinds.recharge import RECHARGE
from service.core.kinds.refund import REFUND
from service.core.kinds.royalty import ROYALTY, ROYALTY_SETTLEMENT
from service.core.kinds.settle_account import SETTLE_ACCOUNT
from service.core.kinds.sub_app import SUB_APP
from service.core.kinds.summary import SUMMARIES
from service.core.kinds.transfers import (
    BATCH_REFUND,
    BATCH_TRANSFER,
    BATCH_WITHDRAWAL,
    RED_ENVELOPE,
    TRANSFER,
)
from service.core.kinds.user import USER
from service.core.kinds.withdrawal import WITHDRAWAL

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        ORDER,
        CHARGE,
        REFUND,
        ORDER_REFUND,
        WITHDRAWAL,
        ALLOCATION,
        ALLOCATION_REFUND,
        ALLOCATION_COMPLETE,
        USER,
        SETTLE_ACCOUNT,
        SUB_APP,
        CUS_APPLICATION,
        MCH_APPLICATION,
        MICRO_APPLICATION,
        DEPOSIT,
        RECHARGE,
        TRANSFER,
        BATCH_TRANSFER,
        BATCH_REFUND,
        BATCH_WITHDRAWAL,
        RED_ENVELOPE,
        ROYALTY,
        ROYALTY_SETTLEMENT,
        CUSTOMS,
        AGREEMENT,
        *SUMMARIES,
    )
}

BY_WIRE: Mapping[tuple[str, str | None], Kind] = {
    pair: kind for kind in KINDS.values() for pair in kind.wire
}
