"""What stands in the tables of such a shop? One INSERT … SELECT for each, over orders' numbers."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

SINK = "erp"
USERS = 10_000
# those that run once per firing keep a record of it
JOBS = ("backfill", "radar", "reconcile", "close", "alerts", "count", "card", "prune")
STATEMENTS = 60

# --- expressions that both databases read alike; i is the order's number ---
_ACCOUNT = "CASE WHEN i % 50000 = 49999 THEN 'quiet' WHEN i % 10 = 3 THEN 'second' ELSE 'shop' END"
_APP = f"'app_' || {_ACCOUNT}"
_ORDER = "CAST(2010000000000000000 + i AS VARCHAR(64))"
_CHARGE = "'ch_' || CAST(1000000000000000000 + i AS VARCHAR(64))"
_REFUND = "CAST(2110000000000000000 + i AS VARCHAR(64))"
_ALLOCATION = "CAST(2210000000000000000 + i AS VARCHAR(64))"
_WITHDRAWAL = "CAST(2310000000000000000 + i AS VARCHAR(64))"
_NUMBER = "'M' || CAST(100000000000000000 + i AS VARCHAR(64))"
_TRANSACTION = "'4200' || CAST(1000000000000000000 + i AS VARCHAR(64))"
_USER = f"{_APP} || '-user_' || CAST(i % {USERS} AS VARCHAR(64))"
_AT = "(:start + i * :step)"
_LATER = "(:start + i * :step + 4000000)"
_AMOUNT = "(100 + (i * 7919) % 99900)"
_PAID, _SHARED, _RETURNED = "i % 20 <> 7", "i % 20 <> 7 AND i % 2 = 0", "i % 33 = 1 AND i % 20 <> 7"
_WITHDRAWN, _OPEN = "i % 100 = 5", "i % 20 = 7 AND (i > :count - 2000 OR i % 4000 = 27)"
_STATUS = f"CASE WHEN {_PAID} THEN 'paid' WHEN {_OPEN} THEN 'created' ELSE 'canceled' END"
_CHANNEL = "CASE i % 3 WHEN 0 THEN 'wx_pub' WHEN 1 THEN 'alipay' ELSE 'wx_lite' END"
_TRUE, _FALSE = "(1 = 1)", "(1 = 0)"

_JOB = (
    f"CASE i % {len(JOBS)} "
    + " ".join(f"WHEN {number} THEN '{name}'" for number, name in enumerate(JOBS))
    + " END"
)

_Columns = Mapping[str, str]


class Rows(NamedTuple):
    """Rows of one table, one for each order's number that the condition lets pass."""

    table: str
    columns: _Columns
    where: str = "1 = 1"


def all_rows() -> Iterator[Rows]:
    """In the order in which they need each other."""
    yield from _beliefs()
    yield _deliveries()
    yield from _sightings()
    yield from _postings()
    yield from _desk()
    yield from _messages()
    yield from _watches()
    yield from _statements()
    yield from _running()


# --- what is believed ---


def _belief(kind: str, object_id: str, where: str, **more: str) -> Rows:
    columns = {
        "account": _ACCOUNT,
        "kind": f"'{kind}'",
        "object_id": object_id,
        "state": ":pad",
        "status": "'succeeded'",
        "final": _TRUE,
        "conflict": _FALSE,
        "failing": _FALSE,
        "contested": "''",
        "app": _APP,
        "currency": "'cny'",
        "amount": _AMOUNT,
        "amount_refunded": "0",
        "created_at": _AT,
        "since_at": _LATER,
        "notified_at": _LATER,
        "heard_at": _LATER,
        "seq": "1",
        "updated_at": _LATER,
        "moved_at": _LATER,
        **more,
    }
    return Rows("beliefs", columns, where)


def _beliefs() -> Iterator[Rows]:
    unheard = f"CASE WHEN i % 50 <> 1 THEN {_LATER} END"
    yield _belief(
        "order",
        _ORDER,
        "1 = 1",
        status=_STATUS,
        final=f"NOT ({_OPEN})",
        order_no=_NUMBER,
        user_id=_USER,
        amount_paid=f"CASE WHEN {_PAID} THEN {_AMOUNT} ELSE 0 END",
        notified_at=unheard,
        heard_at=unheard,
    )
    yield _belief(
        "charge",
        _CHARGE,
        _PAID,
        status="'paid'",
        order_no=_NUMBER,
        order_id=_ORDER,
        channel=_CHANNEL,
        transaction_no=_TRANSACTION,
        fee=f"{_AMOUNT} / 200",
    )
    yield _belief("order_refund", _REFUND, _RETURNED, order_id=_ORDER, charge_id=_CHARGE)
    yield _belief("allocation", _ALLOCATION, _SHARED, order_id=_ORDER, user_id=_USER)
    yield _belief("withdrawal", _WITHDRAWAL, _WITHDRAWN, user_id=_USER)
    yield _belief(
        "user", f"{_APP} || '-user_' || CAST(i AS VARCHAR(64))", "i % 100 = 6", status="'active'"
    )


# --- what came in, and what was seen ---


def _deliveries() -> Rows:
    quarantined = "i % 20000 = 11"
    return Rows(
        "deliveries",
        {
            "id": "i + 1",
            "account": _ACCOUNT,
            "dedup_key": "'evt_' || CAST(400240816000000000 + i AS VARCHAR(64))",
            "content_digest": "CAST(i AS VARCHAR(64))",
            "body": ":body",
            "signature": ":signature",
            "key_fingerprint": "'fingerprint'",
            "received_at": _LATER,
            "verdict": "'accepted'",
            "state": f"CASE WHEN {quarantined} THEN 'quarantined'"
            " WHEN i > :count - 30 THEN 'waiting' WHEN i % 50 = 17 THEN 'kept' ELSE 'applied' END",
            "reason": f"CASE WHEN {quarantined} THEN 'unknown_kind' END",
            "event_type": "CASE WHEN i % 33 = 1 THEN 'refund.succeeded' ELSE 'order.succeeded' END",
            "repeats": "CASE WHEN i % 70 = 1 THEN 1 ELSE 0 END",
            "attempts": "1",
            "handled_at": _LATER,
        },
    )


def _sightings() -> Iterator[Rows]:
    seen = (("order", _ORDER, "1 = 1"), ("charge", _CHARGE, _PAID), ("withdrawal", _WITHDRAWAL,
            _WITHDRAWN))  # fmt: skip
    for kind, object_id, where in seen:
        status = "'paid'" if kind == "charge" else _STATUS
        whose = {"account": _ACCOUNT, "kind": f"'{kind}'", "object_id": object_id}
        yield Rows(
            "observations",
            {
                **whose,
                "source": "'webhook'",
                "seen_at": _LATER,
                "recorded_at": _LATER,
                "delivery_id": "i + 1",
                "decision": "CASE WHEN i % 90 = 1 THEN 'late' ELSE 'applied' END",
                "body": f"'{{\"said_at\":' || ({_AT} / 1000000 + 3)"
                f' || \',"seen_at":\' || {_LATER} || \',"source":"webhook","status":"\''
                f' || {status} || \'","totals":{{"amount_paid":\' || {_AMOUNT} || \'}}}}\'',
            },
            where,
        )
        yield Rows(
            "changes",
            {
                **whose,
                "seq": "1",
                "at": _LATER,
                "source": "'webhook'",
                "after": f"'{{\"amount\":' || {_AMOUNT} || ',\"status\":\"' || {status} || '\"}}'",
                "correction": _FALSE,
            },
            where,
        )
    yield Rows(
        "looks",
        {
            "account": _ACCOUNT,
            "kind": "'order'",
            "object_id": _ORDER,
            "started_at": _LATER,
            "answer": "'ok'",
        },
        "i % 20 = 7",
    )


def _watches() -> Iterator[Rows]:
    for kind, object_id, is_open, where in (
        ("order", _ORDER, _OPEN, "1 = 1"),
        ("charge", _CHARGE, "1 = 0", _PAID),
    ):
        columns = {
            "account": _ACCOUNT,
            "kind": f"'{kind}'",
            "object_id": object_id,
            "state": f"CASE WHEN {is_open} THEN 'active' ELSE 'ended' END",
            "reason": "'pending'",
            "next_look_at": f"CASE WHEN {is_open} THEN {_AT} + 3600000000 END",
            "deadline_at": f"CASE WHEN {is_open} THEN {_AT} + 7200000000 END",
            "looks": "1",
            "failures": "0",
        }
        yield Rows("watches", columns, where)


# --- money, what does not agree, and what is told ---


def _postings() -> Iterator[Rows]:
    clearing, payable, wallet = (
        f"'clearing:' || {_CHANNEL}",
        f"'payable:' || {_APP}",
        f"'wallet:' || {_USER}",
    )
    for kind, object_id, line, debit, credit, where in (
        ("charge", _CHARGE, 1, clearing, "'orders'", _PAID),
        ("order", _ORDER, 1, "'orders'", payable, _PAID),
        ("allocation", _ALLOCATION, 1, payable, wallet, _SHARED),
        ("order_refund", _REFUND, 1, "'refunds'", clearing, _RETURNED),
        ("withdrawal", _WITHDRAWAL, 1, wallet, "'transit'", _WITHDRAWN),
        ("withdrawal", _WITHDRAWAL, 2, "'transit'", "'bank'", _WITHDRAWN),
    ):
        columns = {
            "account": _ACCOUNT,
            "kind": f"'{kind}'",
            "object_id": object_id,
            "entry": "1",
            "line": str(line),
            "debit": debit,
            "credit": credit,
            "amount": _AMOUNT,
            "currency": "'cny'",
            "app": _APP,
            "order_id": _ORDER,
            "happened_at": _AT,
            "known_at": _LATER,
        }
        yield Rows("postings", columns, where)


def _desk() -> Iterator[Rows]:
    yield Rows(
        "mismatches",
        {
            "rule": "CASE (i / 100) % 5 WHEN 0 THEN 'overdue' WHEN 1 THEN 'paid_sum'"
            " WHEN 2 THEN 'refund_unseen' WHEN 3 THEN 'learned_by_polling' ELSE 'paid_short' END",
            "account": _ACCOUNT,
            "kind": "'order'",
            "object_id": _ORDER,
            "state": "CASE WHEN i % 2000 = 9 THEN 'open' ELSE 'settled' END",
            "severity": "'warning'",
            "ours": f"CAST({_AMOUNT} AS VARCHAR(64))",
            "theirs": "'0'",
            "currency": "'cny'",
            "found_at": _LATER,
            "opened_at": _LATER,
            "settled_at": f"CASE WHEN i % 2000 <> 9 THEN {_LATER} + 600000000 END",
        },
        "i % 100 = 9",
    )


def _messages() -> Iterator[Rows]:
    stream = f"{_ACCOUNT} || '/order/' || {_ORDER}"
    yield Rows(
        "outbox",
        {
            "id": "i + 1",
            "message_id": "'m' || CAST(100000000000000000 + i AS VARCHAR(64))",
            "stream": stream,
            "seq": "1",
            "account": _ACCOUNT,
            "type": "'order.paid'",
            "body": ":small",
            "created_at": _LATER,
        },
    )
    yield Rows(
        "dispatches",
        {
            "outbox_id": "i + 1",
            "sink": f"'{SINK}'",
            "stream": stream,
            "seq": "1",
            "state": "CASE WHEN i % 5000 = 13 THEN 'dead' WHEN i > :count - 50 THEN 'waiting'"
            " ELSE 'sent' END",
            "attempts": "1",
            "next_try_at": _LATER,
            "last_error": "CASE WHEN i % 5000 = 13 THEN 'refused' END",
            "settled_at": f"CASE WHEN i <= :count - 50 THEN {_LATER} END",
        },
    )


def _statements() -> Iterator[Rows]:
    """A file of each of some days, and the lines of all of them."""
    yield Rows(
        "statements",
        {
            "id": "i + 1",
            "account": "'shop'",
            "source": "'channel'",
            "name": "'bill.csv'",
            "digest": "CAST(i AS VARCHAR(64))",
            "state": "'imported'",
            "lines": "1000",
            "known": "0",
            "first_day": "20000 + i",
            "last_day": "20000 + i",
            "imported_at": _AT,
        },
        f"i < {STATEMENTS}",
    )
    yield Rows(
        "statement_lines",
        {
            "statement_id": f"1 + i % {STATEMENTS}",
            "line": "i",
            "account": "'shop'",
            "source": "'channel'",
            "what": "'payment'",
            "order_no": _NUMBER,
            "transaction_no": _TRANSACTION,
            "amount": _AMOUNT,
            "currency": "'cny'",
            "status": "'SUCCESS'",
            "done": _TRUE,
            "at": _AT,
            "day": f"20000 + i % {STATEMENTS}",
            "mark": "CAST(i AS VARCHAR(64))",
            "known": _FALSE,
        },
        "i % 10 < 5",
    )


# --- how it runs ---


def _running() -> Iterator[Rows]:
    yield Rows(
        "slots",
        {
            "job": _JOB,
            "slot_at": _AT,
            "holder": "'here'",
            "started_at": _AT,
            "finished_at": _LATER,
            "outcome": "'ok'",
        },
        "i % 25 < 8 AND i % 3 = 0",
    )
    yield Rows(
        "audit",
        {
            "at": _AT,
            "who": "'user_' || CAST(i % 7 AS VARCHAR(64))",
            "what": "'delivery 1'",
            "why": "'a question of the customer'",
            "previous": "CAST(i AS VARCHAR(64))",
            "hash": "CAST(i + 200 AS VARCHAR(64))",
        },
        "i % 200 = 4",
    )
    yield Rows("sinks", {"name": f"'{SINK}'", "known_since": _AT}, "i = 0")
    hours = {"listed": "40", "delivered": "38", "asked": "1", "quiet": "1", "unexplained": "0"}
    for kind in ("order", "charge"):
        yield Rows(
            "radar",
            {
                "account": "'shop'",
                "kind": f"'{kind}'",
                "hour_at": ":start + i * 3600000000",
                "measured_at": _AT,
                **hours,
            },
            "i < 720",
        )
