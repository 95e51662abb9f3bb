"""The console in a real browser: every page, both languages, a phone, and no foreign script."""

from collections.abc import Generator
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page

from service.ledger.engine import Ledger
from service.ledger.schema import acts, beliefs, deliveries, mismatches, sinks
from service.settings import Settings
from service.web.console.page import MENU
from tests.web.console.chromium import assert_nothing_serious
from tests.web.console.stage import BOOK

pytestmark = pytest.mark.slow
# a browser sees no database: one walk on both is enough
lite = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)

ORDER = "objects/shop/order/2008000000000000023"
PAGES = [name for _, entries in MENU for name, _ in entries]
DETAILS = ["mismatches/1", ORDER, "deliveries/1", "statements/1", "closings/2026-11-17"]
Shop = tuple[Ledger, Settings]

PAYLOADS = [
    "<script>window.pwned=1</script>",
    '"><script>window.pwned=1</script>',
    "'><img src=x onerror=window.pwned=1>",
    "<svg onload=window.pwned=1>",
    "<svg><script>window.pwned=1</script></svg>",
    "</title><script>window.pwned=1</script>",
    "</textarea><script>window.pwned=1</script>",
    "</style><script>window.pwned=1</script>",
    "javascript:window.pwned=1",
    "<a href=javascript:window.pwned=1>x</a>",
    "{{ 7 * 7 }}{% print(1) %}",
    "${window.pwned=1}",
    "<iframe srcdoc='<script>parent.pwned=1</script>'>",
    "<details open ontoggle=window.pwned=1>",
    "<input autofocus onfocus=window.pwned=1>",
    "<body onload=window.pwned=1>",
    "<math><mtext></mtext><mglyph><svg onload=window.pwned=1>",
    "<div hx-get=/console/today hx-trigger=load hx-on:load=window.pwned=1>",
    "<!--><script>window.pwned=1</script>-->",
    "&lt;script&gt;window.pwned=1&lt;/script&gt;",
]


@pytest.fixture
def tab(browser: Browser, base_url: str) -> Generator[Page]:
    """A fresh tab on a desk; whatever a page throws or is refused by its policy fails the test."""
    context = browser.new_context(base_url=base_url, viewport={"width": 1360, "height": 860})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.extend([said.text] if said.type == "error" else []))
    yield page
    context.close()
    assert wrong == []


def speak(page: Page, base_url: str, language: str) -> None:
    page.context.add_cookies(
        [{"name": "pingledger_language", "value": language, "url": f"{base_url}/console"}]
    )


@lite
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_opens_from_the_menu_and_nothing_hinders_people(
    tab: Page, base_url: str, language: str
) -> None:
    speak(tab, base_url, language)
    tab.goto("/console/today")
    for name in PAGES:
        tab.click(f'nav a[href="/console/{name}"]')
        assert tab.locator(f'nav a[href="/console/{name}"][aria-current="page"]').count() == 1
        if language == "zh":
            assert_nothing_serious(tab)
    for name in DETAILS:
        tab.goto(f"/console/{name}")
        assert tab.locator("h1").count() == 1
        if language == "zh":
            assert_nothing_serious(tab)


@lite
def test_the_dark_pages_have_contrast_too(browser: Browser, base_url: str) -> None:
    context = browser.new_context(base_url=base_url, color_scheme="dark")
    page = context.new_page()
    for name in ("today", "mismatches/1"):
        page.goto(f"/console/{name}")
        assert_nothing_serious(page)
    context.close()


@lite
def test_a_phone_scrolls_only_downwards(browser: Browser, base_url: str) -> None:
    context = browser.new_context(base_url=base_url, viewport={"width": 375, "height": 800})
    page = context.new_page()
    for name in [*PAGES, *DETAILS]:
        page.goto(f"/console/{name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, name
    context.close()


def test_everything_works_without_javascript(browser: Browser, base_url: str, shop: Shop) -> None:
    context = browser.new_context(base_url=base_url, java_script_enabled=False)
    page = context.new_page()
    number = untouched(shop)
    page.goto(f"/console/mismatches/{number}")
    page.fill('form:has(input[value="assign"]) input[name="owner"]', "王会计")
    page.click('form:has(input[value="assign"]) button')
    assert "王会计" in page.content()
    page.goto("/console/mismatches")
    page.select_option('select[name="severity"]', "critical")
    page.click("form.filters button")
    assert "severity=critical" in page.url
    context.close()


@lite
def test_a_mismatch_is_worked_through_by_hand(tab: Page, shop: Shop) -> None:
    number = untouched(shop)
    tab.goto(f"/console/mismatches/{number}")
    tab.click('form:has(input[value="acknowledge"]) button')
    tab.fill('form:has(input[value="waive"]) textarea', "渠道次日更正")
    tab.fill('form:has(input[value="waive"]) input[name="until"]', "2026-12-02")
    tab.click('form:has(input[value="waive"]) button')
    assert tab.locator("ol.history li").count() == 2
    assert "渠道次日更正" in tab.content()


def test_a_statement_is_uploaded_and_a_delivery_requeued(tab: Page, shop: Shop) -> None:
    tab.goto("/console/statements")
    given = {"name": "流水.csv", "mimeType": "text/csv", "buffer": BOOK.encode()}
    tab.set_input_files('input[type="file"]', files=[given])  # pyright: ignore[reportArgumentType]
    tab.click('button[value="preview"]')
    tab.click('section:has(h2:has-text("流水.csv")) button[value="import"]')
    assert "已导入" in tab.content()
    with shop[0].read() as connection:
        number = connection.scalar(
            sa.select(deliveries.c.id).where(deliveries.c.state == "quarantined").limit(1)
        )
    tab.goto(f"/console/deliveries/{number}")
    tab.click('form[action$="/requeue"] button')
    assert "已排队" in tab.content()


@lite
def test_the_keyboard_skips_to_the_content_and_to_the_search(tab: Page) -> None:
    tab.goto("/console/today")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.keyboard.press("Enter")
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.id") == "search"


@lite
def test_no_payload_runs_on_any_page(tab: Page, shop: Shop, base_url: str) -> None:
    """What others write is text: in every field that is shown, in searches and in forms."""
    ledger, _ = shop
    with ledger.begin() as connection:
        plant(connection)
    pages = [*PAGES, *DETAILS, "letters", "deliveries?state=quarantined", "mismatches?state=all"]
    for name in pages:
        tab.goto(f"/console/{name}")
        assert tab.evaluate("window.pwned") is None, name
    number = untouched(shop)
    for payload in PAYLOADS:
        tab.goto(f"/console/mismatches/{number}")
        tab.fill('form:has(input[value="comment"]) textarea', payload)
        tab.click('form:has(input[value="comment"]) button')
        assert payload in tab.locator("ol.history li p").last.inner_text()
        tab.fill("#search", payload)
        tab.click("form.search button")
        assert tab.evaluate("window.pwned") is None, payload


def plant(connection: Any) -> None:
    """The payloads in what the ledger shows: words of others, and names."""
    rows = connection.execute(sa.select(beliefs.c.object_id).limit(len(PAYLOADS))).scalars().all()
    for object_id, payload in zip(rows, PAYLOADS, strict=False):
        values = {"channel": payload[:64], "order_no": payload, "status": payload[:64]}
        connection.execute(
            sa.update(beliefs).where(beliefs.c.object_id == object_id).values(values)
        )
    connection.execute(
        sa.update(beliefs)
        .where(beliefs.c.object_id == ORDER.rpartition("/")[2], beliefs.c.kind == "order")
        .values(channel=PAYLOADS[0], app=PAYLOADS[1], user_id=PAYLOADS[2], order_no=PAYLOADS[3])
    )
    connection.execute(
        sa.update(mismatches)
        .where(mismatches.c.id < 20)
        .values(ours=PAYLOADS[0], theirs=PAYLOADS[3], owner=PAYLOADS[9][:64])
    )
    connection.execute(
        sa.update(deliveries)
        .where(deliveries.c.id < 20)
        .values(event_type=PAYLOADS[0], reason=PAYLOADS[3], dedup_key="x" + PAYLOADS[1])
        .where(deliveries.c.id == 1)
    )
    connection.execute(sa.update(sinks).values(paused_for=PAYLOADS[2]))


def untouched(shop: Shop) -> int:
    """An open mismatch that nobody has acted on."""
    with shop[0].read() as connection:
        number = connection.scalar(
            sa.select(mismatches.c.id)
            .where(
                mismatches.c.state == "open", mismatches.c.id.not_in(sa.select(acts.c.mismatch_id))
            )
            .order_by(mismatches.c.id.desc())
            .limit(1)
        )
    assert number is not None
    return number
