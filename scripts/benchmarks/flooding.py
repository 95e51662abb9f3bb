"""Is a notification taken as soon while a hundred at once want to sign in? (failure model W03)

`pingledger serve` with the console on a socket of its own. Notifications come at a steady rate,
for as long alone as beside one crowd and beside a crowd each second, in turns; a crowd are a
hundred sign-ins at once, each with another name, from another address. What is told are medians
of the rounds.
"""

import asyncio
import json
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, Popen
from typing import Any
from urllib.parse import urlencode

from scripts.benchmarks.databases import VAULT, Databases
from scripts.benchmarks.events import FOLDER, KEY, make_events
from scripts.benchmarks.load import Figures, Order
from scripts.benchmarks.measure import WEBHOOKS, send
from scripts.benchmarks.resting import free_port, wait_until_ready
from scripts.benchmarks.servers import ACCOUNTS
from service.ledger import users
from service.ledger.engine import open_ledger
from service.work.admit import new_user
from service.work.hashing import Hashing
from tests.conftest import put_vault_key
from tests.web.visitor import Visitor

ROUNDS = 3
# notifications a second, and how many a round
RATE, COUNT = 100.0, 1_000
CROWD = 100
_LOGIN = "/console/login"
_WARM = 200


def measure_flooding(database: str, databases: Databases) -> dict[str, Any]:
    """The webhook's p50 and p99 in ms, alone and beside crowds, and how those were answered."""
    print(f"measuring a crowd of sign-ins on {database} …", file=sys.stderr, flush=True)
    events = make_events(COUNT)
    alone, once, always = list[Figures](), list[Figures](), list[Figures]()
    answers: Counter[int] = Counter()
    with databases.fresh(database) as url, _serving(url, events) as (port, desk):
        paths, folder = iter(WEBHOOKS), str(events)
        send(Order(port, [next(paths)], _WARM, folder))
        for _round in range(ROUNDS):
            alone.append(send(Order(port, [next(paths)], COUNT, folder, rate=RATE)))
            with _crowd(desk, answers, again=False):
                once.append(send(Order(port, [next(paths)], COUNT, folder, rate=RATE)))
            with _crowd(desk, answers, again=True):
                always.append(send(Order(port, [next(paths)], COUNT, folder, rate=RATE)))
    if wrong := sum(one.others for one in (*alone, *once, *always)):
        raise RuntimeError(f"{wrong} notifications were not taken")
    p99, p99_once, p99_always = (_p99(each) for each in (alone, once, always))
    return {
        "p50_ms": median(one.p50_ms for one in alone),
        "p50_once": median(one.p50_ms for one in once),
        "p50_always": median(one.p50_ms for one in always),
        "p99_ms": p99,
        "p99_once": p99_once,
        "p99_always": p99_always,
        "later_once": p99_once - p99,
        "later_always": p99_always - p99,
        "hashed": answers[401],
        "told_to_wait": answers[429],
        "cut": answers[0],
        "else": answers.total() - answers[401] - answers[429] - answers[0],
    }


def _p99(rounds: list[Figures]) -> float:
    return median(one.p99_ms for one in rounds)


@contextmanager
def _serving(url: str, events: Path) -> Generator[tuple[int, int]]:
    """Ten accounts and somebody who may come in; gives the webhook's port and the console's."""
    with closing(open_ledger(url, VAULT)) as ledger, ledger.begin() as connection:
        password = Hashing().hash("blau-werkbank-otter-17")
        now = ledger.now()
        users.add(
            connection, new_user("lin", ["viewer"], None, language="zh", now=now, password=password)
        )
    port, desk = free_port(), free_port()
    with tempfile.TemporaryDirectory(dir=FOLDER) as name:
        folder = Path(name)
        put_vault_key(folder)
        config = folder / "pingledger.toml"
        config.write_text(_settings(folder, url, port, desk, str(events / KEY)))
        command = [sys.executable, "-m", "service", "serve", "--config", str(config)]
        with Popen(command, stdout=DEVNULL, stderr=(folder / "log").open("w")) as process:
            try:
                wait_until_ready(port)
                yield port, desk
            finally:
                process.terminate()


def _settings(folder: Path, url: str, port: int, desk: int, key: str) -> str:
    accounts = "".join(
        f"[accounts.{name}]\npublic_keys = [{json.dumps(key)}]\n" for name in ACCOUNTS
    )
    return (
        f"data_dir = {json.dumps(str(folder))}\n[database]\nurl = {json.dumps(url)}\n"
        f'[listen]\nport = {port}\n[console]\nlisten = "127.0.0.1:{desk}"\n{accounts}'
    )


# --- the crowd ---


@contextmanager
def _crowd(port: int, answers: Counter[int], *, again: bool) -> Generator[None]:
    """A hundred at once, or each second until the block ends; counts how they were answered."""
    over = threading.Event()
    if not again:
        over.set()
    thread = threading.Thread(target=lambda: asyncio.run(_come(port, answers, over)))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


async def _come(port: int, answers: Counter[int], over: threading.Event) -> None:
    browser = Visitor(port)
    csrf = browser.get(_LOGIN).csrf
    cookie = "; ".join(f"{name}={value}" for name, value in browser.jar.items())
    number, coming = 0, True
    while coming:
        tries = range(number, number + CROWD)
        number += CROWD
        second = asyncio.create_task(asyncio.sleep(1))
        asked = (_try(port, _address(n), _request(port, cookie, csrf, f"n{n}")) for n in tries)
        answers.update(await asyncio.gather(*asked))
        await second
        coming = not over.is_set()


def _request(port: int, cookie: str, csrf: str, name: str) -> bytes:
    """A form as a browser sends it."""
    form = urlencode({"csrf": csrf, "name": name, "password": "wrong-wrong-17", "next": ""})
    head = (
        f"POST {_LOGIN} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Origin: http://127.0.0.1:{port}",
        "Sec-Fetch-Site: same-origin",
        "Connection: close",
        f"Cookie: {cookie}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(form)}",
    )
    return "\r\n".join([*head, "", form]).encode()


def _address(number: int) -> str:
    """One of loopback's: each has its own patience."""
    return f"127.{1 + number // 60_000}.{number // 250 % 240}.{1 + number % 250}"


async def _try(port: int, address: str, request: bytes) -> int:
    """Send it; the status of the answer, 0: the connection was refused or cut."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        writer.write(request)
        line = await reader.readline()
        await reader.read()
        writer.close()
    except OSError:
        return 0
    return int(line.split()[1]) if line else 0
