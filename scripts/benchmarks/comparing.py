"""How would somebody compare by hand what the rules compare? Plain SQL, one join a comparison.

ORDERS stands for seven rules (an order beside its charges, refunds and allocations), CHARGES for
three, SHARES, TWICE and OVERDUE for one each, ALONE for the sixteen that look at one object. Left
out are the rules about wallets, fees of withdrawals and daily summaries: the ledger that is
measured has none of those. What differs is only counted; the rules also say what it is.
"""

from collections.abc import Iterator
from datetime import datetime

from service.core.instant import MICROS, to_micros
from service.core.kinds.kind import DAY

_CNY = "coalesce(currency, 'cny') = 'cny'"
_GOING = "status IN ('created', 'pending', 'succeeded')"

ORDERS = f"""
SELECT count(*) FROM beliefs o LEFT JOIN (
 SELECT account, order_id,
  sum(CASE WHEN kind = 'charge' THEN 1 ELSE 0 END) AS charges,
  sum(CASE WHEN kind = 'charge' AND status = 'paid' AND {_CNY} THEN amount ELSE 0 END) AS paid,
  sum(CASE WHEN kind = 'charge' AND status = 'reversed' AND {_CNY}
   THEN amount ELSE 0 END) AS reversed,
  sum(CASE WHEN kind = 'charge' AND status = 'paid'
   THEN amount - coalesce(amount_refunded, 0) ELSE 0 END) AS kept,
  sum(CASE WHEN kind = 'charge' THEN coalesce(amount_refunded, 0) ELSE 0 END) AS charges_refunded,
  sum(CASE WHEN kind = 'charge' AND amount_refunded IS NULL THEN 1 ELSE 0 END) AS silent,
  sum(CASE WHEN kind = 'order_refund' THEN 1 ELSE 0 END) AS refunds,
  sum(CASE WHEN kind = 'order_refund' AND status = 'succeeded' THEN amount ELSE 0 END) AS refunded,
  sum(CASE WHEN kind = 'allocation' AND status = 'succeeded' THEN amount ELSE 0 END) AS allocated,
  sum(CASE WHEN kind = 'allocation_refund' AND {_GOING} THEN amount ELSE 0 END) AS given_back,
  min(CASE WHEN kind = 'allocation' AND {_GOING} THEN created_at END) AS begun_at,
  sum(CASE WHEN kind = 'allocation_complete' AND {_GOING} THEN 1 ELSE 0 END) AS completions,
  sum(CASE WHEN conflict THEN 1 ELSE 0 END) AS conflicts
 FROM beliefs WHERE order_id IS NOT NULL GROUP BY account, order_id
) p ON p.account = o.account AND p.order_id = o.object_id
LEFT JOIN watches w ON w.account = o.account AND w.kind = 'order' AND w.object_id = o.object_id
WHERE o.kind = 'order' AND NOT o.conflict AND coalesce(p.conflicts, 0) = 0 AND (
 (o.amount_paid <> coalesce(p.paid, 0) AND o.amount_paid <> coalesce(p.paid + p.reversed, 0)
  AND (p.charges > 0 OR w.looks > 0))
 OR (o.amount_refunded <> p.charges_refunded AND p.charges > 0 AND p.silent = 0)
 OR (o.amount_refunded <> p.refunded AND p.refunds > 0)
 OR (o.amount_refunded > 0 AND coalesce(p.refunds, 0) = 0)
 OR (o.status = 'canceled' AND (p.kept > 0 OR o.amount_paid - o.amount_refunded > 0))
 OR (p.allocated - p.given_back > o.amount_paid - coalesce(o.amount_refunded, 0)
  AND p.allocated > 0)
 OR (p.begun_at < :week AND p.completions = 0
  AND (o.amount_paid IS NULL OR o.amount_paid - coalesce(o.amount_refunded, 0) > 0)))
"""

CHARGES = f"""
SELECT count(*) FROM beliefs c LEFT JOIN (
 SELECT account, charge_id,
  sum(CASE WHEN kind = 'refund' THEN 1 ELSE 0 END) AS refunds,
  sum(CASE WHEN kind = 'refund' AND status = 'succeeded' THEN amount ELSE 0 END) AS refunded,
  max(CASE WHEN {_GOING} THEN amount END) AS largest,
  sum(CASE WHEN conflict THEN 1 ELSE 0 END) AS conflicts
 FROM beliefs WHERE charge_id IS NOT NULL AND kind IN ('refund', 'order_refund')
 GROUP BY account, charge_id
) r ON r.account = c.account AND r.charge_id = c.object_id
WHERE c.kind = 'charge' AND NOT c.conflict AND coalesce(r.conflicts, 0) = 0 AND (
 (c.amount_refunded <> r.refunded AND r.refunds > 0) OR r.largest > c.amount
 OR (c.amount_refunded > 0 AND coalesce(r.refunds, 0) = 0 AND c.order_id IS NULL))
"""

SHARES = f"""
SELECT count(*) FROM beliefs a JOIN (
 SELECT account, allocation_id, sum(amount) AS given_back FROM beliefs
 WHERE kind = 'allocation_refund' AND {_GOING} GROUP BY account, allocation_id
) b ON b.account = a.account AND b.allocation_id = a.object_id
WHERE a.kind = 'allocation' AND b.given_back > a.amount
"""

TWICE = """
SELECT coalesce(sum(more), 0) FROM (
 SELECT count(*) - 1 AS more FROM beliefs WHERE order_no IS NOT NULL AND (
  kind IN ('order', 'withdrawal', 'allocation', 'allocation_refund', 'allocation_complete')
  OR (kind = 'charge' AND order_id IS NULL AND status = 'paid'))
 GROUP BY account, kind, order_no HAVING count(*) > 1) AS doubled
"""

_TIMED = (
    "('refund', 'withdrawal', 'deposit', 'allocation', 'allocation_refund', 'allocation_complete')"
)
ALONE = f"""
SELECT count(*) FROM beliefs WHERE contested <> '' OR conflict OR currency <> 'cny'
 OR substr(status, 1, 8) = 'unknown:'
 OR (failing AND kind NOT IN ('order', 'charge') AND status IN ('created', 'pending'))
 OR (kind = 'charge' AND amount_refunded > amount)
 OR (kind = 'order' AND (amount_refunded > amount_paid OR amount_paid > amount))
 OR (kind = 'order' AND status = 'created' AND amount > 0 AND amount_paid >= amount)
 OR (kind = 'order' AND status IN ('paid', 'refunded') AND amount_paid < amount
  AND amount_paid < {{actual}})
 OR (kind IN ('order', 'charge') AND amount_refunded > 0 AND {{unflagged}})
 OR moved_at < created_at - {300 * MICROS}
 OR (((kind IN ('order', 'charge') AND status = 'paid')
   OR (kind IN {_TIMED} AND status = 'succeeded')) AND NOT {{timed}})
 OR (kind IN {_TIMED} AND status IN ('created', 'pending', 'failed', 'canceled') AND {{timed}})
 OR (kind IN ('allocation', 'allocation_refund') AND {{shared}} <> amount)
 OR (notified_at IS NULL AND since_at <= created_at + {2 * DAY * MICROS} AND (
  (kind = 'order' AND status IN ('paid', 'refunded'))
  OR (kind = 'charge' AND status = 'paid' AND order_id IS NULL)
  OR (kind IN ('refund', 'withdrawal') AND status IN ('succeeded', 'failed'))
  OR (kind = 'order_refund' AND status = 'succeeded')))
"""

OVERDUE = """
SELECT count(*) FROM watches w LEFT JOIN beliefs b
 ON b.account = w.account AND b.kind = w.kind AND b.object_id = w.object_id
WHERE w.state = 'active' AND (w.deadline_at < :now OR (b.account IS NULL AND w.failures >= 6))
 AND (b.account IS NULL OR (NOT b.final AND NOT b.conflict))
"""

_SPELT = {
    "sqlite": {
        "actual": "coalesce(json_extract(state, '$.shown[3].actual_amount'), amount)",
        "unflagged": "json_extract(state, '$.shown[3].refund_asked') = 0",
        "shared": "(SELECT sum(json_extract(value, '$[2]')) FROM json_each(state, '$.parts'))",
        "find": "instr",
    },
    "postgresql": {
        "actual": "coalesce(CAST(CAST(state AS jsonb) #>> '{shown,3,actual_amount}' AS bigint),"
        " amount)",
        "unflagged": "CAST(state AS jsonb) #>> '{shown,3,refund_asked}' = 'false'",
        "shared": "(SELECT sum(CAST(value ->> 2 AS bigint))"
        " FROM jsonb_each(CAST(state AS jsonb) -> 'parts'))",
        "find": "strpos",
    },
}


def comparisons(dialect: str) -> Iterator[str]:
    """The statements, each of which counts the objects that differ; they bind `now` and `week`."""
    spelt = dict(_SPELT[dialect])
    find = spelt.pop("find")
    names = (r'"time_paid"\:', r'"time_succeeded"\:')
    timed = " OR ".join(f"{find}(state, '{name}') > 0" for name in names)
    spelt["timed"] = f"({timed})"
    yield from (ORDERS, CHARGES, SHARES, TWICE, OVERDUE, ALONE.format(**spelt))


def bounds(now: datetime) -> dict[str, int]:
    """What the statements bind."""
    return {"now": to_micros(now), "week": to_micros(now) - 7 * DAY * MICROS}
