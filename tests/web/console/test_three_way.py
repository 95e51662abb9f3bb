"""Three sides beside each other: a book, Ping++ and a channel's bill."""

import re
from collections.abc import Generator

import pytest
from starlette.testclient import TestClient

from service.ledger import statements
from service.ledger.engine import Ledger
from service.settings import Settings
from service.web.doors import LANGUAGES, Language, Person, Role
from tests.conftest import KeyPair
from tests.web.console import stage
from tests.web.console.conftest import NOW, database
from tests.web.console.stage import Visitor

Shop = tuple[Ledger, Settings]
PAGE = "/console/statements/three-way"
SAID: dict[Language, list[str]] = {
    "zh": ["缺失 台账", "金额不同 台账", "金额不同 渠道", "— — 缺失 Ping++, 渠道"],
    "en": [
        "lacks it the book", "other amount the book", "other amount the channel",
        "— — lacks it Ping++, the channel",
    ],
}  # fmt: skip
ROW = re.compile(r"<tr><td>(.*?)</tr>", re.DOTALL)


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, key_pair: KeyPair
) -> Generator[Shop]:
    """A shop for these tests alone: others remove statements and bring in more."""
    folder = tmp_path_factory.mktemp("three_way")
    with database(request, folder) as url, stage.furnished(folder, url, key_pair, NOW) as one:
        yield one


def chosen(shop: Shop) -> str:
    """The demo's book and bill."""
    with shop[0].read() as connection:
        found = {one.source: one.id for one in statements.listed(connection, removed=False)}
    return f"{PAGE}?book={found['book']}&channel={found['yeepay']}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_stands_alone_is_named(console: TestClient, shop: Shop, language: Language) -> None:
    """The demo's book lacks one, says a yuan more of another and invents a third."""
    console.cookies["pingledger_language"] = language
    text = console.get(chosen(shop)).text
    rows = ROW.findall(text[text.index("<tbody>") :])
    told = [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in rows]
    assert [row.count("CNY") for row in told] == [2, 3, 3, 1]
    assert [row.rpartition("CNY")[2].strip() for row in told] == SAID[language]


def test_nothing_is_compared_until_two_are_chosen(console: TestClient, shop: Shop) -> None:
    text = console.get(PAGE).text
    assert text.count("<option") >= 2
    assert "<tbody>" not in text
    assert PAGE in console.get("/console/statements").text
    book = chosen(shop).partition("&")[0]
    assert "<tbody>" not in console.get(book).text


@pytest.mark.parametrize("query", ["book=9999&channel=2", "book=2&channel=1", "book=x", "book=0"])
def test_what_is_no_choice_is_refused(console: TestClient, query: str) -> None:
    assert console.get(f"{PAGE}?{query}").status_code == 400


def test_who_does_not_see_the_account_has_nothing_to_choose(
    console: TestClient, shop: Shop, visitor: Visitor
) -> None:
    path = chosen(shop)
    visitor.person = Person("p", "周", frozenset({Role.VIEWER}), frozenset({"other"}))
    assert "<option" not in console.get(PAGE).text
    assert console.get(path).status_code == 400
