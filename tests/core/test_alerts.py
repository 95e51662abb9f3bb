"""Every alert and every cause of a notice is described, in both languages, and nothing else is."""

import re
from pathlib import Path

import pytest

from service.core.alerts import ALERTS, NOTICES, Word, severity_of_notice

DOCS = Path(__file__).parents[2] / "docs"
SERVICE = Path(__file__).parents[2] / "service"
WORDS = [*ALERTS.values(), *NOTICES.values()]


@pytest.mark.parametrize("page", ["alerts.md", "alerts.zh-CN.md"])
def test_the_page_names_every_alert_with_its_severity(page: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", (DOCS / page).read_text("utf-8"), re.MULTILINE)
    assert rows == [(word.code, word.severity) for word in WORDS]


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.code)
def test_a_sentence_stands_in_each_language(word: Word) -> None:
    assert word.severity in ("critical", "warning", "info")
    assert re.search(r"[\u4e00-\u9fff]", word.zh)
    assert word.en.isascii()
    assert word.en[-1] in ".?"


def test_every_cause_that_is_told_of_is_described() -> None:
    told = re.compile(r"(?:tell|tell_once)\(\s*connection,\s*[\w.]+,\s*\"(\w+)\"")
    found = {
        cause for path in SERVICE.rglob("*.py") for cause in told.findall(path.read_text("utf-8"))
    }
    assert {"differing_retry", "unknown_status", "radar", "odd_value"} <= found
    assert found <= NOTICES.keys()
    assert severity_of_notice("nobody_knows") == "warning"
