"""Bodies say what was seen, and that what is believed: whichever was changed is named."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.core.closing import FIRST, digest_of
from service.core.derived import DERIVED, derived
from service.core.instant import from_micros
from service.core.kinds import KINDS
from service.core.observation import Key, decode
from service.core.view import view
from service.ledger import closings
from service.ledger.engine import Ledger
from service.ledger.schema import (
    audit,
    beliefs,
    changes,
    deliveries,
    meta,
    observations,
)
from service.ledger.schema import closings as closed
from service.ledger.vault import Vault, of_delivery
from service.pingpp.reader import read_answer
from service.pingpp.signature import KeyRing, sign_body
from service.work.accept import name
from service.work.apply import apply
from service.work.rebuild import derive
from tests import bodies
from tests.conftest import KeyPair
from tests.days import DAWN, FIRST_DAY, HOUR, TERMS, paid
from tests.work.stories import wire
from tests.work.verify.tampering import faults, tamper, verified

Rings = dict[str, KeyRing]
# an order, and the charge that is embedded in it: both of delivery 2
ORDER = (observations.c.object_id == "2012") & (observations.c.kind == "order")
CHARGE = observations.c.object_id == "ch_2"
ANSWER = observations.c.raw.is_not(None)


def number_of(ledger: Ledger, where: sa.ColumnElement[bool]) -> int:
    with ledger.read() as connection:
        return int(connection.scalar(sa.select(observations.c.id).where(where)) or 0)


def text_of(ledger: Ledger, where: sa.ColumnElement[bool]) -> str:
    with ledger.read() as connection:
        return str(connection.scalar(sa.select(observations.c.body).where(where)))


def change(ledger: Ledger, where: sa.ColumnElement[bool], **values: Any) -> None:
    tamper(ledger, observations, sa.update(observations).where(where).values(values))


def more(text: str) -> str:
    """The same sighting of another amount."""
    assert '"amount":1200' in text
    return text.replace('"amount":1200', '"amount":1300')


SIGHTINGS = {
    "kind": "recharge",
    "object_id": "2099",
    "account": "shop2",
    "source": "list",
    "seen_at": DAWN,
    "delivery_id": 1,
    "body": "{",
}


@pytest.mark.parametrize("column", SIGHTINGS)
def test_a_sighting_that_its_delivery_does_not_say_is_named(
    whole: Ledger, rings: Rings, column: str
) -> None:
    number = number_of(whole, ORDER)
    change(whole, ORDER, **{column: SIGHTINGS[column]})
    found = [one for one in faults(whole, rings) if one[0] == "observation"]
    delivery = 1 if column == "delivery_id" else 2
    assert [(one[1].split()[0], one[2]) for one in found] == [
        (f"{number}", f"it is not what delivery {delivery} says")
    ]


def test_a_sighting_that_was_changed_with_all_that_follows_from_it_is_named(
    whole: Ledger, rings: Rings
) -> None:
    """As somebody does who knows how beliefs are made: only the signed body tells."""
    number, text = number_of(whole, CHARGE), text_of(whole, CHARGE)
    other = text.replace('"transaction_no":"1', '"transaction_no":"7')
    assert other != text
    key = Key("shop", "charge", "ch_2")
    state = derive([decode(key, other)])
    values = derived(state, view(KINDS["charge"], state))
    for column in ("created_at", "since_at", "notified_at", "heard_at", "moved_at"):
        values[column] = values[column] and from_micros(values[column])
    change(whole, CHARGE, body=other)
    where = beliefs.c.object_id == "ch_2"
    tamper(whole, beliefs, sa.update(beliefs).where(where).values(values))
    assert faults(whole, rings) == [
        ("observation", f"{number} of shop charge ch_2", "it is not what delivery 2 says")
    ]


def test_a_sighting_that_names_no_delivery_any_more_is_named(whole: Ledger, rings: Rings) -> None:
    number = number_of(whole, CHARGE)
    change(whole, CHARGE, delivery_id=None)
    assert faults(whole, rings) == [
        ("delivery", "2 evt_2 of shop", "what it says of shop charge ch_2 is not kept"),
        ("observation", f"{number} of shop charge ch_2", "its delivery is not there"),
    ]


def test_a_sighting_that_was_taken_out_is_missed(whole: Ledger, rings: Rings) -> None:
    tamper(whole, observations, sa.delete(observations).where(CHARGE))
    assert ("delivery", "2 evt_2 of shop", "what it says of shop charge ch_2 is not kept") in (
        faults(whole, rings)
    )


def test_a_sighting_that_was_put_in_is_named(whole: Ledger, rings: Rings) -> None:
    columns = [one for one in observations.columns if one.name not in ("id", "body")]
    with whole.read() as connection:
        row = connection.execute(sa.select(*columns).where(ORDER)).mappings().one()
    forged = {**row, "body": more(text_of(whole, ORDER))}
    tamper(whole, observations, sa.insert(observations).values(forged))
    found = [one for one in faults(whole, rings) if one[0] == "observation"]
    assert [one[2] for one in found] == ["it is not what delivery 2 says"]


def test_a_body_that_its_signer_changed_is_not_what_was_seen(
    whole: Ledger, rings: Rings, key_pair: KeyPair
) -> None:
    """The other way round: seal and signature are good, and what was seen in it is as it was."""
    fields = paid(2, DAWN + 2 * HOUR, uid="cus_2")
    body = wire(bodies.event(fields, id="evt_2", created=int((DAWN + 2 * HOUR).timestamp()) + 1))
    values = {
        "body": whole.vault.seal(body, of_delivery("shop", "evt_2")),
        "content_digest": name("shop", body, "", "", DAWN).content_digest,
        "signature": sign_body(key_pair.private_key, body),
    }
    tamper(whole, deliveries, sa.update(deliveries).where(deliveries.c.id == 2).values(values))
    number = number_of(whole, ORDER)
    assert faults(whole, rings) == [
        ("observation", f"{number} of shop order 2012", "it is not what delivery 2 says")
    ]


def test_the_time_at_which_a_delivery_came_stands_in_what_was_seen(
    whole: Ledger, rings: Rings
) -> None:
    where = deliveries.c.id == 2
    later = DAWN + 9 * HOUR
    tamper(whole, deliveries, sa.update(deliveries).where(where).values(received_at=later))
    assert {one[2] for one in faults(whole, rings)} == {"it is not what delivery 2 says"}


def test_a_delivery_whose_sightings_are_all_gone_is_named(whole: Ledger, rings: Rings) -> None:
    tamper(whole, observations, sa.delete(observations).where(observations.c.delivery_id == 2))
    found = [one[2] for one in faults(whole, rings) if one[0] == "delivery"]
    assert found == [
        "what it says of shop charge ch_2 is not kept",
        "what it says of shop order 2012 is not kept",
    ]


def test_what_no_key_of_the_vault_opens_is_counted_and_said(whole: Ledger, rings: Rings) -> None:
    change(whole, ORDER, body=more(text_of(whole, ORDER)))
    whole.vault = Vault([bytes(reversed(range(32)))])
    seen = verified(whole, rings)
    assert [one.problem for one in seen.named if not one.known] == [
        "the key that sealed it is not here"
    ] * 5
    assert "observation" not in {one.what for one in seen.named}


def test_the_sighting_of_an_answer_that_was_changed_is_named(whole: Ledger, rings: Rings) -> None:
    number = number_of(whole, ANSWER)
    change(whole, ANSWER, seen_at=DAWN)
    assert faults(whole, rings) == [
        ("observation", f"{number} of shop withdrawal 171", "it is not what its answer says")
    ]


def test_an_answer_that_shows_something_else_is_named(whole: Ledger, rings: Rings) -> None:
    """Sealed by somebody who has the key."""
    number = number_of(whole, ANSWER)
    change(whole, ANSWER, raw=b'{"error":{}}')
    assert faults(whole, rings) == [
        ("answer", f"{number} of shop withdrawal 171", "it cannot be read")
    ]


@pytest.fixture
def asked(whole: Ledger) -> Ledger:
    """Besides, an order was asked for, and the answer shows its charge, too."""
    at = DAWN + 51 * HOUR
    key = Key("shop", "order", "2015")
    seen = read_answer(wire(paid(5, at)), key=key, seen_at=at)
    apply(whole, seen.observations, terms=TERMS, now=at)
    return whole


INSIDE = observations.c.object_id == "ch_5"


def test_what_an_answer_shows_besides_is_as_it_says(asked: Ledger, rings: Rings) -> None:
    seen = verified(asked, rings)
    assert seen.named == []
    assert seen.checked["answer"] == 2


def test_what_an_answer_shows_besides_is_named_when_it_was_changed(
    asked: Ledger, rings: Rings
) -> None:
    number = number_of(asked, INSIDE)
    change(asked, INSIDE, body=more(text_of(asked, INSIDE)))
    found = [one for one in faults(asked, rings) if one[0] != "object"]
    assert found == [
        ("observation", f"{number} of shop charge ch_5", "no answer that is kept says so")
    ]


def test_what_an_answer_shows_besides_is_missed_when_it_is_gone(
    asked: Ledger, rings: Rings
) -> None:
    tamper(asked, observations, sa.delete(observations).where(INSIDE))
    number = number_of(asked, observations.c.object_id == "2015")
    assert (
        "answer",
        f"{number} of shop order 2015",
        "what it says of shop charge ch_5 is not kept",
    ) in faults(asked, rings)


def test_a_sighting_that_no_question_brought_is_named(asked: Ledger, rings: Rings) -> None:
    where = observations.c.object_id == "171"
    change(asked, where & observations.c.raw.is_(None), source="poll")
    found = [one[2] for one in faults(asked, rings) if one[0] == "observation"]
    assert found == ["no answer that is kept says so"]


BELIEFS: dict[str, Any] = {
    "conflict": True,
    "final": False,
    "failing": True,
    "amount": 1,
    "amount_paid": 1,
    "amount_refunded": 1,
    "fee": 1,
}


@pytest.mark.parametrize("column", [*DERIVED, "seq", "told", "booked"])
def test_every_column_of_a_belief_is_looked_at(whole: Ledger, rings: Rings, column: str) -> None:
    value: Any = BELIEFS.get(column, "other")
    if column.endswith("_at"):
        value = DAWN - timedelta(days=3)
    if column in ("told", "booked", "state", "seq"):
        value = {"told": '{"status":"failed"}', "booked": None, "state": "{}", "seq": 9}[column]
    where = (beliefs.c.object_id == "2014") & (beliefs.c.kind == "order")
    tamper(whole, beliefs, sa.update(beliefs).where(where).values({column: value}))
    assert {one[:2] for one in faults(whole, rings)} == {("object", "shop order 2014")}


def test_a_belief_that_was_taken_out_is_missed(whole: Ledger, rings: Rings) -> None:
    where = (beliefs.c.object_id == "2014") & (beliefs.c.kind == "order")
    tamper(whole, beliefs, sa.delete(beliefs).where(where))
    assert [one[:2] for one in faults(whole, rings)] == [("object", "shop order 2014")]


CHANGES = {"seq": 7, "before": "{}", "after": '{"status":"failed"}'}


@pytest.mark.parametrize("column", CHANGES)
def test_a_change_that_was_changed_is_named(whole: Ledger, rings: Rings, column: str) -> None:
    """The withdrawal was seen under way, and then to its end."""
    where = (changes.c.object_id == "171") & (changes.c.seq == 1)
    with whole.read() as connection:
        number = connection.scalar(sa.select(changes.c.id).where(where)) or 0
    tamper(whole, changes, sa.update(changes).where(where).values({column: CHANGES[column]}))
    found = faults(whole, rings)
    assert {one[0] for one in found} <= {"change", "object"}
    named = number + 1 if column == "after" else number
    assert f"{named}," in {one[1].split()[0] for one in found}


@pytest.mark.parametrize("place", [1, 2])
def test_a_change_that_was_taken_out_is_missed(whole: Ledger, rings: Rings, place: int) -> None:
    where = (changes.c.object_id == "171") & (changes.c.seq == place)
    tamper(whole, changes, sa.delete(changes).where(where))
    found = faults(whole, rings)
    assert any("shop withdrawal 171" in one[1] for one in found)


def test_an_adjustment_that_was_changed_is_named_though_the_chain_was_made_anew(
    whole: Ledger, rings: Rings
) -> None:
    statements: list[sa.Executable] = []
    previous = FIRST
    for one in reversed(closings.closings(whole)):
        head, _, tail = one.text.partition('"adjustments":')
        tail = tail.replace('"amount":1200', '"amount":1201', 1)
        text = f'{head}"adjustments":{tail}'
        text = text.replace(f'"previous":"{one.closing.previous}"', f'"previous":"{previous}"')
        number = one.day.toordinal() - 719_163
        values = {"content": text, "hash": digest_of(text), "previous": previous}
        statements.append(sa.update(closed).where(closed.c.day == number).values(values))
        previous = digest_of(text)
    statements.append(sa.update(meta).where(meta.c.name == "closing").values(value=previous))
    tamper(whole, closed, *statements)
    assert [one[1:] for one in faults(whole, rings)] == [
        (f"{FIRST_DAY + timedelta(days=1)}", "its adjustments does not follow from its postings")
    ]


@pytest.mark.parametrize("column", ["who", "what", "why", "hash"])
def test_a_line_of_the_audit_that_was_changed_is_named(
    whole: Ledger, rings: Rings, column: str
) -> None:
    tamper(whole, audit, sa.update(audit).where(audit.c.id == 2).values({column: "other"}))
    assert ("audit", "2") in [one[:2] for one in faults(whole, rings)]


@pytest.mark.parametrize(("line", "named"), [(1, "2"), (2, "3"), (3, "3")])
def test_a_line_of_the_audit_that_was_taken_out_is_missed(
    whole: Ledger, rings: Rings, line: int, named: str
) -> None:
    tamper(whole, audit, sa.delete(audit).where(audit.c.id == line))
    assert [one[:2] for one in faults(whole, rings)] == [("audit", named)]
