"""How does an index answer what a program asks of a list, and what is judged row by row?"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from service.core.kinds import KINDS
from service.ledger.engine import Connection
from service.ledger.judging import bare, few, within
from service.ledger.paging import After, Asked, Conditions, Listing, Span, Where
from service.ledger.rules.sources import word
from service.ledger.schema import beliefs, deliveries, mismatches, postings


def _whose(
    listing: Listing, connection: Connection, accounts: Collection[str] | None, where: Where
) -> list[str]:
    """The accounts that a question is about, in their order."""
    if "account" in where:
        return [where["account"]] if accounts is None or where["account"] in accounts else []
    if accounts is not None:
        return sorted(accounts)
    return few(connection, listing.account)


def of_objects(
    listing: Listing,
    connection: Connection,
    accounts: Collection[str] | None,
    where: Where,
    after: After,
) -> Asked:
    """By a number that it bears; else account after account, whose objects lie together."""
    whose = _whose(listing, connection, accounts, where)
    kinds = [where["kind"]] if "kind" in where else list(KINDS)
    if "order_no" in where or "transaction_no" in where:
        near: Conditions = [beliefs.c.account.in_(whose)]
        # the index of the one has the kind in it, that of the other has not
        if "transaction_no" not in where:
            near.append(beliefs.c.kind.in_(kinds))
        return Asked([Span([*near, *listing.equal(where)], listing.key, after, is_few=True)], [])
    spans: list[Span] = []
    for account in whose:
        if after is not None and account < after[0]:
            continue
        rest = None if after is None or account != after[0] else tuple(after[1:])
        one = [beliefs.c.account == account, *listing.equal(where, "kind", "id")]
        key: tuple[sa.Column[Any], ...] = listing.key[1:]
        if "kind" in where:
            # objects of a kind lie together, too
            key = listing.key[2:]
            if rest is not None and rest[0] > where["kind"]:
                continue
            rest = None if rest is None or rest[0] < where["kind"] else rest[1:]
        spans.append(Span(one, key, rest))
    return Asked(spans, [bare(beliefs.c.status) == where["status"]] if "status" in where else [])


def _by_number(
    listing: Listing,
    connection: Connection,
    accounts: Collection[str] | None,
    where: Where,
    after: After,
) -> Asked:
    """In the order of numbers; what else is asked is judged row by row."""
    del connection
    conditions = listing.equal(where, "number")
    others = {name: value for name, value in where.items() if name != "number"}
    filters = [bare(listing.columns[name]) == value for name, value in others.items()]
    if accounts is not None:
        filters += within(listing.account, frozenset(accounts))
    return Asked([Span(conditions, listing.key, after)], filters)


def of_deliveries(
    listing: Listing,
    connection: Connection,
    accounts: Collection[str] | None,
    where: Where,
    after: After,
) -> Asked:
    """Those that wait or were not understood have indexes of their own."""
    asked = _by_number(listing, connection, accounts, where, after)
    if where.get("state") in ("waiting", "quarantined"):
        asked.spans[0].conditions.append(deliveries.c.state == word(where["state"]))
    return asked


def of_mismatches(
    listing: Listing,
    connection: Connection,
    accounts: Collection[str] | None,
    where: Where,
    after: After,
) -> Asked:
    """Of one object; else as `_by_number`, among what is not settled if that is asked."""
    if "id" in where:
        return _named(listing, connection, accounts, where, after)
    asked = _by_number(listing, connection, accounts, where, after)
    if where.get("state", "settled") != "settled":
        asked.spans[0].conditions.append(mismatches.c.state != word("settled"))
    return asked


def _named(
    listing: Listing,
    connection: Connection,
    accounts: Collection[str] | None,
    where: Where,
    after: After,
) -> Asked:
    """Few rows: those of the objects that bear an id, of whichever account and kind."""
    kinds = [where["kind"]] if "kind" in where else list(KINDS)
    near = [
        listing.account.in_(_whose(listing, connection, accounts, where)),
        listing.columns["kind"].in_(kinds),
        *listing.equal(where),
    ]
    return Asked([Span(near, listing.key, after, is_few=True)], [])


def of_journal(
    listing: Listing,
    connection: Connection,
    accounts: Collection[str] | None,
    where: Where,
    after: After,
) -> Asked:
    """Of one object, or of all that belong to an order: the beliefs know which these are."""
    if "id" in where:
        return _named(listing, connection, accounts, where, after)
    if "order_id" not in where:
        return _by_number(listing, connection, accounts, where, after)
    whose = _whose(listing, connection, accounts, where)
    key = (beliefs.c.account, beliefs.c.kind, beliefs.c.object_id)
    asked = beliefs.c.account.in_(whose)
    inside = sa.select(*key).where(asked, beliefs.c.order_id == where["order_id"])
    order = sa.select(*key).where(
        asked, beliefs.c.kind == "order", beliefs.c.object_id == where["order_id"]
    )
    bearing: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for account, kind, object_id in connection.execute(inside.union(order)):
        bearing[account, kind].append(object_id)
    mine = [
        sa.and_(
            postings.c.account == account, postings.c.kind == kind, postings.c.object_id.in_(ids)
        )
        for (account, kind), ids in sorted(bearing.items())
    ]
    near = [sa.or_(sa.false(), *mine), *listing.equal(where)]
    return Asked([Span(near, listing.key, after, is_few=True)], [])
