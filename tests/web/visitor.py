"""A desk behind a real server, and somebody who visits it as a browser would."""

import http.client
import json
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from argon2 import PasswordHasher

from service.ledger import users
from service.ledger.engine import Ledger
from service.runtime import Runtime, open_runtime
from service.settings import Settings
from service.web.desk import Desk
from service.web.protocol import DEFAULT_LIMITS, ServerLimits
from service.work.admit import new_user
from service.work.hashing import Hashing
from tests.conftest import put_vault_key
from tests.web.conftest import Pair, Served, running

# as little as argon2 takes: its cost has tests of its own
QUICK = Hashing(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
GOOD = "blau-werkbank-otter-17"
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass
class Clock:
    """A clock that tests turn."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    cookies: list[str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def csrf(self) -> str:
        found = CSRF.search(self.text)
        assert found is not None, self.text
        return found[1]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Visitor:
    """One browser: it keeps cookies and says where its forms come from."""

    port: int
    jar: dict[str, str] = field(default_factory=dict[str, str])

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, None, headers)

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> Answer:
        """Send a form, as our own page does."""
        given = {"origin": f"http://127.0.0.1:{self.port}", "sec-fetch-site": "same-origin"}
        given["content-type"] = "application/x-www-form-urlencoded"
        return self.ask("POST", path, urlencode(form).encode(), given | headers)

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.jar and "cookie" not in sent:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            wire.request(method, path, body, {k: v for k, v in sent.items() if v})
            got = wire.getresponse()
            cookies = got.headers.get_all("set-cookie") or []
            answer = Answer(
                got.status, {k.lower(): v for k, v in got.getheaders()}, cookies, got.read()
            )
        finally:
            wire.close()
        self._keep(cookies)
        return answer

    def _keep(self, cookies: list[str]) -> None:
        for cookie in cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            if value.strip('"') and "Max-Age=0" not in cookie:
                self.jar[name] = value
            else:
                self.jar.pop(name, None)

    def sign_in(self, name: str, password: str = GOOD, after: str = "") -> Answer:
        """Through the page, as people do."""
        csrf = self.get("/console/login").csrf
        form = {"csrf": csrf, "name": name, "password": password, "next": after}
        return self.post("/console/login", form)


@dataclass
class Visited:
    """A running desk, its ledger, its clock."""

    port: int
    runtime: Runtime
    clock: Clock
    desk: Desk
    served: Served

    @property
    def ledger(self) -> Ledger:
        return self.runtime.ledger

    def visitor(self) -> Visitor:
        return Visitor(self.port)

    def deliver(self, body: bytes) -> int:
        """As Ping++ does, on the same listener."""
        return self.served.post(body)

    def know(
        self, name: str, *roles: str, accounts: list[str] | None = None, first: bool = False
    ) -> str:
        """Add somebody whose password is GOOD; gives the id."""
        user = new_user(
            name, roles, accounts, language="zh", now=self.clock(), password=QUICK.hash(GOOD)
        )
        with self.ledger.begin() as connection:
            users.add(connection, replace(user, must_change=first))
        return user.id

    def signed_in(self, name: str, *roles: str, accounts: list[str] | None = None) -> Visitor:
        """Somebody new, through the door already."""
        self.know(name, *roles, accounts=accounts)
        visitor = self.visitor()
        assert visitor.sign_in(name).status == 303
        return visitor


@contextmanager
def visited(
    database_url: str,
    folder: Path,
    pair: Pair,
    now: datetime,
    *,
    hashing: Hashing = QUICK,
    limits: ServerLimits = DEFAULT_LIMITS,
    **settings: Any,
) -> Generator[Visited]:
    """Open everything and serve the desk until the block ends."""
    given: dict[str, Any] = {
        "data_dir": str(folder),
        "vault": {"keys": str(put_vault_key(folder))},
        "database": {"url": database_url},
        "accounts": {"shop": {}, "other": {}},
        **settings,
    }
    clock = Clock(now)
    with open_runtime(Settings.model_validate(given, context={"folder": folder})) as opened:
        runtime = replace(opened, clock=clock)  # pyright: ignore[reportArgumentType]
        desk = Desk(runtime, loopback=True, hashing=hashing)
        with running(
            runtime.ledger, pair, now, clock=clock, desk=desk.app(), server_limits=limits
        ) as served:
            yield Visited(served.port, runtime, clock, desk, served)
