"""Which operations the fake provider has: the table's, and the SDKs', each with what answers it."""

from collections.abc import Iterable, Mapping

from service.pingpp.endpoints import OPERATIONS
from service.pingpp.endpoints.operation import Operation
from service.sandbox import dump, shelf
from service.sandbox.asked import Handler
from service.sandbox.member_api import MEMBERS
from service.sandbox.sdk import SDK
from service.sandbox.trade_api import TRADE

# What is read of these is answered from the sandbox's own life, of all others from its shelf.
_OWN = (*dump.NAMES.values(), "mch_application", "micro_application")
_OWN_TOO = ("allocation", "allocation_refund", "event")
SHELVED: Mapping[str, Handler] = shelf.handlers(OPERATIONS.values(), (*_OWN, *_OWN_TOO))
HANDLERS: Mapping[str, Handler] = {
    **SHELVED,
    **TRADE,
    **MEMBERS,
}
ROWS: tuple[Operation, ...] = (*OPERATIONS.values(), *SDK)

# L1485 and L1494 write one address in two ways.
_SLASHED = "order_refund.list"

Places = dict[tuple[str, str], list[Operation]]


def places(rows: Iterable[Operation] = ROWS, handlers: Mapping[str, Handler] = HANDLERS) -> Places:
    """The rows by method and path; LookupError for a row without a handler, or the reverse."""
    found: Places = {}
    for row in rows:
        for path in row.paths:
            found.setdefault((row.method, path), []).append(row)
            if row.name == _SLASHED:
                found[row.method, path + "/"] = [row]
    odd = {row.name for rows in found.values() for row in rows} ^ handlers.keys()
    if odd:
        raise LookupError(f"rows or handlers without the other: {', '.join(sorted(odd))}")
    return found
