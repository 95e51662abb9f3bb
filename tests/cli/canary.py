"""A person who is sent through everything, and how a trace of them is found.

The person stands wherever `tests.shapes` says that the provider shows something personal, in what
the document lets people write, and in its free texts.
"""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from service.core.kinds import KINDS
from tests import bodies, shapes
from tests.outbound.receiver import Taken

# the identity number's check digit and the card's are right
PERSON = {
    "name": "欧阳娜娜",
    "cert_number": "11010119900307803X",
    "card_number": "6222021234567890128",
    "mobile": "13912345678",
    "email": "ouyang.nana@mail.example",
    "operation_url": "https://pay.example/t/T0kenOfHers",
}
SAID = "，".join(PERSON.values())
# what of them must not be seen anywhere: parts that masking never shows
TRACES = (
    *PERSON.values(),
    "娜娜",
    "T0kenOfHers",
    "ouyang.nana",
    "19900307",
    "1234567890",
    "6222021",
)
# what the provider says of somebody whom nobody asked for by name
LABELLED = f"持卡人：{PERSON['name']}，卡号{PERSON['card_number']}，手机 {PERSON['mobile']} 不符"
_FREE = ("description", "failure_msg", "subject", "body")


def _spellings(trace: str) -> Iterator[bytes]:
    """How it may stand in text, in JSON, in an address and in a database's own text."""
    for text in {trace, json.dumps(trace)[1:-1], quote(trace), trace.encode().hex()}:
        yield text.encode()
    # fewer bytes would turn up in sealed ones by chance
    if len(trace) > 3:
        yield trace.encode("utf-16-le")


_SPELT = {trace: tuple(_spellings(trace)) for trace in TRACES}


def traces(said: str | bytes) -> list[str]:
    """What of the person is in a text, or in raw bytes."""
    raw = said.encode() if isinstance(said, str) else said
    return [trace for trace, spelt in _SPELT.items() if any(one in raw for one in spelt)]


def personal(kind: str, **changed: Any) -> dict[str, Any]:
    """An object with the person in every field that may hold one, and in free text."""
    sample = json.dumps(shapes.SAMPLES[kind](), ensure_ascii=False)
    fields: dict[str, Any] = json.loads(sample.replace(shapes.PRIVATE, SAID))
    written: dict[str, Any] = {
        # L1069-1075: whom a withdrawal goes to
        "extra": {
            **(fields.get("extra") or {}),
            **PERSON,
            "account": PERSON["card_number"],
            "open_bank_code": "0102",
            "prov": "上海",
        },
        "metadata": {"buyer": PERSON["name"], "note": SAID},
        "credential": {"object": "credential", "url": PERSON["operation_url"]},
        "operation_url": PERSON["operation_url"],
        "failure_msg": f"来自渠道的信息：OPR21040|{SAID}",
        **{name: SAID for name in _FREE if name in fields and name != "failure_msg"},
    }
    return {**fields, **written, **_OWN.get(kind, {}), **changed}


# What the document shows of a person in one kind only (L134-161, L240-253, L499-528, L662-678).
_OWN: dict[str, dict[str, Any]] = {
    "user": {
        "name": PERSON["name"],
        "mobile": PERSON["mobile"],
        "email": PERSON["email"],
        "address": SAID,
        "identity_info": {**PERSON, "cert_type": "1"},
    },
    "cus_application": {
        "cert_name": PERSON["name"],
        "cert_number": PERSON["cert_number"],
        "mobile": PERSON["mobile"],
    },
    "mch_application": {
        "business_license": {"number": PERSON["cert_number"], "legal_name": PERSON["name"]},
        "identity_info": {"name": PERSON["name"], "number": PERSON["cert_number"]},
        "contact": {"name": PERSON["name"], "mobile": PERSON["mobile"], "email": PERSON["email"]},
        "settle_account": {"account": PERSON["card_number"], "name": PERSON["name"]},
    },
    "settle_account": {
        "recipient": {
            "account": PERSON["card_number"],
            "name": PERSON["name"],
            "mobile": PERSON["mobile"],
            "type": "b2c",
            "extra": {"card_id": PERSON["card_number"], "bank_card_status": "succeeded"},
        },
    },
    "charge": {"client_ip": "192.0.2.1"},
}
_OWN["micro_application"] = _OWN["mch_application"]


def objects() -> dict[str, dict[str, Any]]:
    """The person's object of every kind, by kind."""
    return {kind: personal(kind) for kind in KINDS}


def events() -> list[bytes]:
    """A delivery of every kind; one differs from its first, and some are not understood."""
    told = [
        bodies.event(fields, f"{kind}.changed", id=f"evt_{kind}")
        for kind, fields in objects().items()
    ]
    first = told[0]
    strange = [
        bodies.event({**personal("withdrawal"), "amount": SAID}, id="evt_amount"),
        bodies.event({**personal("order"), "status": "succeeded?"}, id="evt_status"),
        bodies.event({**personal("order"), "object": "person"}, id="evt_object"),
        {**first, "created": 7},
        {"id": "evt_none", "object": "event", "said": SAID},
    ]
    return [wire(one) for one in (*told, *strange)] + [json.dumps(PERSON).encode()[:-9]]


def wire(fields: dict[str, Any]) -> bytes:
    """The bytes of a body."""
    return json.dumps(fields, ensure_ascii=False).encode()


def provide(taken: Taken, peer: socket.socket) -> bool:
    """Answer as a provider whose every object is the person's; its noes name the person too."""
    status, fields = _provided(urlsplit(taken.target).path)
    body = wire(fields)
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Type: application/json\r\n"
    peer.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return True


def _provided(path: str) -> tuple[int, dict[str, Any]]:
    last = path.rpartition("/")[2]
    for kind, fields in objects().items():
        if fields.get("id") == last:
            return 200, fields
        if last == f"{kind}s":
            return 200, bodies.page(fields)
    error = {"type": "invalid_request_error", "code": "no_such", "message": LABELLED}
    return 404 if last != "refuse" else 402, {"error": error}


def database_files(url: str) -> dict[str, bytes]:
    """Every file of an SQLite ledger, by name, its journals too; none of a PostgreSQL one."""
    scheme, _, place = url.partition(":///")
    if scheme != "sqlite":
        return {}
    path = Path(place)
    return {one.name: one.read_bytes() for one in path.parent.glob(f"{path.name}*")}
