"""Which texts does the console show? Writes them into the catalogues, and says what is missing.

.venv/bin/python -m scripts.console_words: new texts come in without a translation, and those that
are used no more go. English stands for itself.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "service" / "web" / "locale"
LANGUAGES = ("zh", "en")
_WRITTEN = datetime(2026, 11, 24, tzinfo=UTC)
_METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")]
_KEYWORDS = {"_": None, "N_": None, "gettext": None}
_OPTIONS = {"**/templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true"}}


def texts() -> list[str]:
    """Every text of code and templates, in order."""
    found = extract_from_dir(
        ROOT / "service" / "web", method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS
    )
    return sorted({str(text) for _, _, text, _, _ in found if text})


def catalog(language: str) -> Catalog:
    """What is translated into a language."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language, domain="console")
    with path.open("rb") as file:
        return read_po(file, locale=language, domain="console")


def path_of(language: str) -> Path:
    """Where a catalogue lies."""
    return LOCALE / language / "LC_MESSAGES" / "console.po"


def messages(of: Catalog) -> Iterator[Message]:
    """Its entries, without the header."""
    return (one for one in of if one.id)


def main() -> int:
    """Write both catalogues."""
    missing = 0
    for language in LANGUAGES:
        known = {str(one.id): str(one.string) for one in messages(catalog(language))}
        made = Catalog(
            locale=language, project="pingledger", charset="utf-8", header_comment="# pingledger",
            domain="console", fuzzy=False,
        )  # fmt: skip
        # a time would make every run another file
        made.creation_date = made.revision_date = _WRITTEN
        for text in texts():
            said = known.get(text, "") or (text if language == "en" else "")
            made.add(text, said)
            if not said:
                missing += 1
                print(f"{language}: {text}")
        with path_of(language).open("wb") as file:
            write_po(file, made, width=100, sort_output=True, omit_header=False)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
