"""Everything is said in both languages, and nothing that nobody says is kept."""

import re

import pytest

from scripts.console_words import LANGUAGES, catalog, messages, texts
from service.core.kinds import KINDS
from service.web.access.words import WORDS as SIGN_IN_WORDS
from service.web.console.words import LOCALE, WORDS, said
from service.web.doors import LANGUAGES as SPOKEN

PLACE = re.compile(r"%\(\w+\)s")
BRACES = re.compile(r"\{\w*\}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_and_none_is_stale(language: str) -> None:
    known = {str(one.id): one for one in messages(catalog(language))}
    assert sorted(known) == texts()
    assert [text for text, one in known.items() if not one.string or one.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_the_places_of_its_text(language: str) -> None:
    for one in messages(catalog(language)):
        assert sorted(PLACE.findall(str(one.id))) == sorted(PLACE.findall(str(one.string)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_percent_sign_breaks_no_page(language: str) -> None:
    """Jinja2 fills every text in as `text % values`, those without a place too."""
    for one in messages(catalog(language)):
        for text in (str(one.id), str(one.string)):
            places = {name[2:-2]: name for name in PLACE.findall(text)}
            assert text % places == text.replace("%%", "%"), text


def test_every_catalogue_is_one_of_a_language_that_is_spoken() -> None:
    found = {path.relative_to(LOCALE).as_posix() for path in LOCALE.rglob("*.po")}
    assert found == {f"{one}/LC_MESSAGES/console.po" for one in SPOKEN}
    assert set(LANGUAGES) == set(SPOKEN)


def test_the_words_around_signing_in_keep_their_places_too() -> None:
    for name, (zh, en) in SIGN_IN_WORDS.items():
        assert sorted(BRACES.findall(zh)) == sorted(BRACES.findall(en)), name
        assert re.search(r"[\u3400-\u9fff]", zh), name
        assert en.isascii() or "…" in en, name


def test_chinese_is_chinese() -> None:
    plain = [str(one.string) for one in messages(catalog("zh"))]
    assert [text for text in plain if not re.search(r"[\u3400-\u9fff]", text)] == []


def test_every_kind_and_status_has_a_word() -> None:
    assert set(KINDS) <= set(WORDS["kind"])
    words = {word for kind in KINDS.values() for word in kind.words}
    assert words <= set(WORDS["status"])


def test_a_word_that_nobody_knows_stands_for_itself() -> None:
    assert said("zh", "status", "unknown:odd") == "unknown:odd"
