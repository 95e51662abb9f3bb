"""What the demo leaves to look at: every page shows something, in both languages."""

import re
from collections import Counter
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.core.closing import day_of
from service.ledger import closings, reads
from service.ledger.engine import Ledger
from service.settings import Settings
from service.web.console.page import MENU
from service.web.doors import LANGUAGES, Language
from tests.conftest import KeyPair
from tests.web.console import stage
from tests.web.console.conftest import NOW
from tests.web.console.stage import ACCOUNT

Shop = tuple[Ledger, Settings]
ZONE = "Asia/Shanghai"
PAGES = [name for _, entries in MENU for name, _ in entries]
# Settings are keys and values, as the file has them.
SPOKEN = [name for name in PAGES if name != "settings"]
# where a list leads to one of its rows
INNER = ("mismatches", "statements", "closings", "deliveries", "objects")
MAIN = re.compile(r"<main.*?</main>", re.DOTALL)
# What is no word: names, numbers and codes as programs have them.
NO_WORDS = re.compile(r'<(code|option|title|svg)\b.*?</\1>|<(a|span) class="id".*?</\2>', re.DOTALL)
TAG = re.compile(r"<[^>]*>")
# Names that are the same in both languages.
NAMES = {
    "Ping", "CNY", "charge", "CSV", "XLSX", "Parquet", "JSON", "Beancount", "Webhook", "API", "SHA",
    # of this shop: its accounts, its sink, its statement's reading and file, a setting's key
    "shop", "other", "erp", "jsonl", "book", "yeepay", "csv", "public_keys",
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, key_pair: KeyPair
) -> Generator[Shop]:
    """Its own: other tests write scripts and more into theirs."""
    folder = tmp_path_factory.mktemp("content")
    (folder / "ledger.db").write_bytes(sqlite_template.read_bytes())
    with stage.furnished(folder, f"sqlite:///{folder / 'ledger.db'}", key_pair, NOW) as one:
        yield one


def main_of(console: TestClient, path: str, language: Language) -> str:
    console.cookies["pingledger_language"] = language
    answer = console.get(f"/console/{path}")
    assert answer.status_code == 200, path
    found = MAIN.search(answer.text)
    assert found is not None
    return found[0]


def inner(console: TestClient, path: str) -> str:
    """The first page that a list leads to."""
    found = re.search(
        rf'href="/console/({path}/(?!three-way)[^"?]+)"', main_of(console, path, "zh")
    )
    assert found is not None, path
    return found[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_has_content(console: TestClient, language: Language) -> None:
    for path in PAGES:
        text = main_of(console, path, language)
        assert 'class="empty"' not in text
        rows = re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL)
        assert rows, path
        assert all("<tr>" in one for one in rows), path


def test_every_page_of_one_thing_has_content(console: TestClient) -> None:
    for path in INNER:
        of_one = inner(console, path)
        chinese, english = (main_of(console, of_one, language) for language in LANGUAGES)
        assert 'class="empty"' not in chinese
        assert len(re.findall("<dd>", chinese)) == len(re.findall("<dd>", english)) > 5


def test_chinese_pages_are_chinese(console: TestClient) -> None:
    for path in (*SPOKEN, *(inner(console, name) for name in INNER)):
        text = TAG.sub(" ", NO_WORDS.sub(" ", main_of(console, path, "zh")))
        words = set(re.findall(r"[A-Za-z_]{2,}\d*", text))
        channels = {word for word in words if word.startswith("yeepay")}
        assert words - NAMES - channels == set(), path


def test_the_week_is_closed_and_nothing_came_late(shop: Shop) -> None:
    today = day_of(NOW, ZONE)
    kept = [one.closing for one in closings.closings(shop[0])]
    assert [one.day for one in kept][:1] == [today - timedelta(days=1)]
    assert len(kept) == 8
    assert [one.day for one in kept if one.adjusted] == []
    assert all(one.postings for one in kept)


def test_what_does_not_add_up_is_a_handful_of_each(shop: Shop) -> None:
    rules = Counter(one.rule for one in reads.mismatch_rows(shop[0], account=ACCOUNT))
    assert max(rules.values()) < 10
    assert {rule: count for rule, count in rules.items() if rule.startswith("statement_")} == {
        "statement_amount": 2, "statement_missing_here": 1, "statement_missing_there": 1,
    }  # fmt: skip
