"""Does the demo's judge see every difference, and does its merchant do honest business?"""

from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import httpx2
from starlette.testclient import TestClient

from service.cli.demo.daemon import Daemon
from service.cli.demo.desk import Signed, Told
from service.cli.demo.evening import INVENTED, REASON, Evening, end_day, write_book
from service.cli.demo.figures import Figures, count_deliveries, count_messages, count_objects, yuan
from service.cli.demo.foreign import others
from service.cli.demo.judge import PUBLISHED, judge
from service.cli.demo.merchant import Merchant
from service.cli.demo.summary import as_json, troubles
from service.ledger.migrations import migrate
from service.pingpp.endpoints import OPERATIONS
from service.pingpp.signature import RequestSigner
from service.sandbox.app import Terms, build_app, build_box
from service.sandbox.keys import new_key
from service.sandbox.server import wall_clock
from service.sandbox.truth import Pace
from tests.conftest import VAULT, KeyPair, put_vault_key
from tests.days import deliver_paid

API_KEY = "sk_live_demo"

ORDER = {
    "kind": "order",
    "id": "201",
    "status": "paid",
    "amount": 5,
    "amount_paid": 5,
    "amount_refunded": 0,
}
PLANTED = {"name": "overpaid", "rule": "overpaid", "found_on": ["201"], "made": [["order", "201"]]}


def mismatch(**given: str) -> dict[str, Any]:
    row = {"rule": "overpaid", "kind": "order", "id": "201", "state": "open", "severity": "warning"}
    return {**row, **given}


def test_equal_books_with_every_error_found_are_good() -> None:
    row = {**ORDER, "account": "demo", "final": True}
    assert judge([row], [ORDER], [PLANTED], [mismatch()]).good


def test_a_difference_in_any_compared_field_is_seen() -> None:
    for name, value in (("status", "created"), ("amount", 6), ("amount_paid", 4)):
        verdict = judge([{**ORDER, name: value}], [ORDER], [], [])
        assert [each.id for each in verdict.differences] == ["201"]
        assert not verdict.good


def test_an_object_that_only_one_side_has_is_a_difference() -> None:
    assert judge([], [ORDER], [], []).differences[0].ledger is None
    assert judge([ORDER], [], [], []).differences[0].truth is None


def test_an_error_that_is_settled_or_only_suspected_is_not_found() -> None:
    for state in ("settled", "suspected"):
        verdict = judge([ORDER], [ORDER], [PLANTED], [mismatch(state=state)])
        assert verdict.found == []
        assert not verdict.good


def test_what_nobody_planted_is_stray_unless_it_is_for_information() -> None:
    stray = mismatch(id="202", rule="paid_sum", severity="critical")
    told = mismatch(id="203", rule="learned_by_polling", severity="info")
    verdict = judge([ORDER], [ORDER], [PLANTED], [mismatch(), stray, told])
    assert verdict.stray == ["paid_sum order 202"]
    assert not verdict.good


def test_a_forgery_that_was_taken_in_spoils_the_verdict() -> None:
    verdict = judge([ORDER], [ORDER], [], [])
    verdict.deceived = 1
    assert not verdict.good


def test_an_operation_that_was_not_used_spoils_the_verdict() -> None:
    verdict = judge([ORDER], [ORDER], [], [])
    verdict.unused = ["card_bin"]
    assert not verdict.good


def test_a_merchants_book_has_every_sale_and_four_slips() -> None:
    sold = [{**ORDER, "id": str(n), "amount_paid": 100 * n} for n in range(1, 6)]
    truth = [*sold, {**ORDER, "id": "9", "status": "created"}, {**ORDER, "kind": "charge"}]
    numbers = {str(n): f"D{n}" for n in range(1, 10)}
    slips, lines = write_book(truth, [{"made": [["order", "2"]]}], numbers)
    assert slips == [
        "statement_amount D1",
        "statement_duplicate D4",
        f"statement_missing_here {INVENTED}",
        "statement_missing_there D3",
    ]
    sales = [("D1", 101), ("D2", 200), ("D4", 400), ("D4", 400), ("D5", 500)]
    assert lines == [*sales, (INVENTED, 500)]


def test_a_day_ends_with_its_book_its_closing_and_a_verification(
    tmp_path: Path, key_pair: KeyPair
) -> None:
    for name, data in (
        ("pingpp.pem.pub", key_pair.public_pem),
        ("merchant.pem", key_pair.private_pem),
    ):
        (tmp_path / name).write_bytes(data)
    put_vault_key(tmp_path)
    daemon = Daemon(tmp_path, 0)
    daemon.write_config(api_base="http://127.0.0.1:1", api_key=API_KEY)
    with closing(daemon.open_ledger()) as ledger:
        ledger.vault = VAULT
        migrate(ledger)
        now = ledger.now()
        for number in range(5):
            deliver_paid(ledger, key_pair, number, now, now, "demo")
    truth = [{**ORDER, "id": f"201{number}", "amount_paid": 1200} for number in range(5)]
    evening = end_day(daemon, truth, [])
    assert evening.found == evening.planted
    assert evening.good
    assert len(evening.planted) == 4
    assert evening.rules["statement_missing_there"] == 1
    assert evening.days[-1].closing.reason == REASON
    assert evening.days[-1].closing.totals[0].count == 5
    assert evening.verified.checked["delivery"] == 5


def test_a_day_that_does_not_end_well_spoils_the_verdict() -> None:
    verdict = judge([], [], [], [])
    assert verdict.good
    verdict.evening = Evening(planted=["statement_amount D1"])
    assert not verdict.good
    assert as_json(Figures(), verdict)["evening"]["book_found"] == []
    told = "\n".join(troubles(verdict))
    assert "not found in the book: statement_amount D1" in told


def test_balances_are_compared_where_they_are_published() -> None:
    ours = {"kind": "user", "id": "cus_1", "status": "known", "available_balance": 5}
    theirs = {**ours, "available_balance": 6}
    assert judge([ours], [theirs], [], []).good
    assert not judge([ours], [theirs], [], [], PUBLISHED).good


def test_figures_tell_notified_objects_from_asked_ones() -> None:
    figures = Figures()

    def change(object_id: str, source: str) -> dict[str, Any]:
        data = {"kind": "order", "id": object_id, "source": source}
        return {"type": "pingpp.order.paid.v1", "data": data}

    notice: dict[str, Any] = {"type": "pingledger.notice.v1", "data": {}}
    asked = [change("1", "poll"), change("2", "list")]
    count_messages(figures, [*asked, change("2", "webhook"), notice])
    assert (figures.changes, figures.only_by_asking) == (3, 1)
    count_deliveries(figures, [{"repeats": 2}, {"repeats": 0}])
    assert (figures.received, figures.repeated) == (2, 2)
    count_objects(figures, [{**ORDER, "amount_paid": 1234567}, {**ORDER, "kind": "charge"}])
    assert (figures.objects, yuan(figures.paid)) == (2, "12,345.67")


def test_the_merchant_uses_every_operation_over_signed_requests() -> None:
    key, told = new_key(), list[Told]()
    pace = Pace(shortest=0.0, longest=0.0, declined=0.0)
    terms = Terms(new_key(), API_KEY, merchant_key=key.public_key(), pace=pace)
    sending = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: httpx2.Response(200)))
    box = build_box(terms, wall_clock, sending)
    client = TestClient(build_app(box))
    client.auth = Signed(API_KEY, RequestSigner(key), wall_clock)
    merchant = Merchant(client, Random(3), told.append)
    merchant.open(0.0)
    for each in others(wall_clock()):
        put = client.post("/sandbox/put", json=each).json()
        merchant.meet(put["kind"], put["id"])
    for now in range(120):
        if now < 20:
            merchant.begin(float(now))
        merchant.act(float(now))
        merchant.look()
        box.tick(wall_clock())
    assert OPERATIONS.keys() - box.called.keys() == set()
    kinds = {each["kind"] for each in client.get("/sandbox/truth").json()["objects"]}
    assert {"order", "charge", "order_refund", "withdrawal", "allocation"} <= kinds
    assert {each.kind for each in told} >= {"order_refund", "allocation", "allocation_complete"}
