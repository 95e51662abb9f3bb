"""Which lists are there for programs, with which columns and in which order?"""

import sqlalchemy as sa

from service.ledger import seeking
from service.ledger.paging import Listing
from service.ledger.paging import page as page
from service.ledger.schema import beliefs, deliveries, mismatches, postings
from service.ledger.vault import OVERHEAD

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
    seeking.of_objects,
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
    seeking.of_deliveries,
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
    seeking.of_mismatches,
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
    seeking.of_journal,
)
