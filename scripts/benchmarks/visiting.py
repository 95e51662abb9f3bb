"""How soon does each page of the console begin, and each list of the API, over a million orders?

A real `pingledger serve` answers over HTTP. The time is that from the request to the first bytes
of its answer, on a connection that stays open. *Empty* is the console's page of reports, which asks
the ledger for nothing but who is there; for the API it is its list of reports. Each page takes
turns with the empty one; the ratio is that of the two medians.
"""

import http.client
import json
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, Popen
from typing import Any, NamedTuple
from urllib.parse import quote

from scripts.benchmarks import shop
from scripts.benchmarks.databases import VAULT, Databases
from scripts.benchmarks.events import FOLDER, KEY, make_events
from scripts.benchmarks.resting import free_port, wait_until_ready
from scripts.benchmarks.shop_rows import SINK
from service.ledger import tokens, users
from service.ledger.engine import Ledger, open_ledger
from service.web.api.reading import READING
from service.web.console import CONSOLE_DOORS
from service.work.admit import digest_of, new_user
from service.work.count import count
from service.work.grade import grade
from service.work.hashing import Hashing
from tests.conftest import put_vault_key
from tests.web.visitor import GOOD, Visitor

ROUNDS = 7
MOST = 5.0
TOKEN = "plt_" + "b" * 43
EMPTY = "/console/reports"
EMPTY_LIST = "/api/v1/reports"
# made when they are asked for, whole, and measured by `--only reports`
FILES = {"console.static", "console.report.file"}
# what sends a browser on to another page
MOVED = {"console.home"}


class Place(NamedTuple):
    """What a page is called, and its address."""

    name: str
    path: str


def measure_console(database: str, orders: int, databases: Databases) -> dict[str, Any]:
    """For each page: its median in ms, the empty page's beside it, and their ratio."""
    print(f"measuring the console on {database} …", file=sys.stderr, flush=True)
    now = datetime.now(UTC)
    with databases.fresh(database) as url:
        began = time.perf_counter()
        prepare(url, orders, now)
        took = time.perf_counter() - began
        print(f"{orders:,} orders filled in {took:.0f} s", file=sys.stderr, flush=True)
        return visit(url, orders, now)


def prepare(url: str, orders: int, now: datetime) -> None:
    """Fill the ledger, and let somebody in."""
    with closing(open_ledger(url, VAULT)) as ledger:
        shop.fill(ledger, orders, now=now)
        shop.close_days(ledger, now=now)
        shop.settle(ledger)
        # as the jobs would have done all along
        count(ledger)
        grade(ledger, "Asia/Shanghai", now=now)
        _let_in(ledger, now)


def visit(url: str, orders: int, now: datetime) -> dict[str, Any]:
    """Look at everything once, and then in turns."""
    with _serving(url) as port:
        browser = Visitor(port)
        if browser.sign_in("admin").status != 303:
            raise RuntimeError("nobody was let in")
        cookie = "; ".join(f"{name}={value}" for name, value in browser.jar.items())
        person, program = {"cookie": cookie}, {"authorization": f"Bearer {TOKEN}"}
        return {
            **_measured(port, person, Place("empty", EMPTY), list(places(orders, now))),
            **_measured(port, program, Place("empty list", EMPTY_LIST), list(lists(orders))),
        }


def _let_in(ledger: Ledger, now: datetime) -> None:
    """An admin with a known password, and a program's token."""
    user = new_user("admin", ["admin"], None, language="zh", now=now, password=Hashing().hash(GOOD))
    with ledger.begin() as connection:
        users.add(connection, replace(user, must_change=False))
        token = tokens.Token(
            "token_bench",
            "bench",
            frozenset({"read"}),
            None,
            "bench",
            now,
            now + timedelta(days=1),
        )
        tokens.add(connection, token, digest_of(TOKEN))


@contextmanager
def _serving(url: str) -> Generator[int]:
    """`pingledger serve` with the console on a socket of its own; gives that port."""
    port, desk = free_port(), free_port()
    with tempfile.TemporaryDirectory(dir=FOLDER) as name:
        folder = Path(name)
        put_vault_key(folder)
        config = folder / "pingledger.toml"
        config.write_text(_settings(folder, url, port, desk))
        command = [sys.executable, "-m", "service", "serve", "--config", str(config)]
        with Popen(command, stdout=DEVNULL, stderr=(folder / "log").open("w")) as process:
            try:
                wait_until_ready(port)
                yield desk
            finally:
                process.terminate()


def _settings(folder: Path, url: str, port: int, desk: int) -> str:
    key = str(make_events(1) / KEY)
    accounts = "".join(
        f'[accounts.{name}]\npublic_keys = [{json.dumps(key)}]\napps = ["{app}"]\n'
        for name, app in shop.APPS.items()
    )
    sink = f'[sinks.{SINK}]\ntype = "jsonl"\npath = {json.dumps(f"{folder}/out.jsonl")}\n'
    return (
        f"data_dir = {json.dumps(str(folder))}\n[database]\nurl = {json.dumps(url)}\n"
        f'[listen]\nport = {port}\n[console]\nlisten = "127.0.0.1:{desk}"\n{accounts}{sink}'
    )


# --- what is looked at ---


def places(orders: int, now: datetime) -> Iterator[Place]:
    """Every page that can be looked at, empty or full, filtered or not, first or later."""
    asked = _asked(orders, now)
    for door in CONSOLE_DOORS:
        name = door.name.removeprefix("console.")
        if door.method != "GET" or door.name in FILES | MOVED:
            continue
        for query in asked.pop(name):
            called = f"{name} {query}".strip()
            yield Place(called[:60], (query if query.startswith("/") else door.path + query))
    if asked:
        raise RuntimeError(f"no such pages: {sorted(asked)}")


def _asked(orders: int, now: datetime) -> dict[str, Sequence[str]]:
    middle = orders // 2 // 100 * 100
    today, month = now.date(), (now - timedelta(days=27)).date()
    week = (now - timedelta(days=7)).date()
    order = f"/console/objects/shop/order/{shop.order_id(middle)}"
    later = int((now - timedelta(days=20)).timestamp() * 1e6)
    return {
        "today": ("", "?account=shop", "?account=quiet"),
        "mismatches": (
            "",
            "?rule=overdue",
            "?state=settled",
            "?severity=critical",
            "?owner=nobody&state=settled",
            "?account=quiet",
            f"?after={middle // 100}&state=settled",
        ),
        "mismatch": ("/console/mismatches/1",),
        "objects": (
            "",
            "?account=shop&kind=order",
            "?account=quiet",
            "?status=canceled",
            "?account=shop&kind=charge&status=failed",
            f"?since={week}&until={week}",
            f"?after={later}~shop~order~x",
            f"?q={shop.order_id(middle)}",
            f"?q={shop.order_no(middle)}",
            f"?q={shop.transaction_no(middle)}",
            "?q=user_4200",
            "?q=nothing",
        ),
        "object": (
            order,
            f"/console/objects/shop/charge/{shop.charge_id(middle)}",
            f"/console/objects/shop/user/{quote(shop.user_id(6))}",
        ),
        "deliveries": (
            "",
            "?state=quarantined",
            "?state=waiting",
            "?verdict=evidence",
            "?account=quiet",
            "?type=refund.succeeded",
            f"?since={week}&until={week}",
            f"?after={middle}",
        ),
        "delivery": (f"/console/deliveries/{middle}",),
        "sinks": ("",),
        "letters": ("", f"?sink={SINK}", f"?after={middle}~{SINK}"),
        "statements": ("",),
        "three_way": ("",),
        "statement": ("/console/statements/1",),
        "closings": ("",),
        "closing": (f"/console/closings/{today - timedelta(days=1)}",),
        "reports": ("?report=orders",),
        "provider": ("", f"?since={month}&until={today}", "?account=quiet"),
        "jobs": ("",),
        "accounts": ("",),
        "audit": (
            "",
            f"?after={middle // 200}",
        ),
        "settings": ("",),
    }


def lists(orders: int) -> Iterator[Place]:
    """Every question that a program may ask, and its filters."""
    middle = orders // 2 // 100 * 100
    which = f"/shop/order/{shop.order_id(middle)}"
    asked: Mapping[str, Sequence[str]] = {
        "listObjects": (
            "",
            "?account=quiet",
            "?status=unheard",
            "?kind=withdrawal&status=failed",
            f"?order_no={shop.order_no(middle)}",
            f"?transaction_no={shop.transaction_no(middle)}",
        ),
        "getObject": (which,),
        "getStory": (f"{which}/story",),
        "listDeliveries": (
            "",
            "?state=quarantined",
            "?verdict=evidence",
            "?account=quiet",
            "?type=refund.succeeded",
        ),
        "getDelivery": (f"/{middle}",),
        "listMismatches": ("", "?state=open", "?severity=critical", "?rule=paid_sum", "?id=none"),
        "getMismatch": ("/1",),
        "listPostings": (
            "",
            "?account=quiet",
            "?kind=withdrawal",
            f"?order_id={shop.order_id(middle)}",
            f"?id={shop.charge_id(middle)}",
        ),
        "listBalances": ("", "?account=quiet"),
        "listClosings": ("",),
        "getClosing": (),
        "listReports": (),
    }
    for endpoint in READING:
        base = endpoint.path.partition("/{")[0]
        for query in asked[endpoint.name]:
            yield Place(f"{endpoint.name} {query}"[:60].strip(), base + query)


# --- the clock ---


def _measured(
    port: int, headers: Mapping[str, str], empty: Place, shown: Sequence[Place]
) -> dict[str, Any]:
    """Rounds over all pages, each beside the empty one."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as wire:
        _first_byte(wire, empty, headers)
        first = {place.name: _first_byte(wire, place, headers) for place in shown}
        times: dict[str, list[float]] = {place.name: [] for place in shown}
        beside: dict[str, list[float]] = {place.name: [] for place in shown}
        for _ in range(ROUNDS):
            for place in shown:
                beside[place.name].append(_first_byte(wire, empty, headers))
                times[place.name].append(_first_byte(wire, place, headers))
    return {
        name: {
            "ms": median(found),
            "empty_ms": median(beside[name]),
            "ratio": median(found) / median(beside[name]),
            "first_ms": first[name],
        }
        for name, found in times.items()
    }


def _first_byte(
    wire: http.client.HTTPConnection, place: Place, headers: Mapping[str, str]
) -> float:
    """Milliseconds from the request to the first bytes of the answer."""
    began = time.perf_counter()
    wire.request("GET", place.path, headers=dict(headers))
    answer = wire.getresponse()
    took = (time.perf_counter() - began) * 1_000
    body = answer.read()
    if answer.status not in (200, 303):
        print(f"{place.path}: {answer.status} {body[:300]!r}", file=sys.stderr)
        raise RuntimeError(f"{place.path} was answered {answer.status}")
    return took


def worst(found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The page that does worst, of each database."""
    rows: list[dict[str, Any]] = []
    for database, pages in found.items():
        name = max(pages, key=lambda page: pages[page]["ratio"])
        rows.append(
            {
                "name": f"{name}, {database}",
                "found": pages[name]["ratio"],
                "target": f"at most {MOST:.0f}",
                "met": pages[name]["ratio"] <= MOST,
            }
        )
    return rows
