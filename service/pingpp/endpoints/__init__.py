"""Which operations Ping++ has: one row each; client, commands, sandbox and documentation follow."""

from collections.abc import Mapping

from service.pingpp.endpoints import (
    common,
    events,
    merchants,
    others,
    people,
    sharing,
    trade,
    wallets,
)
from service.pingpp.endpoints.operation import Operation

OPERATIONS: Mapping[str, Operation] = {
    row.name: row
    for area in (common, people, merchants, wallets, trade, sharing, events, others)
    for row in area.OPERATIONS
}
