"""How many verified deliveries become durable with one statement, on either database.

The one place that speaks to the drivers directly: one statement over the raw connection costs the
least of all that was measured (docs/performance.md). It commits by itself, so that a batch is one
round trip and one fsync.
"""

import sqlite3
import struct
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, NewType

import sqlalchemy as sa
from psycopg import pq

from service.core.errors import TryLater
from service.core.instant import to_micros
from service.ledger.engine import Ledger
from service.ledger.vault import Vault, of_delivery


class Arrival(NamedTuple):
    """One delivery whose signature was good.

    dedup_key: the event's id, else "sha256:" and the digest of the bytes.
    content_digest: sha256 in hex of the body without the value of pending_webhooks.
    event_type: what the sender calls it, printable ASCII of at most 128 characters.
    traceparent: the trace that began with it, if it is traced.
    """

    account: str
    dedup_key: str
    content_digest: str
    body: bytes
    signature: str
    key_fingerprint: str
    received_at: datetime
    event_type: str | None
    traceparent: str | None = None


Sealed = NewType("Sealed", Arrival)
"""A delivery as it is kept: its body is sealed for its identity."""

Identity = tuple[str, str]
"""An account and a dedup key: unique in the inbox."""

_COLUMNS = (
    "account, dedup_key, content_digest, body, signature, key_fingerprint, received_at, event_type,"
    " traceparent, verdict, state"
)


class Intake:
    """A connection of its own that inserts batches; opened when needed, again after a failure."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._pooled: sa.PoolProxiedConnection | None = None
        self._insert: Callable[[Any, Sequence[Sealed]], set[Identity] | None] = (
            _insert_sqlite if ledger.dialect == "sqlite" else _insert_postgres
        )

    def insert(self, arrivals: Sequence[Sealed]) -> set[Identity] | None:
        """Insert those whose identity is not known yet and commit, with fsync.

        `arrivals` have distinct identities. Gives those that were new; None: all of them.
        Any failure closes the connection (after a failed fsync nothing on it can be trusted) and
        raises TryLater: also when the outcome of the commit is unknown, for a repeat does no harm.
        """
        try:
            with self._ledger.turn(first=True):
                return self._insert(self._connection(), arrivals)
        except Exception as error:
            self.close()
            raise TryLater(f"the inbox cannot be written: {type(error).__name__}") from error

    def close(self) -> None:
        """Close the connection; the next insert opens another."""
        pooled, self._pooled = self._pooled, None
        if pooled is not None:
            # the database may be gone already: nothing is left to lose here
            with suppress(Exception):
                pooled.close()

    def _connection(self) -> Any:
        if self._pooled is None:
            pooled = self._ledger.writer.raw_connection()
            # ours for good: a slow question elsewhere never holds up the receiver
            pooled.detach()
            self._pooled = pooled
            if self._ledger.dialect == "postgresql":
                _driver(pooled).autocommit = True
        return _driver(self._pooled)


def seal(vault: Vault, arrival: Arrival) -> Sealed:
    """The delivery as it is kept; its digests were taken before."""
    return Sealed(arrival._replace(body=vault.seal(arrival.body, _about(arrival))))


def seal_as(vault: Vault, kept: Sealed, dedup_key: str) -> Sealed:
    """The same delivery under another key: a seal is of one row and opens in no other."""
    plain = kept._replace(dedup_key=dedup_key, body=vault.open(kept.body, _about(kept)))
    return seal(vault, plain)


def _about(arrival: Arrival) -> bytes:
    return of_delivery(arrival.account, arrival.dedup_key)


def _driver(pooled: sa.PoolProxiedConnection) -> Any:
    return pooled.dbapi_connection


def _insert_sqlite(
    connection: sqlite3.Connection, arrivals: Sequence[Sealed]
) -> set[Identity] | None:
    values: list[Any] = []
    for one in arrivals:
        values += one
        values[-3] = to_micros(one.received_at)
    cursor = connection.execute(_sqlite_insert(len(arrivals)), values)
    if cursor.rowcount == len(arrivals):
        return None
    # one statement under the write lock numbers its rows without a gap
    last = cursor.lastrowid or 0
    rows = connection.execute(
        "SELECT account, dedup_key FROM deliveries WHERE id > ? AND id <= ?",
        (last - cursor.rowcount, last),
    )
    return set(rows)


@lru_cache(maxsize=512)
def _sqlite_insert(count: int) -> str:
    row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, 'accepted', 'waiting')"
    rows = ", ".join([row] * count)
    return f"INSERT INTO deliveries ({_COLUMNS}) VALUES {rows} ON CONFLICT DO NOTHING"  # noqa: S608


_TEXT, _BYTEA, _INT8 = 25, 17, 20
_COLUMN_TYPES = (_TEXT, _TEXT, _TEXT, _BYTEA, _TEXT, _TEXT, _INT8, _TEXT, _TEXT)
_ARRAY_OF = {_TEXT: 1009, _BYTEA: 1001, _INT8: 1016}
_ARRAY_TYPES = [_ARRAY_OF[kind] for kind in _COLUMN_TYPES]
_BINARY = [pq.Format.BINARY] * len(_COLUMN_TYPES)

# unnest: one short text and nine parameters for a batch of any size
_POSTGRES_INSERT = (
    f"INSERT INTO deliveries ({_COLUMNS})"  # noqa: S608
    " SELECT *, 'accepted', 'waiting' FROM unnest("
    "$1::text[], $2::text[], $3::text[], $4::bytea[],"
    " $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[])"
    " ON CONFLICT DO NOTHING RETURNING account, dedup_key"
).encode()


def _insert_postgres(connection: Any, arrivals: Sequence[Sealed]) -> set[Identity] | None:
    # in one order everywhere: two replicas with the same events then wait, and never deadlock
    ordered = sorted(arrivals)
    driver: pq.abc.PGconn = connection.pgconn
    result = driver.exec_params(
        _POSTGRES_INSERT, _parameters(ordered), _ARRAY_TYPES, _BINARY, pq.Format.TEXT
    )
    if result.status != pq.ExecStatus.TUPLES_OK:
        state = result.error_field(pq.DiagnosticField.SQLSTATE) or b"no answer"
        raise ConnectionError(state.decode())
    if result.ntuples == len(arrivals):
        return None
    return {(_text(result, row, 0), _text(result, row, 1)) for row in range(result.ntuples)}


def _text(result: pq.abc.PGresult, row: int, column: int) -> str:
    return (result.get_value(row, column) or b"").decode()


def _parameters(arrivals: Sequence[Sealed]) -> list[bytes]:
    columns = zip(*arrivals, strict=True)
    return [_array(kind, column) for kind, column in zip(_COLUMN_TYPES, columns, strict=True)]


_ARRAY_HEAD = struct.Struct("!iiiii").pack
_LENGTH = struct.Struct("!i").pack
_NUMBER = struct.Struct("!iq").pack
_NULL = _LENGTH(-1)


def _array(kind: int, items: Sequence[Any]) -> bytes:
    """PostgreSQL's binary form: dimensions, has-nulls, type, length, lower bound, elements."""
    head = _ARRAY_HEAD(1, 1, kind, len(items), 1)
    if kind == _INT8:
        return head + b"".join([_NUMBER(8, to_micros(item)) for item in items])
    encoded: Iterable[bytes | None] = (
        items if kind == _BYTEA else [None if item is None else item.encode() for item in items]
    )
    parts = [head]
    for item in encoded:
        parts += (_NULL,) if item is None else (_LENGTH(len(item)), item)
    return b"".join(parts)
