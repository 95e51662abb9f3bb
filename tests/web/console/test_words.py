"""Everything is said in both languages, and nothing that nobody says is kept."""

import re

import pytest

from scripts.console_words import LANGUAGES, catalog, messages, texts
from service.core.kinds import KINDS
from service.web.console.words import WORDS, said

PLACE = re.compile(r"%\(\w+\)s")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_and_none_is_stale(language: str) -> None:
    known = {str(one.id): one for one in messages(catalog(language))}
    assert sorted(known) == texts()
    assert [text for text, one in known.items() if not one.string or one.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_the_places_of_its_text(language: str) -> None:
    for one in messages(catalog(language)):
        assert sorted(PLACE.findall(str(one.id))) == sorted(PLACE.findall(str(one.string)))


def test_chinese_is_chinese() -> None:
    plain = [str(one.string) for one in messages(catalog("zh"))]
    assert [text for text in plain if not re.search(r"[\u3400-\u9fff]", text)] == []


def test_every_kind_and_status_has_a_word() -> None:
    assert set(KINDS) <= set(WORDS["kind"])
    words = {word for kind in KINDS.values() for word in kind.words}
    assert words <= set(WORDS["status"])


def test_a_word_that_nobody_knows_stands_for_itself() -> None:
    assert said("zh", "status", "unknown:odd") == "unknown:odd"
