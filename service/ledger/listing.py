"""How does a program read on where it stopped? Pages by keyset, over what some accounts have."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.schema import beliefs, deliveries, mismatches, postings
from service.ledger.vault import OVERHEAD


@dataclass(frozen=True, slots=True)
class Listing:
    """One list. key: what it is ordered by, and what a place in it consists of."""

    columns: Mapping[str, sa.ColumnElement[Any]]
    account: sa.Column[Any]
    key: tuple[sa.Column[Any], ...]
    newest_first: bool = False


def page(
    connection: Connection,
    listing: Listing,
    *,
    accounts: Collection[str] | None,
    where: Mapping[str, Any],
    after: Sequence[Any] | None,
    limit: int,
) -> tuple[list[dict[str, Any]], list[Any] | None]:
    """Some rows, and the place after which the next ones stand; None when these were the last.

    accounts: only of these; None: of all. where: values of columns by their name in the list.
    """
    chosen = sa.select(*(column.label(name) for name, column in listing.columns.items()))
    chosen = chosen.add_columns(*(key.label(f"_{n}") for n, key in enumerate(listing.key)))
    chosen = chosen.where(*(listing.columns[name] == value for name, value in where.items()))
    if accounts is not None:
        chosen = chosen.where(listing.account.in_(sorted(accounts)))
    if after is not None:
        here = sa.tuple_(*listing.key)
        there = sa.tuple_(
            *(sa.bindparam(None, v, k.type) for k, v in zip(listing.key, after, strict=True))
        )
        chosen = chosen.where(here < there if listing.newest_first else here > there)
    order = [key.desc() if listing.newest_first else key for key in listing.key]
    rows = connection.execute(chosen.order_by(*order).limit(limit + 1)).mappings().all()
    found = [{name: row[name] for name in listing.columns} for row in rows[:limit]]
    if len(rows) <= limit:
        return found, None
    last = rows[limit - 1]
    return found, [last[f"_{n}"] for n in range(len(listing.key))]


OBJECTS = Listing(
    {
        "account": beliefs.c.account,
        "kind": beliefs.c.kind,
        "id": beliefs.c.object_id,
        "status": beliefs.c.status,
        "final": beliefs.c.final,
        "conflict": beliefs.c.conflict,
        "amount": beliefs.c.amount,
        "amount_paid": beliefs.c.amount_paid,
        "amount_refunded": beliefs.c.amount_refunded,
        "currency": beliefs.c.currency,
        "app": beliefs.c.app,
        "order_no": beliefs.c.order_no,
        "order_id": beliefs.c.order_id,
        "channel": beliefs.c.channel,
        "transaction_no": beliefs.c.transaction_no,
        "created_at": beliefs.c.created_at,
        "updated_at": beliefs.c.updated_at,
    },
    beliefs.c.account,
    (beliefs.c.account, beliefs.c.kind, beliefs.c.object_id),
)
DELIVERIES = Listing(
    {
        "number": deliveries.c.id,
        "account": deliveries.c.account,
        "event": deliveries.c.dedup_key,
        "type": deliveries.c.event_type,
        "verdict": deliveries.c.verdict,
        "state": deliveries.c.state,
        "reason": deliveries.c.reason,
        "repeats": deliveries.c.repeats,
        "bytes": sa.func.length(deliveries.c.body) - OVERHEAD,
        "key": deliveries.c.key_fingerprint,
        "received_at": deliveries.c.received_at,
        "handled_at": deliveries.c.handled_at,
    },
    deliveries.c.account,
    (deliveries.c.id,),
    newest_first=True,
)
MISMATCHES = Listing(
    {
        "number": mismatches.c.id,
        "rule": mismatches.c.rule,
        "state": mismatches.c.state,
        "severity": mismatches.c.severity,
        "account": mismatches.c.account,
        "kind": mismatches.c.kind,
        "id": mismatches.c.object_id,
        "ours": mismatches.c.ours,
        "theirs": mismatches.c.theirs,
        "currency": mismatches.c.currency,
        "found_at": mismatches.c.found_at,
        "opened_at": mismatches.c.opened_at,
        "settled_at": mismatches.c.settled_at,
        "owner": mismatches.c.owner,
        "waived_until": mismatches.c.waived_until,
    },
    mismatches.c.account,
    (mismatches.c.id,),
)
JOURNAL = Listing(
    {
        "number": postings.c.id,
        "account": postings.c.account,
        "kind": postings.c.kind,
        "id": postings.c.object_id,
        "entry": postings.c.entry,
        "line": postings.c.line,
        "debit": postings.c.debit,
        "credit": postings.c.credit,
        "amount": postings.c.amount,
        "currency": postings.c.currency,
        "app": postings.c.app,
        "order_id": postings.c.order_id,
        "happened_at": postings.c.happened_at,
        "known_at": postings.c.known_at,
        "corrects": postings.c.corrects,
    },
    postings.c.account,
    (postings.c.id,),
)
