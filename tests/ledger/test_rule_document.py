"""Do the documents say what the rules are, in both languages?"""

from pathlib import Path

import pytest

from service.ledger.rules import BY_CODE, RULES

DOCUMENT = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_document_says_what_the_rules_are() -> None:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    table = [row for row in rows if len(row) == 7 and row[0].startswith("`")]
    assert [row[:5] for row in table] == [
        [
            f"`{rule.code}`",
            rule.severity,
            "setting" if rule.grace_seconds is None else f"{rule.grace_seconds:g}",
            rule.en,
            rule.zh,
        ]
        for rule in RULES
    ]
    assert all(row[5] and row[6] for row in table)


def test_the_document_names_both_sides_of_every_rule() -> None:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    assert [row[0].strip(" `") for row in rows if len(row) == 3] == list(BY_CODE)


@pytest.mark.parametrize("name", ["rules.md", "rules.zh-CN.md"])
def test_each_document_has_an_example_in_numbers_of_every_rule(name: str) -> None:
    lines = DOCUMENT.with_name(name).read_text(encoding="utf-8").splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    assert [row[0].strip(" `") for row in rows if len(row) == 2] == list(BY_CODE)


def test_the_chinese_document_says_what_the_rules_are() -> None:
    text = DOCUMENT.with_name("rules.zh-CN.md").read_text(encoding="utf-8")
    for rule in RULES:
        grace = "按设置" if rule.grace_seconds is None else f"{rule.grace_seconds:g}"
        assert f"| `{rule.code}` | {rule.severity} | {grace} | {rule.zh} | " in text
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    assert [row[0].strip(" `") for row in rows if len(row) == 3] == list(BY_CODE)
