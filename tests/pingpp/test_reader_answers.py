"""Are answers, pages and the provider's own samples read, and only as what was asked for?"""

import json
from pathlib import Path
from typing import Any

import pytest

from service.core.errors import Unreadable
from service.core.observation import Source
from service.pingpp.reader import WrongObject, read_answer, read_page
from tests import bodies
from tests.pingpp.reading import KEY, NOW, read, wire

SHARED = Path(__file__).resolve().parents[3] / "shared" / "samples"


def test_an_answer_carries_its_bytes_as_evidence() -> None:
    body = wire(bodies.order())
    seen = read_answer(body, key=KEY, seen_at=NOW).observations
    assert (seen[0].raw, seen[0].source, seen[1].raw) == (body, Source.POLL, None)


@pytest.mark.parametrize(
    "fields",
    [
        bodies.order(id="2012601010000000002"),
        bodies.order_refund(id="2012601010000000001"),
        {"object": "user", "id": "2012601010000000001"},
    ],
)
def test_an_answer_about_another_object_is_not_ours(fields: dict[str, Any]) -> None:
    with pytest.raises(WrongObject):
        read_answer(wire(fields), key=KEY, seen_at=NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html>login</html>",
        b'{"error":{"type":"api_error","message":"busy"}}',
    ],
)
def test_an_answer_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_answer(body, key=KEY, seen_at=NOW)


def test_a_page_keeps_what_it_can_read() -> None:
    items = (bodies.order(), bodies.order(id="2", amount="x"), bodies.order(id="3"))
    read_list = read_page(wire(bodies.page(*items, has_more=True)), account="shop", seen_at=NOW)
    assert (read_list.ids, read_list.has_more, read_list.unread) == (
        ["2012601010000000001", "3"],
        True,
        1,
    )
    assert read_list.sightings[0].observations[0].source is Source.LIST


# What the provider shows without its app.
APPLESS = ("events/doc2017_refund_succeeded.json", "seed/settle_account.json")
SAMPLES: dict[str, tuple[str, str]] = {
    "events/doc2017_charge_succeeded.json": ("charge", "paid"),
    "events/doc2017_order_refund_succeeded.json": ("order_refund", "succeeded"),
    "events/doc2017_order_succeeded.json": ("order", "paid"),
    "events/doc2017_refund_succeeded.json": ("refund", "succeeded"),
    "events/java_balance_withdrawal_succeeded.json": ("withdrawal", "pending"),
    "events/java_order_succeeded.json": ("order", "paid"),
    "events/prod_charge_succeeded_alipay_qr_2016.json": ("charge", "paid"),
    "events/doc_summary_weekly_available.json": ("app_weekly_summary", "known"),
    "events/java_agreement_succeeded.json": ("agreement", "succeeded"),
    "seed/cus_application_create.json": ("cus_application", "succeeded"),
    "seed/deposit_create.repaired.json": ("deposit", "created"),
    "seed/mch_application_get.json": ("mch_application", "succeeded"),
    "seed/settle_account.json": ("settle_account", "succeeded"),
    "seed/sub_app.json": ("sub_app", "known"),
    "seed/user.json": ("user", "known"),
    "seed/allocation_complete_pending_with_failure.json": ("allocation_complete", "pending"),
    "seed/allocation_create.json": ("allocation", "created"),
    "seed/allocation_refund_create.json": ("allocation_refund", "created"),
    "seed/order_create.json": ("order", "created"),
    "seed/order_pay.repaired.json": ("order", "created"),
    "seed/order_refund_create.repaired.json": ("order_refund", "created"),
    "seed/withdrawal_create_enterprise.json": ("withdrawal", "created"),
    "seed/withdrawal_create_personal.json": ("withdrawal", "created"),
    "seed/withdrawal_update_personal_status_processing.json": ("withdrawal", "pending"),
}


def test_every_published_sample_of_our_kinds_reads() -> None:
    """The provider's own samples lie beside the project where it is developed, not within it."""
    if not SHARED.is_dir():
        pytest.skip(
            "the provider's samples are not on this machine; our own bodies cover the kinds"
        )
    lists = {"seed/order_refund_list.json", "seed/withdrawal_list_2016.json"}
    lying = {f"{path.parent.name}/{path.name}" for path in SHARED.glob("*/*.json")}
    assert lying == set(SAMPLES) | lists
    for name, expected in SAMPLES.items():
        fields = json.loads((SHARED / name).read_bytes())
        inner = fields["data"]["object"] if fields["object"] == "event" else fields
        first = read(inner)
        assert (first.key.kind, first.status) == expected, name
        assert first.facts.get("app") or name in APPLESS, name
    for name in ("seed/order_refund_list.json", "seed/withdrawal_list_2016.json"):
        listed = read_page((SHARED / name).read_bytes(), account="shop", seen_at=NOW)
        assert (len(listed.ids), listed.unread, listed.has_more) == (1, 0, False)


def test_what_does_not_parse_in_the_document_is_refused() -> None:
    if not SHARED.is_dir():
        pytest.skip(
            "the provider's samples are not on this machine; our own bodies cover the kinds"
        )
    for path in SHARED.glob("seed/*.invalid.txt"):
        with pytest.raises(Unreadable):
            read_answer(path.read_bytes(), key=KEY, seen_at=NOW)
