"""What was never notified is asked for on demand: bounded, resumable, and honest about the rest."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import sqlalchemy as sa

from service.ledger.engine import open_ledger
from service.ledger.schema import beliefs, pages
from service.sandbox.app import Terms as SandboxTerms
from service.sandbox.server import serving
from tests import bodies
from tests.cli.conftest import Call, Start
from tests.conftest import KeyPair, put_vault_key

API_KEY = "sk_live_sandbox"
HOURS_AWAY = 27


def settings(folder: Path, base: str) -> str:
    file = folder / "c.toml"
    (folder / "data").mkdir(exist_ok=True)
    put_vault_key(folder / "data")
    file.write_text(
        f'data_dir = "data"\n[poll]\nscale = 1000\n[accounts.shop]\napi_key = "{API_KEY}"\n'
        f'api_base = "{base}"\napps = ["{bodies.APP}"]\nrate = 100\n'
    )
    return str(file)


class Lists:
    """A provider of nothing but a list of orders, which may hang from a page on."""

    def __init__(self, orders: list[dict[str, Any]]) -> None:
        self.orders = sorted(orders, key=lambda one: -one["created"])
        self.asked: list[dict[str, str]] = []
        self.hangs_from = 10**6
        self.is_hanging = threading.Event()
        self.status = 200

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        self.asked.append(query)
        number, size = int(query["page"]), int(query["per_page"])
        if number >= self.hangs_from:
            self.is_hanging.set()
            time.sleep(20)
        low, high = (int(query.get(f"created[{w}]", d)) for w, d in (("gte", 0), ("lte", 2**40)))
        kept = [one for one in self.orders if low <= one["created"] <= high]
        some = kept[(number - 1) * size : number * size]
        return bodies.page(*some, has_more=number * size < len(kept))


@pytest.fixture
def lists() -> Lists:
    now = int(time.time())
    orders = [
        bodies.order(
            id=f"20126{n:06d}", merchant_order_no=f"M{n}", created=now - 60 * n, charges=None
        )
        for n in range(100)
    ]
    return Lists(orders)


@pytest.fixture
def base(lists: Lists) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: found[0] for name, found in parse_qs(parts.query).items()}
            known = {f"/v1/orders/{one['id']}": one for one in lists.orders}
            shown = lists.page(query) if parts.path == "/v1/orders" else bodies.page()
            shown = known.get(parts.path, shown)
            body = json.dumps(shown).encode()
            self.send_response(lists.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def ago(**units: float) -> str:
    return (datetime.now(UTC) - timedelta(**units)).isoformat(timespec="seconds")


def known(database: str, kind: str = "order") -> dict[str, str]:
    with closing(open_ledger(database)) as ledger, ledger.read() as connection:
        rows = connection.execute(
            sa.select(beliefs.c.object_id, beliefs.c.status).where(beliefs.c.kind == kind)
        )
        return {row.object_id: row.status for row in rows}


def cursors(database: str) -> list[str]:
    with closing(open_ledger(database)) as ledger, ledger.read() as connection:
        return list(connection.scalars(sa.select(pages.c.list)))


def test_a_walk_that_was_killed_goes_on_from_its_last_page(
    call: Call, start: Start, folder: Path, database: str, lists: Lists, base: str, port: int
) -> None:
    arguments = ("backfill", "order", "--since", ago(hours=3), "--config", settings(folder, base))
    lists.hangs_from = 3
    process = start(*arguments, port=port)
    assert lists.is_hanging.wait(60), process.log.read_text()
    process.popen.kill()
    process.popen.wait(30)
    assert len(known(database)) == 40
    lists.hangs_from, asked_before = 10**6, len(lists.asked)
    ended = call(*arguments)
    assert ended.code == 0, ended.err
    assert len(known(database)) == 100
    first = lists.asked[asked_before]
    assert int(first["created[lte]"]) == lists.orders[39]["created"]
    assert cursors(database) == []


def test_only_what_lies_between_both_ends_is_asked_for(
    call: Call, folder: Path, database: str, lists: Lists, base: str
) -> None:
    file = settings(folder, base)
    ended = call(
        "backfill", "--all", "--since", ago(minutes=50.5), "--until", ago(minutes=20.5),
        "--config", file, "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert len(known(database)) == 30
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert {
        (row["list"].split("/")[0], row["new"], row["outcome"]) for row in rows if "list" in row
    } == {
        ("event", 0, "whole"),
        ("order", 30, "whole"),
        ("charge", 0, "whole"),
        ("withdrawal", 0, "whole"),
    }


def test_a_refused_walk_says_where_it_stands_and_is_75(
    call: Call, folder: Path, database: str, lists: Lists, base: str
) -> None:
    lists.status = 401
    arguments = ("backfill", "order", "--since", ago(hours=3), "--config", settings(folder, base))
    ended = call(*arguments)
    assert ended.code == 75
    assert "goes on from there" in ended.err
    lists.status = 200
    assert call(*arguments).code == 0
    assert len(known(database)) == 100


def test_a_dry_run_asks_nothing(
    call: Call, folder: Path, database: str, lists: Lists, base: str
) -> None:
    file = settings(folder, base)
    ended = call("backfill", "--all", "--since", ago(hours=1), "--dry-run", "--config", file)
    assert ended.code == 0
    assert f"order/{bodies.APP}" in ended.out
    assert "allocation_refund has no list" in ended.err
    assert lists.asked == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("backfill", "order"), "say --since"),
        (("backfill", "--since", "2026-11-23T00:00:00Z"), "give one KIND, or --all"),
        (("backfill", "nothing", "--since", "{hour}"), "KIND should be one of"),
        (("backfill", "allocation_refund", "--since", "{hour}"), "has no list"),
        (("backfill", "order", "--since", "2026-11-23T12:00:00"), "a time with its zone"),
        (("backfill", "order", "--since", "{hour}", "--until", "{year}"), "should be before"),
        (("backfill", "order", "--since", "{year}"), "more than 31 days"),
        (("backfill", "order", "--since", "{hour}", "--account", "x"), "--account"),
        (("catch-up",), "say --since"),
        (("catch-up", "--since", "{year}"), "more than 31 days"),
    ],
)
def test_what_cannot_be_asked_is_64_and_asks_nothing(
    call: Call,
    folder: Path,
    database: str,
    lists: Lists,
    base: str,
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    times = {"hour": ago(hours=1), "year": ago(days=365)}
    filled = [one.format_map(times) for one in arguments]
    ended = call(*filled, "--config", settings(folder, base))
    assert (ended.code, sentence in ended.err) == (64, True), ended.err
    assert lists.asked == []


@pytest.fixture
def provider(key_pair: KeyPair) -> Iterator[Callable[[str, str, Any], Any]]:
    """The sandbox, as it stood before the outage; its notifications go nowhere."""
    begun = datetime.now(UTC) - timedelta(hours=HOURS_AWAY)
    terms = SandboxTerms(key=key_pair.private_key, api_key=API_KEY, start=begun)
    with (
        serving(terms) as address,
        httpx2.Client(base_url=address, auth=(API_KEY, ""), trust_env=False) as http,
    ):

        def asking(method: str, path: str, body: Any = None) -> Any:
            answer = http.request(method, path, json=body)
            assert answer.status_code == 200, answer.text
            return answer.json()

        asking("POST", "/sandbox/cast", {"app": bodies.APP})
        asking.base = address  # type: ignore[attr-defined]
        yield asking


def paid_order(provider: Callable[..., Any], number: int) -> str:
    body = {
        "app": bodies.APP, "merchant_order_no": f"n{number:06d}", "amount": 100 + number,
        "currency": "cny", "client_ip": "192.0.2.1", "subject": "商品", "body": "说明",
        "uid": "cus_003",
    }  # fmt: skip
    order = str(provider("POST", "/v1/orders", body)["id"])
    paying = {
        "charge_amount": 100 + number,
        "channel": "yeepay_wx_pub_qr",
        "extra": {"return_url": "https://merchant.example"},
    }
    provider("POST", f"/v1/orders/{order}/pay", paying)
    provider("POST", "/sandbox/pay", {"id": order})
    return order


def refund(provider: Callable[..., Any], order: str) -> None:
    charge = provider("GET", f"/v1/orders/{order}")["charge"]
    body = {"charge": charge, "amount": 40, "description": "退款", "order_no": f"r{order[-6:]}"}
    provider("POST", f"/v1/orders/{order}/refunds", body)


def withdrawal(provider: Callable[..., Any], number: int, *, succeeded: bool) -> None:
    path = f"/v1/apps/{bodies.APP}/withdrawals"
    asked = {
        "user": "cus_003", "channel": "yeepay", "amount": 10 + number, "order_no": f"w{number}",
        "extra": {"return_url": "https://merchant.example"},
    }  # fmt: skip
    made = str(provider("POST", path, asked)["id"])
    provider("PUT", f"{path}/{made}", {"status": "pending"})
    provider("POST", "/sandbox/finish", {"id": made, "succeeded": succeeded})


def refunded_charge(provider: Callable[..., Any], number: int) -> None:
    asked = {
        "order_no": f"c{number}", "app": {"id": bodies.APP}, "channel": "yeepay_alipay_qr",
        "amount": 100,
        "client_ip": "192.0.2.1", "currency": "cny", "subject": "商品", "body": "说明",
    }  # fmt: skip
    made = str(provider("POST", "/v1/charges", asked)["id"])
    provider("POST", "/sandbox/finish", {"id": made})
    back = {"amount": 30, "description": "退款"}
    provider("POST", f"/v1/charges/{made}/refunds", back)


def test_one_command_makes_the_ledger_whole_after_more_than_a_day_away(
    call: Call, folder: Path, database: str, provider: Any
) -> None:
    file = settings(folder, provider.base)
    orders = [paid_order(provider, number) for number in range(25)]
    for order in orders[:4]:
        refund(provider, order)
    for number in range(3):
        withdrawal(provider, number, succeeded=number > 0)
        refunded_charge(provider, number)
    provider("POST", "/sandbox/settle", {})
    provider("POST", "/sandbox/step", {"seconds": HOURS_AWAY * 3600})
    ended = call("catch-up", "--since", ago(hours=HOURS_AWAY + 1), "--config", file)
    assert ended.code == 0, ended.err
    for name in ("allocation", "allocation_refund", "allocation_complete"):
        assert f"shop: {name} has no list" in ended.err
    objects = provider("GET", "/sandbox/truth")["objects"]
    for kind in ("order", "charge", "order_refund", "withdrawal", "refund"):
        truth = {one["id"]: one["status"] for one in objects if one["kind"] == kind}
        assert truth
        assert known(database, kind) == truth


def test_what_has_no_list_is_found_in_events_or_named(
    call: Call, folder: Path, database: str, provider: Any
) -> None:
    file = settings(folder, provider.base)
    path = f"/v1/apps/{bodies.APP}/deposits"
    asked = {
        "user": "cus_003", "order_no": "d1", "amount": 500,
        "extra": {"return_url": "https://merchant.example"},
    }  # fmt: skip
    made = str(provider("POST", path, asked)["id"])
    provider("POST", "/sandbox/finish", {"id": made})
    shown = provider("GET", f"{path}/{made}")
    provider("POST", "/sandbox/event", {"type": "deposit.succeeded", "object": shown})
    provider("POST", "/sandbox/manners", {"lists_events": False})
    arguments = ("catch-up", "--since", ago(hours=HOURS_AWAY + 1), "--config", file)
    without = call(*arguments)
    assert (without.code, "absent" in without.out) == (0, True), without.err
    assert "shop: deposit has no list" in without.err
    assert known(database, "deposit") == {}
    provider("POST", "/sandbox/manners", {"lists_events": True})
    assert call(*arguments).code == 0
    assert known(database, "deposit") == {}
    ended = call(*arguments, "--ask-events")
    assert ended.code == 0, ended.err
    assert known(database, "deposit") == {made: "succeeded"}
