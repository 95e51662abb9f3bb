"""Does pingledger's own reader understand everything that the fake provider shows and sends?"""

from collections.abc import Mapping
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.core.kinds import KINDS
from service.core.observation import Key, Source
from service.pingpp.reader import read_answer, read_event, read_object, read_page
from service.pingpp.signature import KeyRing, RequestSigner, load_public_key
from service.sandbox.dump import NAMES
from service.sandbox.keys import new_key
from service.sandbox.records import user_key
from tests.sandbox.conftest import APP, KEY, Merchant, deliver, make_merchant
from tests.sandbox.test_members import small_papers
from tests.sandbox.test_money import deposit

ACCOUNT = "main"
OWN = {*NAMES.values(), "mch_application", "micro_application", "allocation", "allocation_refund"}


def make_everything(merchant: Merchant) -> None:
    """At least one object of every kind, each at some stage of its life."""
    order = merchant.paid_order(allocation=True, channel="yeepay_alipay_qr")
    refund = merchant.refund(order, 10)
    merchant.advance(refund["id"])
    merchant.advance(refund["id"], succeeded=True)
    share = {"app": APP, "order": order["id"]}
    recipients = [{"user": "WHDR", "amount": 50}]
    made = merchant.call(
        "POST", "/v1/allocations", {**share, "order_no": "A1", "recipients": recipients}
    )
    for _ in range(2):
        merchant.advance(made["id"], succeeded=True)
    back = {
        **share,
        "order_no": "A2",
        "senders": recipients[0],
        "extra": {"allocation": made["id"]},
    }
    merchant.call("POST", "/v1/allocation_refunds", back)
    merchant.call("POST", "/v1/allocation_completes", {**share, "order_no": "F1"})
    merchant.call("POST", f"/v1/apps/{APP}/sub_apps", {"display_name": "小店", "user": "biz_1"})
    merchant.call("POST", f"/v1/apps/{APP}/micro_applications", small_papers("biz_1", "A9"))
    deposit(merchant)
    withdrawal = merchant.withdraw()
    merchant.decide(withdrawal["id"], "pending")


def where(merchant: Merchant, kind: str, object_id: str) -> str:
    """The first GET path of the kind's row that answers."""
    records = merchant.box.truth.records
    named = KINDS[kind].place(object_id)
    shown = records.get(object_id) or records[user_key(named["app"], named["id"])]
    places: Mapping[str, str] = {
        "id": object_id,
        "app": APP,
        "order_id": getattr(shown, "order", ""),
        "charge_id": getattr(shown, "charge", ""),
    }
    paths = [path.format_map({**places, **named}) for path in KINDS[kind].paths]
    return next(path for path in paths if merchant.client.get(path).status_code == 200)


def test_every_kind_reads_to_its_own_status_and_amounts(merchant: Merchant) -> None:
    make_everything(merchant)
    truth = merchant.truth()
    assert {each["kind"] for each in truth.values()} == OWN & KINDS.keys()
    for object_id, true in truth.items():
        if not KINDS[true["kind"]].paths:
            continue  # only its user's looks show it
        key = Key(ACCOUNT, true["kind"], object_id)
        body = merchant.client.get(where(merchant, true["kind"], object_id)).content
        sighting = read_answer(body, key=key, seen_at=merchant.clock.now)
        seen = next(each for each in sighting.observations if each.key == key)
        assert seen.status == true["status"]
        assert seen.facts.get("amount") == true["amount"]
        for total in ("amount_paid", "amount_refunded"):
            assert seen.totals.get(total) == true[total]


def test_every_event_verifies_and_reads(merchant: Merchant) -> None:
    make_everything(merchant)
    merchant.call("POST", "/sandbox/settle")
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ring = KeyRing([load_public_key(pem)])
    requests = deliver(merchant)
    assert len(requests) > 5
    for request in requests:
        signature = request.headers["X-Pingplusplus-Signature"].encode()
        ring.verify(request.content, signature)
        event = read_event(request.content)
        seen = read_object(
            event.object, account=ACCOUNT, source=Source.WEBHOOK, seen_at=merchant.clock.now
        )
        assert not seen.odd
        assert seen.observations[0].key.object_id in merchant.box.truth.records


def test_every_list_reads_whole(merchant: Merchant) -> None:
    make_everything(merchant)
    for path in (
        f"/v1/orders?app={APP}",
        f"/v1/charges?app[id]={APP}",
        f"/v1/apps/{APP}/withdrawals",
    ):
        page = read_page(
            merchant.client.get(path).content, account=ACCOUNT, seen_at=merchant.clock.now
        )
        assert page.ids
        assert page.unread == 0


def test_the_daemons_request_signature_is_accepted(now: datetime) -> None:
    key = new_key()
    merchant = make_merchant(now, merchant_key=key.public_key())
    target = f"/v1/charges?app%5Bid%5D={APP}&limit=5"
    headers = RequestSigner(key).headers(b"", target, int(now.timestamp()))
    assert merchant.client.get(target, headers=headers).status_code == 200
