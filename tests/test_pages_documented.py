"""Do the documents name every page, report, parameter and operation there is, and show them?"""

import re
from pathlib import Path

import pytest

from scripts.pictures import PICTURES, names
from service.web.api.desk import ENDPOINTS
from service.web.api.scopes import SCOPES
from service.web.console.page import MENU
from service.web.console.words import translations
from service.web.doors import LANGUAGES, Language
from service.work.report.parameters import PARAMETERS
from service.work.report.table import REPORTS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SUFFIX = {"en": ".md", "zh": ".zh-CN.md"}
PICTURE = re.compile(r"!\[[^]]*\]\(([^)]+\.png)\)")


def text(name: str, language: Language) -> str:
    return (DOCS / f"{name}{SUFFIX[language]}").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_the_console_is_described(language: Language) -> None:
    rows = [line.lower() for line in text("console", language).splitlines() if line[:2] == "| "]
    first = " ".join(row.split("|")[1] for row in rows)
    titles = [title for _, entries in MENU for _, title in entries]
    named = [translations(language).gettext(title).lower() for title in titles]
    assert [title for title in named if title not in first] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_report_and_parameter_is_described(language: Language) -> None:
    told = text("reports", language)
    assert [one for one in REPORTS if f"| `{one}`" not in told] == []
    options = [f"--{name.replace('_', '-')}" for name in PARAMETERS]
    assert [option for option in options if f"`{option}" not in told] == []
    sheets = {sheet for one in REPORTS.values() for sheet in one.sheets}
    assert [sheet for sheet in sorted(sheets) if f"`{sheet}`" not in told] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_operation_and_scope_of_the_api_is_described(language: Language) -> None:
    told = text("json-api", language)
    assert [scope for scope in SCOPES if f"| `{scope}` |" not in told] == []
    operations = [f"{one.method} {one.path.removeprefix('/api/v1')}" for one in ENDPOINTS]
    assert [one for one in operations if f"| `{one}` |" not in told] == []


def test_each_language_shows_its_own_pictures() -> None:
    made = {name for name, *_ in names()}
    assert {one.name for one in PICTURES.glob("*")} == made
    shown: set[str] = set()
    for language in LANGUAGES:
        for page in (ROOT / f"README{SUFFIX[language]}", DOCS / f"console{SUFFIX[language]}"):
            found = PICTURE.findall(page.read_text(encoding="utf-8"))
            assert found, page
            assert all(one.endswith(f".{language}.png") for one in found), page
            assert all((page.parent / one).is_file() for one in found), page
            shown |= {Path(one).name for one in found}
    assert made - shown == set()
