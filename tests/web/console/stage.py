"""A console on loopback over a shop's days: for tests, pictures and the benchmark."""

from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from service.cli.demo.kept import keep_books
from service.cli.demo.past import Past
from service.core.filter import Filter
from service.ledger.engine import Ledger, open_ledger
from service.pingpp.signature import KeyRing, load_public_key
from service.settings import Settings, load
from service.web.console import CONSOLE_DOORS
from service.web.doors import Door, Person, Role, may
from service.work.terms import Terms
from tests.conftest import VAULT, KeyPair

ACCOUNT = "shop"
CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
CSRF = "the-token"
ADMIN = Person("p1", "林会计", frozenset({Role.ADMIN}))

_CONFIG = """\
data_dir = "{folder}"

[accounts.shop]
public_keys = ["{folder}/pingpp.pub"]
apps = ["app_Sh0pSh0pSh0pSh0p"]

[accounts.other]
public_keys = ["{folder}/pingpp.pub"]

[sinks.erp]
type = "jsonl"
path = "{folder}/erp.jsonl"

# as the demo has them
[statements.book]
covers = "payment"

[statements.yeepay]
covers = "payment"
"""


def settings_in(folder: Path, pair: KeyPair, database_url: str = "") -> Settings:
    """Settings of a shop with two accounts and one sink."""
    (folder / "pingpp.pub").write_bytes(pair.public_pem)
    config = folder / "pingledger.toml"
    text = _CONFIG.format(folder=folder)
    if database_url:
        text += f'\n[database]\nurl = "{database_url}"\n'
    config.write_text(text, encoding="utf-8")
    return load(config, environ={})


def tell_past(ledger: Ledger, pair: KeyPair, now: datetime, **more: Any) -> None:
    """The shop's last days."""
    ring = KeyRing([load_public_key(pair.public_pem)])
    print_of = ring.fingerprints[0]
    Past(ledger, ACCOUNT, pair.private_key, print_of, now, **more).tell(TERMS)


@contextmanager
def furnished(
    folder: Path, url: str, pair: KeyPair, now: datetime
) -> Generator[tuple[Ledger, Settings]]:
    """A ledger with a shop's last days and what people do besides, and its settings."""
    with closing(open_ledger(url, VAULT)) as ledger:
        settings = settings_in(folder, pair)
        tell_past(ledger, pair, now, per_day=25, hours=4)
        tell_more(ledger, settings, now)
        yield ledger, settings


TERMS = Terms(sinks={"erp": Filter()}, epoch="e", grace_seconds=0)


@dataclass
class Visitor:
    """Who comes in through every door, changed by tests."""

    person: Person = ADMIN


def console_app(
    ledger: Ledger, settings: Settings, clock: Callable[[], datetime], visitor: Visitor
) -> Starlette:
    """The doors of the console behind a guard that knows one visitor."""

    def route(door: Door) -> Route:
        async def answer(request: Request) -> Response:
            request.state.person, request.state.csrf = visitor.person, CSRF
            if not may(visitor.person, door.role):
                return PlainTextResponse("no", 403)
            if door.method == "POST":
                request.state.form = await request.form(max_part_size=20 * 2**20)
                if request.state.form.get("csrf") != CSRF:
                    return PlainTextResponse("csrf", 403)
            try:
                response = await run_in_threadpool(door.answer, request)
            finally:
                await request.close()
            response.headers["content-security-policy"] = CSP
            return response

        return Route(door.path, answer, methods=[door.method])

    app = Starlette(routes=[route(door) for door in CONSOLE_DOORS])
    app.state.ledger, app.state.settings, app.state.clock = ledger, settings, clock
    app.state.terms = TERMS
    return app


def tell_more(ledger: Ledger, settings: Settings, now: datetime) -> None:
    """What only a person or a job does: a statement, closed days, a line of the audit."""
    keep_books(ledger, Path(settings.data_dir), TERMS, now)


BOOK = """\
类型,商户订单号,金额,手续费,状态,交易时间
支付,SP0000000001,12.34,0.07,成功,2026-11-20 10:00:00
支付,SP9999999999,88.00,0.53,成功,2026-11-20 11:00:00
退款,SP0000000002,5.00,,成功,2026-11-20 12:00:00
"""
