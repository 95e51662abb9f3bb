"""The console in a real browser: every page, both languages, a phone, and no foreign script."""

from collections.abc import Generator

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page

from service.ledger.engine import Ledger
from service.ledger.schema import acts, deliveries, mismatches
from service.settings import Settings
from service.web.console.page import MENU
from tests.web.console.chromium import COLOURS, assert_nothing_serious
from tests.web.console.places import ODD, ORDER, PAGES
from tests.web.console.stage import BOOK

pytestmark = pytest.mark.slow
# a browser sees no database: one walk on both is enough
lite = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)

MENU_PAGES = [name for _, entries in MENU for name, _ in entries]
# a browser complains of every answer of 400 and 404
GOOD_ODD = [place for place in ODD if "novel" not in place and "9999" not in place]
REACHABLE = (
    ":is(a[href], button, input, select, textarea, [tabindex='0']):not([type=hidden]):visible"
)
Shop = tuple[Ledger, Settings]


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
@pytest.mark.timeout(400)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_opens_from_the_menu_and_nothing_hinders_people(
    tab: Page, base_url: str, language: str
) -> None:
    """Both languages and both themes of every page: what a theme changes is colours."""
    speak(tab, base_url, language)
    tab.goto("/console/today")
    for name in MENU_PAGES:
        tab.click(f'nav a[href="/console/{name}"]')
        assert tab.locator(f'nav a[href="/console/{name}"][aria-current="page"]').count() == 1
    for place in [*PAGES, *GOOD_ODD]:
        tab.goto(place)
        assert tab.locator("h1").count() == 1, place
        assert_nothing_serious(tab)
        tab.emulate_media(color_scheme="dark")
        assert_nothing_serious(tab, *COLOURS)
        tab.emulate_media(color_scheme="light")


@lite
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_phone_scrolls_only_downwards(browser: Browser, base_url: str, language: str) -> None:
    context = browser.new_context(base_url=base_url, viewport={"width": 375, "height": 800})
    page = context.new_page()
    speak(page, base_url, language)
    for place in [*PAGES, *ODD]:
        page.goto(place)
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, place
    context.close()


@lite
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_the_keyboard_reaches_everything_shows_where_it_is_and_leaves_again(
    browser: Browser, base_url: str, scripts: bool
) -> None:
    context = browser.new_context(base_url=base_url, java_script_enabled=scripts)
    page = context.new_page()
    for place in ("/console/today", "/console/mismatches/1", "/console/statements", ORDER):
        page.goto(place)
        wanted = page.locator(REACHABLE).count()
        reached: set[int] = set()
        # a field for a date has stops of its own
        for _ in range(4 * wanted):
            number, outline = tabbed(page)
            if number < 0:
                break
            assert outline != "none", (place, page.evaluate(HERE))
            reached.add(number)
        else:
            pytest.fail(f"the keyboard does not leave {place}")
        missed = page.evaluate(MISSED, [REACHABLE.removesuffix(":visible"), sorted(reached)])
        assert missed == [], place
    context.close()


# which elements can be reached and were not
MISSED = """([wanted, reached]) => {
  const all = [...document.querySelectorAll("*")];
  return [...document.querySelectorAll(wanted)]
    .filter((one) => one.checkVisibility() && !one.disabled && !one.hidden)
    .filter((one) => !reached.includes(all.indexOf(one)))
    .map((one) => one.outerHTML.slice(0, 100));
}"""
HERE = "document.activeElement.outerHTML.slice(0, 200)"
# where the keyboard is: the element's number in the page, and its outline
FOCUSED = """() => {
  const here = document.activeElement;
  if (!here || here === document.body) return [-1, ""];
  const style = getComputedStyle(here);
  return [[...document.querySelectorAll("*")].indexOf(here), style.outlineStyle];
}"""


def tabbed(page: Page) -> tuple[int, str]:
    """One step on; -1 when it left the page."""
    page.keyboard.press("Tab")
    number, outline = page.evaluate(FOCUSED)
    return int(number), str(outline)


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
