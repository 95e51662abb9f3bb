"""Which signed deliveries the load consists of: distinct orders, about 2 kB each."""

import base64
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FOLDER = Path(tempfile.gettempdir()) / "pingledger-benchmarks"
KEY = "public.pem"
APP = "app_1Gqj58ynP0mHeX1q"

Signed = tuple[bytes, bytes]
"""A body and its signature."""


def make_events(count: int) -> Path:
    """Sign `count` events with a fresh key, unless a run before left enough; gives the folder."""
    path = FOLDER / "events.bin"
    if path.exists() and len(read_events(FOLDER, count)) == count:
        return FOLDER
    FOLDER.mkdir(exist_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    bodies = [msgspec.json.encode(event(number)) for number in range(count)]
    signed = [(body, base64.b64encode(key.sign(body, PKCS1v15(), SHA256()))) for body in bodies]
    (FOLDER / KEY).write_bytes(pem)
    path.write_bytes(msgspec.msgpack.encode(signed))
    return FOLDER


def read_events(folder: Path, count: int) -> list[Signed]:
    """The first `count` of them."""
    return msgspec.msgpack.decode((folder / "events.bin").read_bytes(), type=list[Signed])[:count]


def event(number: int) -> dict[str, Any]:
    """The notification of one paid order, in the document's shape."""
    return {
        "id": f"evt_{400_240_816_000_000_000_000_000 + number}",
        "created": 1_723_787_975 + number % 86_400,
        "livemode": True,
        "type": "order.succeeded",
        "data": {"object": order(number)},
        "object": "event",
        "request": None,
        "pending_webhooks": 1,
    }


def page(url: str, items: list[Any]) -> dict[str, Any]:
    """A list as it is embedded in an object."""
    return {"object": "list", "url": url, "has_more": False, "data": items}


def order(number: int) -> dict[str, Any]:
    """One order, paid with one charge."""
    order_id = f"200{1_708_160_000_000_000_000 + number}"
    charge_id = f"ch_{number:024d}"
    charge: dict[str, Any] = {
        "id": charge_id,
        "object": "charge",
        "created": 1_723_787_970,
        "livemode": True,
        "paid": True,
        "refunded": False,
        "reversed": False,
        "app": APP,
        "channel": "wx_pub_qr",
        "order_no": f"{order_id}{number:06d}"[-20:],
        "client_ip": "192.0.2.1",
        "amount": 100 + number % 9_900,
        "amount_settle": 100 + number % 9_900,
        "currency": "cny",
        "subject": "一件商品",
        "body": "一件商品的说明",
        "extra": {"product_id": "a" * 24, "open_id": "o" * 28},
        "time_paid": 1_723_787_974,
        "time_expire": 1_723_795_170,
        "time_settle": None,
        "transaction_no": f"42000023{number:020d}",
        "refunds": page(f"/v1/charges/{charge_id}/refunds", []),
        "amount_refunded": 0,
        "failure_code": None,
        "failure_msg": None,
        "metadata": {},
        "credential": {},
        "description": "说明" * 20,
    }
    return {
        "id": order_id,
        "object": "order",
        "created": 1_723_787_968,
        "livemode": True,
        "paid": True,
        "refunded": False,
        "status": "paid",
        "app": APP,
        "receipt_app": APP,
        "service_app": APP,
        "uid": f"user_{number % 1_000}",
        "merchant_order_no": f"{number:012d}",
        "amount": charge["amount"],
        "coupon_amount": 0,
        "actual_amount": charge["amount"],
        "amount_refunded": 0,
        "amount_paid": charge["amount"],
        "currency": "cny",
        "subject": "一件商品",
        "body": "一件商品的说明",
        "client_ip": "192.0.2.1",
        "time_paid": 1_723_787_974,
        "time_expire": 1_723_795_170,
        "coupon": None,
        "charges": page(f"/v1/orders/{order_id}/charges", [charge]),
        "description": "",
        "metadata": {"store": "上海一店", "note": "n" * 100},
        "charge_essentials": {
            "channel": "wx_pub_qr",
            "transaction_no": charge["transaction_no"],
            "failure_code": None,
            "failure_msg": None,
            "extra": {},
            "credential": {},
        },
    }
