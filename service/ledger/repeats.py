"""What a delivery means whose event is in the inbox already: a retry, or something to look at."""

from collections import Counter
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from service.ledger.dialect import insert
from service.ledger.engine import Connection
from service.ledger.intake import Arrival, Identity, Sealed, seal_as
from service.ledger.schema import deliveries
from service.ledger.vault import Vault

Tell = Callable[[Connection, Arrival], None]
"""Told of a delivery that says something else under a known id; writes in the transaction."""


def note_repeats(
    connection: Connection, arrivals: Sequence[Sealed], tell: Tell, vault: Vault
) -> None:
    """Count each retry; keep different content under a known id as evidence, and tell of it.

    Where the known one names its id twice, nothing was derived from it: the other is accepted.
    """
    known = _digests(connection, arrivals)
    same = [one for one in arrivals if known.get(_identity(one)) == one.content_digest]
    other = [one for one in arrivals if known.get(_identity(one)) != one.content_digest]
    unnamed = _unnamed(connection, other)
    _count(connection, [_identity(one) for one in same])
    for one in sorted(other, key=_identity):
        evidence = seal_as(vault, one, f"{one.dedup_key}#{one.content_digest}")
        if _keep(connection, evidence, accepts=_identity(one) in unnamed):
            tell(connection, one)
        else:
            _count(connection, [_identity(evidence)])


def _identity(arrival: Arrival) -> Identity:
    return arrival.account, arrival.dedup_key


def _digests(connection: Connection, arrivals: Sequence[Arrival]) -> dict[Identity, str]:
    identities = sorted({_identity(one) for one in arrivals})
    rows = connection.execute(
        sa.select(deliveries.c.account, deliveries.c.dedup_key, deliveries.c.content_digest).where(
            sa.tuple_(deliveries.c.account, deliveries.c.dedup_key).in_(identities)
        )
    )
    return {(account, dedup_key): digest for account, dedup_key, digest in rows}


_ONE_MORE = (
    sa.update(deliveries)
    .where(
        deliveries.c.account == sa.bindparam("b_account"),
        deliveries.c.dedup_key == sa.bindparam("b_dedup_key"),
    )
    .values(repeats=deliveries.c.repeats + sa.bindparam("b_times"))
)


def _count(connection: Connection, identities: Sequence[Identity]) -> None:
    """In one order everywhere, so that two writers wait for each other and never deadlock."""
    times = sorted(Counter(identities).items())
    if times:
        connection.execute(
            _ONE_MORE,
            [
                {"b_account": account, "b_dedup_key": dedup_key, "b_times": count}
                for (account, dedup_key), count in times
            ],
        )


def _unnamed(connection: Connection, arrivals: Sequence[Arrival]) -> set[Identity]:
    """The ids that only a body which names its id twice goes by: whose it was, nobody knows."""
    rows = connection.execute(
        sa.select(deliveries.c.account, deliveries.c.dedup_key).where(
            sa.tuple_(deliveries.c.account, deliveries.c.dedup_key).in_(
                sorted({_identity(one) for one in arrivals})
            ),
            deliveries.c.state == "quarantined",
            deliveries.c.reason == "key_twice",
        )
    )
    return {(account, dedup_key) for account, dedup_key in rows}


def _keep(connection: Connection, other: Sealed, *, accepts: bool) -> bool:
    """Whether it is the first of its content; nothing is ever derived from evidence."""
    evidence = {"verdict": "evidence", "state": "kept", "reason": "differs"}
    accepted = {"verdict": "accepted", "state": "waiting"}
    statement = (
        insert(connection, deliveries)
        .values(**other._asdict(), **(accepted if accepts else evidence))
        .on_conflict_do_nothing()
        .returning(deliveries.c.id)
    )
    return connection.execute(statement).first() is not None
