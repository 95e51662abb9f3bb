"""How does an index answer what a program asks of a list, and what is judged row by row?"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from service.core.kinds import KINDS
from service.ledger.engine import Connection
from service.ledger.judging import bare, few, within
from service.ledger.paging import Asked, Conditions, Question, Span
from service.ledger.rules.sources import word
from service.ledger.schema import beliefs, deliveries, mismatches, postings


def _whose(connection: Connection, question: Question) -> list[str]:
    """The accounts that a question is about, in their order."""
    where, accounts = question.where, question.accounts
    if "account" in where:
        return [where["account"]] if accounts is None or where["account"] in accounts else []
    if accounts is not None:
        return sorted(accounts)
    return few(connection, question.listing.account)


def _kinds(question: Question) -> list[str]:
    return [question.where["kind"]] if "kind" in question.where else list(KINDS)


def of_objects(connection: Connection, question: Question) -> Asked:
    """By a number that it bears; else account after account, whose objects lie together."""
    listing, where, after = question.listing, question.where, question.after
    whose = _whose(connection, question)
    if "order_no" in where or "transaction_no" in where:
        near: Conditions = [beliefs.c.account.in_(whose)]
        # the index of the one has the kind in it, that of the other has not
        if "transaction_no" not in where:
            near.append(beliefs.c.kind.in_(_kinds(question)))
        return _few(question, near)
    spans: list[Span] = []
    for account in whose:
        if after is not None and account < after[0]:
            continue
        rest = None if after is None or account != after[0] else tuple(after[1:])
        one = [beliefs.c.account == account, *question.equal("kind", "id")]
        key: tuple[sa.Column[Any], ...] = listing.key[1:]
        if "kind" in where:
            # objects of a kind lie together, too
            key = listing.key[2:]
            if rest is not None and rest[0] > where["kind"]:
                continue
            rest = None if rest is None or rest[0] < where["kind"] else rest[1:]
        spans.append(Span(one, key, rest))
    return Asked(spans, [bare(beliefs.c.status) == where["status"]] if "status" in where else [])


def _few(question: Question, near: Sequence[sa.ColumnElement[bool]]) -> Asked:
    """Few rows, which an index finds by these conditions."""
    span = Span([*near, *question.equal()], question.listing.key, question.after, is_few=True)
    return Asked([span], [])


def _by_number(question: Question) -> Asked:
    """In the order of numbers; what else is asked is judged row by row."""
    listing = question.listing
    others = {name: value for name, value in question.where.items() if name != "number"}
    filters = [bare(listing.columns[name]) == value for name, value in others.items()]
    if question.accounts is not None:
        filters += within(listing.account, frozenset(question.accounts))
    return Asked([Span(question.equal("number"), listing.key, question.after)], filters)


def of_deliveries(_: Connection, question: Question) -> Asked:
    """Those that wait or were not understood have indexes of their own."""
    asked = _by_number(question)
    if question.where.get("state") in ("waiting", "quarantined"):
        asked.spans[0].conditions.append(deliveries.c.state == word(question.where["state"]))
    return asked


def of_mismatches(connection: Connection, question: Question) -> Asked:
    """Of one object; else as `_by_number`, among what is not settled if that is asked."""
    if "id" in question.where:
        return _named(connection, question)
    asked = _by_number(question)
    if question.where.get("state", "settled") != "settled":
        asked.spans[0].conditions.append(mismatches.c.state != word("settled"))
    return asked


def _named(connection: Connection, question: Question) -> Asked:
    """Those of the objects that bear an id, of whichever account and kind."""
    listing = question.listing
    near = [
        listing.account.in_(_whose(connection, question)),
        listing.columns["kind"].in_(_kinds(question)),
    ]
    return _few(question, near)


def of_journal(connection: Connection, question: Question) -> Asked:
    """Of one object, or of all that belong to an order: the beliefs know which these are."""
    if "id" in question.where:
        return _named(connection, question)
    if "order_id" not in question.where:
        return _by_number(question)
    key = (beliefs.c.account, beliefs.c.kind, beliefs.c.object_id)
    theirs = beliefs.c.account.in_(_whose(connection, question))
    order_id = question.where["order_id"]
    inside = sa.select(*key).where(theirs, beliefs.c.order_id == order_id)
    order = sa.select(*key).where(
        theirs, beliefs.c.kind == "order", beliefs.c.object_id == order_id
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
    return _few(question, [sa.or_(sa.false(), *mine)])
