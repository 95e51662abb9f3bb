"""The documents of the operations are what the table makes of them."""

import pytest

from scripts.api_docs import FILES, document
from service.pingpp.endpoints import OPERATIONS


@pytest.mark.parametrize("language", FILES)
def test_the_document_is_up_to_date(language: str) -> None:
    written = FILES[language].read_text(encoding="utf-8")
    assert written == document(language), "run .venv/bin/python -m scripts.api_docs"


@pytest.mark.parametrize("language", FILES)
def test_every_operation_has_its_section_its_line_and_its_way_to_be_followed(
    language: str,
) -> None:
    text = document(language)
    sections = {part.split("\n", 1)[0]: part for part in text.split("\n## ")[1:]}
    assert list(sections) == list(OPERATIONS)
    followed = {"en": ("Followed:", "does not follow"), "zh": ("跟踪方式：", "不跟踪")}[language]
    for row in OPERATIONS.values():
        assert str(row.line or row.name) in sections[row.name]
        assert all(param.name in sections[row.name] for param in row.params)
        assert any(word in sections[row.name] for word in followed)
