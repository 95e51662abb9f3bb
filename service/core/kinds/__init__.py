"""Which kinds of object there are: the one table that everything else is driven by."""

from collections.abc import Mapping

from service.core.kinds.allocation import ALLOCATION
from service.core.kinds.allocation_complete import ALLOCATION_COMPLETE
from service.core.kinds.allocation_refund import ALLOCATION_REFUND
from service.core.kinds.charge import CHARGE
from service.core.kinds.kind import Kind
from service.core.kinds.order import ORDER
from service.core.kinds.order_refund import ORDER_REFUND
from service.core.kinds.refund import REFUND
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
    )
}

BY_WIRE: Mapping[tuple[str, str | None], Kind] = {
    pair: kind for kind in KINDS.values() for pair in kind.wire
}
