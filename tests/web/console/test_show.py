"""Money, days, lengths of time and changes, as people read them."""

from datetime import timedelta
from typing import Any

import pytest

from service.core.report.glossary import SIDES
from service.core.report.sheet import Language
from service.ledger.rules import BY_CODE
from service.ledger.stakes import ALONE, FIGURES
from service.web.console import show


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (0, "0 秒", "0 s"), (0.354, "0.35 秒", "0.35 s"), (5, "5 秒", "5 s"),
        (59, "59 秒", "59 s"), (60, "1 分", "1 min"), (754, "12 分 34 秒", "12 min 34 s"),
        (3_600, "1 小时", "1 h"), (86_399, "23 小时 59 分", "23 h 59 min"),
        (86_400 * 7 + 13 * 3_600, "7 天 13 小时", "7 d 13 h"), (-1, "0 秒", "0 s"),
    ],
)  # fmt: skip
def test_a_length_of_time_has_its_two_largest_units(seconds: float, zh: str, en: str) -> None:
    span = timedelta(seconds=seconds)
    assert (show.duration("zh", span), show.duration("en", span)) == (zh, en)


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (0, 0, "—"), (5, 0, "—"), (100, 100, "+0.0 %"), (150, 100, "+50.0 %"),
        (50, 100, "−50.0 %"), (0, 100, "−100.0 %"), (999, 100, "+899.0 %"), (1_000, 100, "×10"),
        (4_181_031, 21_372, "×195"),
    ],
)  # fmt: skip
def test_a_change_is_a_share_and_from_tenfold_on_a_factor(now: int, before: int, text: str) -> None:
    assert show.change(now, before) == text


@pytest.mark.parametrize(
    ("rule", "text", "currency", "shown"),
    [
        ("paid_sum", "123456", "cny", "¥1,234.56 CNY"),
        ("paid_sum", "nothing", "cny", "无"),
        ("overdue", "final", None, "终态"),
        ("order_no_twice", "201261125000001303", "cny", "201261125000001303"),
        ("statement_date", "20779", "cny", "2026-11-22"),
        ("statement_duplicate", "2", "cny", "2"),
        ("a_new_rule", "201261125000001303", "cny", "201261125000001303"),
        ("a_new_rule", "odd", "cny", "odd"),
    ],
)
def test_a_side_is_what_its_rule_compares(
    rule: str, text: str, currency: str | None, shown: str
) -> None:
    found: Any = show.side("zh", text, rule, currency)
    assert getattr(found, "striptags", lambda: found)() == shown


def test_an_account_of_the_journal_has_its_name_beside_it() -> None:
    assert show.book("zh", "wallet:app_1-cus_003").striptags() == "用户钱包 wallet:app_1-cus_003"
    assert show.book("en", "bank").striptags() == "paid out bank"
    assert show.book("zh", "odd:<b>").striptags() == "odd:<b>"


def test_the_rules_that_compare_other_figures_are_known() -> None:
    assert set(FIGURES) <= set(BY_CODE)
    assert set(ALONE) <= set(BY_CODE)
    assert not any(BY_CODE[rule].amounts for rule in (*FIGURES, *ALONE))
    assert all(words.of(language) for words in SIDES.values() for language in Language)
