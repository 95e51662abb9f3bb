"""With which keys is the ledger sealed, and how is it sealed anew with a newer one?"""

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.core.errors import Misconfigured, Unreadable
from service.ledger.dialect import insert
from service.ledger.engine import Connection, Ledger
from service.ledger.schema import deliveries, meta, observations
from service.ledger.vault import (
    FORMAT,
    HEAD_BYTES,
    SETTING,
    Vault,
    is_sealed,
    of_delivery,
    of_observation,
)

# Rows of one transaction: bodies may be large, and others want to write too.
BATCH = 100
# rows whose first bytes are looked at with one question
PAGE = 2_000
_PREFIX = "vault:"
_CHECK = b"pingledger"
UNSEALED = "unsealed"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that holds personal data, and which row each of its values belongs to."""

    table: sa.Table
    column: sa.Column[Any]
    identity: tuple[sa.Column[Any], ...]
    about: Any


_COLUMNS = (
    _Column(
        deliveries,
        deliveries.c.body,
        (deliveries.c.account, deliveries.c.dedup_key),
        of_delivery,
    ),
    _Column(
        observations,
        observations.c.raw,
        (observations.c.account, observations.c.kind, observations.c.object_id),
        of_observation,
    ),
)


@dataclass(slots=True)
class Rotated:
    """How far a rotation has come: rows sealed anew, and rows that no key here opens."""

    resealed: int = 0
    stuck: int = 0


def enrol(ledger: Ledger) -> None:
    """See that every key the ledger was sealed with is here, and write down the one that seals.

    Raises Misconfigured, before anything is read or written, when one is missing or is another.
    """
    vault = ledger.vault
    with ledger.read() as connection:
        known = _checks(connection)
    for name, check in known.items():
        _try(vault, name, check)
    if vault.ids and vault.ids[0] not in known:
        name = vault.ids[0]
        value = base64.b64encode(vault.seal(_CHECK, name.encode())).decode()
        with ledger.begin() as connection:
            statement = insert(connection, meta).values(name=_PREFIX + name, value=value)
            connection.execute(statement.on_conflict_do_nothing())


def has_keys(ledger: Ledger) -> bool:
    """Whether anything may have been sealed in it."""
    with ledger.read() as connection:
        return bool(_checks(connection))


def known_keys(connection: Connection) -> set[str]:
    """The ids of the keys that the ledger needs."""
    return set(_checks(connection))


def status(ledger: Ledger) -> Counter[tuple[str, str]]:
    """How many rows are sealed with which key, by table and id ("unsealed": with none).

    Looks at every row: with many of them this takes its time.
    """
    found: Counter[tuple[str, str]] = Counter()
    for one in _COLUMNS:
        for rows in _pages(ledger, one, PAGE):
            found.update((one.table.name, _name(head)) for _number, head in rows)
    return found


def rotate(ledger: Ledger, *, page: int = PAGE) -> Iterator[Rotated]:
    """Seal everything with the first key that is not; yields the same account after each batch.

    A batch is a transaction. Killed and started again it goes on: what is done is passed over. At
    its end the ledger forgets the keys that nothing needs any more.
    """
    done, head = Rotated(), ledger.vault.head
    for one in _COLUMNS:
        for rows in _pages(ledger, one, page):
            older = [number for number, start in rows if start != head]
            for first in range(0, len(older), BATCH):
                with ledger.begin() as connection:
                    _reseal(connection, ledger.vault, one, older[first : first + BATCH], done)
            yield done
    _retire(ledger)


def _pages(ledger: Ledger, one: _Column, size: int) -> Iterator[list[tuple[int, bytes]]]:
    """The number and the first bytes of every value, some rows at a time."""
    number, after = one.table.c.id, 0
    statement = sa.select(number, sa.func.substr(one.column, 1, HEAD_BYTES)).where(
        one.column.is_not(None)
    )
    while True:
        with ledger.read() as connection:
            rows = connection.execute(
                statement.where(number > after).order_by(number).limit(size)
            ).all()
        if not rows:
            return
        yield [(row[0], bytes(row[1])) for row in rows]
        after = rows[-1][0]


def _reseal(
    connection: Connection, vault: Vault, one: _Column, numbers: list[int], done: Rotated
) -> None:
    """Open with whichever key it takes and seal with the first."""
    number = one.table.c.id
    rows: Any = connection.execute(
        sa.select(number, one.column, *one.identity).where(number.in_(numbers))
    )
    fresh: list[dict[str, Any]] = []
    for each, kept, *identity in rows.all():
        about = one.about(*identity)
        try:
            fresh.append({"b_id": each, "b_kept": vault.seal(vault.open(kept, about), about)})
        except Unreadable:
            done.stuck += 1
    if fresh:
        where = number == sa.bindparam("b_id")
        values: dict[str, Any] = {one.column.name: sa.bindparam("b_kept")}
        connection.execute(sa.update(one.table).where(where).values(values), fresh)
    done.resealed += len(fresh)


def _retire(ledger: Ledger) -> None:
    needed = {key for _table, key in status(ledger)} | {ledger.vault.ids[0]}
    with ledger.begin() as connection:
        for name in set(_checks(connection)) - needed:
            connection.execute(sa.delete(meta).where(meta.c.name == _PREFIX + name))


def _checks(connection: Connection) -> dict[str, str]:
    rows = connection.execute(
        sa.select(meta.c.name, meta.c.value).where(meta.c.name.startswith(_PREFIX))
    )
    return {name.removeprefix(_PREFIX): value for name, value in rows}


def _try(vault: Vault, name: str, check: str) -> None:
    if name not in vault.ids:
        raise Misconfigured(
            SETTING, f"the ledger holds data that key {name} sealed, and that key is not here"
        )
    try:
        whole = vault.open(base64.b64decode(check), name.encode()) == _CHECK
    except (Unreadable, ValueError):
        whole = False
    if not whole:
        raise Misconfigured(SETTING, f"key {name} is not the one that the ledger was sealed with")


def _name(head: bytes) -> str:
    return head[len(FORMAT) :].hex() if is_sealed(head) else UNSEALED
