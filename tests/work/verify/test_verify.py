"""A ledger that nobody touched verifies; one byte changed behind its back is found and named."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.core.closing import FIRST, digest_of
from service.core.observation import Source
from service.ledger import closings
from service.ledger.engine import Ledger
from service.ledger.kept_bytes import Range
from service.ledger.schema import (
    beliefs,
    deliveries,
    meta,
    observations,
    postings,
)
from service.ledger.schema import (
    closings as closed,
)
from service.ledger.vault import Vault
from service.pingpp.signature import KeyRing, load_public_key
from service.work.accept import name
from tests import bodies
from tests.conftest import make_key_pair
from tests.days import DAWN, DAY, FIRST_DAY, HOUR, paid, tell
from tests.work.stories import wire
from tests.work.verify.tampering import faults, tamper, verified


def test_what_nobody_touched_is_whole(whole: Ledger, rings: dict[str, KeyRing]) -> None:
    seen = verified(whole, rings)
    assert seen.named == []
    assert (seen.wrong, seen.unverifiable) == (0, 0)
    checked = dict(seen.checked)
    assert (checked["delivery"], checked["answer"], checked["closing"]) == (4, 1, 2)
    with whole.read() as connection:
        booked = connection.scalar(sa.select(sa.func.count()).select_from(postings))
    assert checked["posting"] == (booked or 0) - 2


def test_an_empty_ledger_is_whole(ledger: Ledger) -> None:
    assert verified(ledger, {}).wrong == 0


@pytest.mark.parametrize("place", [5, 10, 40, -1])
def test_a_byte_of_a_sealed_body_is_missed(
    whole: Ledger, rings: dict[str, KeyRing], place: int
) -> None:
    with whole.read() as connection:
        body = bytearray(
            connection.scalar(sa.select(deliveries.c.body).where(deliveries.c.id == 2)) or b""
        )
    body[place] ^= 1
    tamper(
        whole,
        deliveries,
        sa.update(deliveries).where(deliveries.c.id == 2).values(body=bytes(body)),
    )
    assert faults(whole, rings) == [("delivery", "2 evt_2 of shop", "its seal is broken")]


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("body", b'{"id":"evt_2"}', "digest"),
        ("content_digest", "0" * 64, "digest"),
        ("signature", "A" * 344, "signature is not of these bytes"),
        ("dedup_key", "evt_9", "seal is broken"),
        ("account", "shop2", "seal is broken"),
    ],
)
def test_a_delivery_that_was_changed_is_named(
    whole: Ledger, rings: dict[str, KeyRing], column: str, value: Any, problem: str
) -> None:
    change = sa.update(deliveries).where(deliveries.c.id == 2).values({column: value})
    tamper(whole, deliveries, change)
    ((what, which, why),) = faults(whole, rings)
    assert (what, which[:2], problem in why) == ("delivery", "2 ", True)


def test_a_body_that_was_sealed_anew_still_lacks_its_signature(
    whole: Ledger, rings: dict[str, KeyRing]
) -> None:
    """As somebody does who has the vault's key, too."""
    other = wire(bodies.event(paid(2, DAWN + HOUR), id="evt_2", created=1))
    named = name("shop", other, "", "", DAWN)
    values = {"body": other, "content_digest": named.content_digest}
    tamper(whole, deliveries, sa.update(deliveries).where(deliveries.c.id == 2).values(values))
    assert faults(whole, rings) == [
        ("delivery", "2 evt_2 of shop", "its signature is not of these bytes")
    ]


def test_a_byte_of_an_answer_is_missed(whole: Ledger, rings: dict[str, KeyRing]) -> None:
    chosen = observations.c.raw.is_not(None)
    with whole.read() as connection:
        number, raw = connection.execute(
            sa.select(observations.c.id, observations.c.raw).where(chosen)
        ).one()
    changed = raw[:-1] + bytes([raw[-1] ^ 1])
    tamper(whole, observations, sa.update(observations).where(chosen).values(raw=changed))
    assert faults(whole, rings) == [
        ("answer", f"{number} of shop withdrawal 171", "its seal is broken")
    ]


@pytest.mark.parametrize("change", ["status", "broken"])
def test_a_sighting_that_was_changed_is_named(
    whole: Ledger, rings: dict[str, KeyRing], change: str
) -> None:
    text = observations.c.body
    value = sa.func.replace(text, "succeeded", "failed") if change == "status" else "{"
    where = observations.c.object_id == "171"
    tamper(whole, observations, sa.update(observations).where(where).values(body=value))
    assert ("object", "shop withdrawal 171") in [one[:2] for one in faults(whole, rings)]


def test_a_belief_that_was_changed_is_named(whole: Ledger, rings: dict[str, KeyRing]) -> None:
    change = sa.update(beliefs).where(beliefs.c.object_id == "2014").values(amount_paid=1)
    tamper(whole, beliefs, change)
    assert {one[:2] for one in faults(whole, rings)} == {("object", "shop order 2014")}


CHANGES = {
    "amount": postings.c.amount + 1,
    "debit": "bank",
    "credit": "fees",
    "currency": "usd",
    "app": "app_other",
    "order_id": "2019",
    "happened_at": DAWN - DAY,
    "known_at": DAWN + timedelta(microseconds=1),
    "entry": 7,
    "line": 7,
    "corrects": 0,
    "object_id": "2099",
}


@pytest.mark.parametrize("column", CHANGES)
@pytest.mark.parametrize("order", ["2012", "2014"])
def test_a_posting_that_was_changed_is_named(
    whole: Ledger, rings: dict[str, KeyRing], column: str, order: str
) -> None:
    """2012 is of a closed day, 2014 of one that is still open."""
    where = sa.and_(postings.c.object_id == order, postings.c.kind == "order")
    with whole.read() as connection:
        number = connection.scalar(sa.select(postings.c.id).where(where))
    tamper(whole, postings, sa.update(postings).where(where).values({column: CHANGES[column]}))
    found = [one[:2] for one in faults(whole, rings)]
    named = {what for what, which in found if which.startswith(f"{number},") or order in which}
    assert named & {"posting", "object"}
    assert (("closing", str(FIRST_DAY)) in found) is (order == "2012")


def test_a_posting_that_was_taken_out_is_missed(whole: Ledger, rings: dict[str, KeyRing]) -> None:
    tamper(whole, postings, sa.delete(postings).where(postings.c.object_id == "2012"))
    found = [one[:2] for one in faults(whole, rings)]
    assert {("object", "shop order 2012"), ("closing", str(FIRST_DAY))} <= set(found)


@pytest.mark.parametrize("column", ["hash", "previous", "content"])
def test_a_closing_that_was_changed_is_named(
    whole: Ledger, rings: dict[str, KeyRing], column: str
) -> None:
    number = (FIRST_DAY.toordinal()) - 719_163
    value = (
        sa.func.replace(closed.c.content, '"amount":', '"amount":1')
        if column == "content"
        else "f" * 64
    )
    change = sa.update(closed).where(closed.c.day == number).values({column: value})
    tamper(whole, closed, change)
    found = faults(whole, rings)
    assert {one[0] for one in found} == {"closing"}
    assert str(FIRST_DAY) in [one[1] for one in found]


def test_a_closing_that_was_made_anew_does_not_follow_from_its_postings(
    whole: Ledger, rings: dict[str, KeyRing]
) -> None:
    """As somebody does who makes the whole chain anew, the kept end as well."""
    statements: list[sa.Executable] = []
    previous = FIRST
    for one in reversed(closings.closings(whole)):
        text = one.text.replace(f'"previous":"{one.closing.previous}"', f'"previous":"{previous}"')
        text = text.replace('"amount":2400', '"amount":2401')
        number = one.day.toordinal() - 719_163
        values = {"content": text, "hash": digest_of(text), "previous": previous}
        statements.append(sa.update(closed).where(closed.c.day == number).values(values))
        previous = digest_of(text)
    statements.append(sa.update(meta).where(meta.c.name == "closing").values(value=previous))
    tamper(whole, closed, *statements)
    assert faults(whole, rings) == [
        ("closing", str(FIRST_DAY), "its totals does not follow from its postings")
    ]


def test_a_last_closing_that_was_taken_away_is_missed(
    whole: Ledger, rings: dict[str, KeyRing]
) -> None:
    last = (FIRST_DAY + DAY).toordinal() - 719_163
    tamper(whole, closed, sa.delete(closed).where(closed.c.day == last))
    assert [one[0] for one in faults(whole, rings)] == ["closing"]


def test_what_another_key_signed_cannot_be_checked_here(whole: Ledger) -> None:
    other = {"shop": KeyRing([load_public_key(make_key_pair().public_pem)])}
    for rings in (other, {}):
        seen = verified(whole, rings)
        assert (seen.wrong, seen.unverifiable) == (0, 4)
        assert "is not configured" in seen.named[0].problem


def test_what_another_vault_sealed_cannot_be_checked_here(
    whole: Ledger, rings: dict[str, KeyRing]
) -> None:
    whole.vault = Vault([bytes(reversed(range(32)))])
    seen = verified(whole, rings)
    assert (seen.wrong, seen.unverifiable) == (0, 5)


def test_a_range_checks_what_came_and_closed_in_it(
    whole: Ledger, rings: dict[str, KeyRing]
) -> None:
    change = sa.update(deliveries).where(deliveries.c.id == 2).values(content_digest="0" * 64)
    tamper(whole, deliveries, change)
    tamper(whole, postings, sa.update(postings).values(amount=postings.c.amount + 1))
    seen = verified(whole, rings, Range(DAWN + DAY, DAWN + 2 * DAY - HOUR))
    assert seen.checked["delivery"] == 1
    assert [one.name for one in seen.named if one.what == "closing"] == [str(FIRST_DAY + DAY)] * 3
    seen = verified(whole, rings, Range(DAWN + 2 * DAY))
    assert seen.checked["delivery"] == 1
    assert {one.what for one in seen.named} == {"object"}


def test_a_statement_of_a_list_needs_no_delivery(whole: Ledger, rings: dict[str, KeyRing]) -> None:
    tell(whole, paid(9, DAWN + 60 * HOUR), DAWN + 61 * HOUR, Source.LIST)
    assert faults(whole, rings) == []
