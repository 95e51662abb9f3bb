"""Somebody signs in, works and signs out: a real daemon, its real doors, a real browser."""

import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, Page, Response

from service.ledger import users
from service.ledger.engine import Ledger, open_ledger
from service.ledger.schema import deliveries, mismatches
from service.web.access.armour import HEADERS
from service.web.console.page import MENU
from service.work.admit import new_user
from tests.conftest import VAULT, KeyPair
from tests.e2e.daemons import ROOT, Daemon, free_port, write_config
from tests.web.console.chromium import assert_nothing_serious
from tests.web.console.stage import BOOK, tell_past
from tests.web.visitor import GOOD, QUICK

# one daemon for the file, or one per worker where the runner keeps no group together
pytestmark = pytest.mark.slow

NEW = "gruen-amboss-igel-29"
REFUSED = "用户名或密码不正确。"
# a browser complains of each answer of that kind, and these tests ask for some
ASKED_FOR = re.compile(r"responded with a status of 40[013] ")
SINK = '[sinks.erp]\ntype = "jsonl"\npath = "erp.jsonl"\n'


@dataclass
class House:
    """The daemon, its ledger, and how people are made."""

    url: str
    config: Path
    ledger: Ledger

    def command(self, *words: str) -> str:
        """What `pingledger` prints."""
        done = subprocess.run(
            [sys.executable, "-m", "service", *words, "--config", str(self.config)],
            cwd=ROOT, capture_output=True, check=True, timeout=60, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def know(self, name: str, *roles: str) -> None:
        """Somebody who has chosen GOOD already."""
        now = self.ledger.now()
        made = new_user(name, roles, None, language="zh", now=now, password=QUICK.hash(GOOD))
        with self.ledger.begin() as connection:
            users.add(connection, replace(made, must_change=False))

    def number(self, column: "sa.Column[int]", *where: "sa.ColumnElement[bool]") -> int:
        """The last row that is so."""
        with self.ledger.read() as connection:
            found = connection.scalar(sa.select(sa.func.max(column)).where(*where))
        assert found is not None
        return int(found)


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, key_pair: KeyPair
) -> Generator[House]:
    """A shop's last days behind `pingledger up`."""
    folder = tmp_path_factory.mktemp("house")
    file = folder / "ledger.db"
    file.write_bytes(sqlite_template.read_bytes())
    config = write_config(folder, key_pair, f"sqlite:///{file}", SINK)
    daemon = Daemon(folder, config, free_port())
    with closing(open_ledger(f"sqlite:///{file}", VAULT)) as ledger:
        tell_past(ledger, key_pair, ledger.now(), per_day=2)
        try:
            daemon.start()
            daemon.wait_until_live()
            yield House(f"http://127.0.0.1:{daemon.port}", config, ledger)
            assert daemon.stop() == 0
            assert "desk.failed" not in daemon.log()
        finally:
            daemon.ensure_gone()


@dataclass
class Window:
    """One browser of somebody; what its pages say wrong is kept."""

    house: House
    context: BrowserContext
    page: Page
    wrong: list[str] = field(default_factory=list[str])

    def watch(self) -> None:
        """Keep what is thrown, what is refused, and answers without the armour."""
        page = self.page
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on(
            "console",
            lambda said: self.wrong.extend(
                [f"{said.text} {said.location}"] if said.type == "error" else []
            ),
        )
        page.on("response", self._look)

    def _look(self, response: Response) -> None:
        sent = response.headers
        if any(sent.get(name) != value for name, value in HEADERS.items()):
            self.wrong.append(f"no armour: {response.url}")
        if response.status >= 500:
            self.wrong.append(f"{response.status}: {response.url}")

    def sign_in(self, name: str, password: str = GOOD) -> None:
        """From the page where one is asked to."""
        self.page.fill('input[name="name"]', name)
        self.page.fill('input[name="password"]', password)
        self.page.click("form button")

    def enter(self, name: str, *roles: str) -> None:
        """Somebody new, up to the first page."""
        self.house.know(name, *roles)
        self.page.goto("/console")
        self.sign_in(name)
        assert self.path() == "/console/today"

    def path(self) -> str:
        return self.page.url.removeprefix(self.house.url)

    def h1(self) -> str:
        return self.page.locator("h1").inner_text()


@contextmanager
def window(browser: Browser, house: House, *, scripts: bool = True) -> Generator[Window]:
    context = browser.new_context(base_url=house.url, java_script_enabled=scripts, locale="zh-CN")
    opened = Window(house, context, context.new_page())
    opened.watch()
    yield opened
    context.close()
    assert [one for one in opened.wrong if not ASKED_FOR.search(one)] == []


def test_a_first_password_is_changed_before_anything_opens(browser: Browser, house: House) -> None:
    first = house.command("user", "add", "lin", "--role", "admin")
    with window(browser, house) as here:
        page = here.page
        page.goto("/console/mismatches?state=open")
        assert here.path().startswith("/console/login?next=")
        for name, password in (("lin", "wrong-wrong-wrong"), ("nobody", first)):
            here.sign_in(name, password)
            assert page.locator('[role="alert"]').inner_text() == REFUSED
        here.sign_in("lin", first)
        assert here.path() == "/console/password"
        assert "一次性密码" in page.content()
        page.goto("/console/mismatches")
        assert here.path() == "/console/password"
        change(page, first, first)
        assert "与当前密码相同" in page.locator('[role="alert"]').inner_text()
        change(page, first, NEW)
        assert here.path() == "/console/today"
        for name in [entries[-1][0] for _, entries in MENU]:
            page.click(f'nav a[href="/console/{name}"]')
            assert page.locator(f'nav a[href="/console/{name}"][aria-current="page"]').count() == 1
        page.click('.who a[href="/console/password"]')
        assert "一次性密码" not in page.content()


def change(page: Page, old: str, new: str) -> None:
    page.fill('input[name="old"]', old)
    page.fill('input[name="new"]', new)
    page.fill('input[name="again"]', new)
    page.click('form[action="/console/password"] button')


def test_one_goes_on_to_where_one_wanted_in_the_language_chosen_last(
    browser: Browser, house: House
) -> None:
    house.know("zhao", "viewer")
    with window(browser, house) as here:
        page = here.page
        page.goto("/console/objects?kind=order")
        page.click('a[lang="en"]')
        assert here.h1() == "Sign in"
        here.sign_in("zhao")
        assert (here.path(), here.h1()) == ("/console/objects?kind=order", "Objects")
        page.click('form[action="/console/language"] button')
        assert (here.path(), here.h1()) == ("/console/objects", "对象")
        page.click('.who a[href="/console/password"]')
        assert here.h1() == "修改密码"
        page.click('form[action="/console/sign-out"] button')
        assert here.h1() == "登录"
        page.click('a[lang="en"]')
        here.sign_in("zhao")
        page.goto("/console/objects")
        assert here.h1() == "Objects"


def test_money_is_worked_on_through_the_real_doors(browser: Browser, house: House) -> None:
    broken = house.number(deliveries.c.id, deliveries.c.state == "quarantined")
    number = house.number(mismatches.c.id, mismatches.c.state == "open")
    with window(browser, house) as here:
        page = here.page
        here.enter("chen", "finance", "operator")
        page.goto(f"/console/mismatches/{number}")
        page.fill('form:has(input[value="comment"]) textarea', "渠道账单明日到")
        page.click('form:has(input[value="comment"]) button')
        assert "渠道账单明日到" in page.locator("ol.history").inner_text()
        assert "chen" in page.locator("ol.history").inner_text()
        page.goto(f"/console/deliveries/{broken}")
        page.click('form[action$="/requeue"] button')
        assert "已排队" in page.content()
        upload(page)
        page.click('section:has(h2:has-text("流水.csv")) button[value="import"]')
        assert "已导入" in page.content()
        page.click(".flash a")
        assert here.h1() == "流水.csv"


def upload(page: Page, size: int = 0) -> None:
    """Look at a statement first. size: of what follows its lines, in bytes."""
    page.goto("/console/statements")
    given = {"name": "流水.csv", "mimeType": "text/csv", "buffer": BOOK.encode() + b"\n" * size}
    page.set_input_files('input[type="file"]', files=[given])  # pyright: ignore[reportArgumentType]
    page.click('button[value="preview"]')


def test_a_form_made_for_another_session_is_refused(browser: Browser, house: House) -> None:
    with window(browser, house) as here:
        page = here.page
        here.enter("qian", "finance")
        page.goto("/console/statements")
        page.evaluate("document.querySelector('main input[name=csrf]').value = 'forged'")
        given = {"name": "流水.csv", "mimeType": "text/csv", "buffer": BOOK.encode()}
        page.set_input_files('input[type="file"]', files=[given])  # pyright: ignore[reportArgumentType]
        with page.expect_navigation() as led:
            page.click('button[value="preview"]')
        assert led.value is not None
        assert led.value.status == 403


def test_whoever_signed_out_is_out_with_the_old_cookie_too(browser: Browser, house: House) -> None:
    with window(browser, house) as here:
        page = here.page
        here.enter("sun", "viewer")
        page.click('nav a[href="/console/jobs"]')
        held = here.context.cookies()
        page.click('form[action="/console/sign-out"] button')
        assert here.path() == "/console/login"
        page.go_back()
        assert here.path() == "/console/login?next=%2Fconsole%2Fjobs"
        here.context.add_cookies(held)  # pyright: ignore[reportArgumentType]
        page.goto("/console/jobs")
        assert here.path() == "/console/login?next=%2Fconsole%2Fjobs"


def test_whoever_is_disabled_is_out_at_once(browser: Browser, house: House) -> None:
    with window(browser, house) as here:
        here.enter("wang", "admin")
        house.command("user", "disable", "wang")
        here.page.click('nav a[href="/console/audit"]')
        assert here.path() == "/console/login?next=%2Fconsole%2Faudit"
        here.sign_in("wang")
        assert here.page.locator('[role="alert"]').inner_text() == REFUSED


def test_all_of_it_works_without_scripts(browser: Browser, house: House) -> None:
    number = house.number(mismatches.c.id, mismatches.c.state == "open")
    with window(browser, house, scripts=False) as here:
        page = here.page
        here.enter("zhou", "finance")
        page.goto(f"/console/mismatches/{number}")
        page.fill('form:has(input[value="assign"]) input[name="owner"]', "王会计")
        page.click('form:has(input[value="assign"]) button')
        assert "王会计" in page.locator("ol.history").inner_text()
        upload(page, 2 * 2**20)
        assert page.locator('section:has(h2:has-text("流水.csv"))').count() == 1
        page.click('form[action="/console/language"] button')
        assert here.h1() == "Statements"
        page.click('form[action="/console/sign-out"] button')
        assert here.h1() == "Sign in"


def test_nothing_hinders_people_at_the_sign_in(browser: Browser, house: House) -> None:
    house.know("wu", "viewer")
    with window(browser, house) as here:
        page = here.page
        page.set_viewport_size({"width": 375, "height": 800})
        for language in ("en", "zh"):
            page.goto(f"/console/login?language={language}")
            assert_nothing_serious(page)
            here.sign_in("nobody", "wrong-wrong-wrong")
            assert_nothing_serious(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= 375
        here.sign_in("wu")
        for language in ("zh", "en"):
            page.goto("/console/password")
            assert page.evaluate("document.documentElement.scrollWidth") <= 375
            assert_nothing_serious(page)
            page.emulate_media(color_scheme="dark")
            assert_nothing_serious(page)
            if language == "zh":
                page.goto("/console/today")
                page.click('form[action="/console/language"] button')
