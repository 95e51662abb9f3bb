"""Beancount's own loader takes the vouchers without a word, and its balances are ours."""

import io
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from service.ledger import journal
from service.ledger.engine import Ledger
from service.ledger.journal import Span
from service.outbound.files.beancount import account_of, commodity
from service.outbound.files.formats import Shape
from service.work.report.make import make
from tests import filed

# no types are known of them
LOADER: Any = import_module("beancount.loader")
DATA: Any = import_module("beancount.core.data")
REALIZATION: Any = import_module("beancount.core.realization")

HOSTILE = [
    "wallet:app_1-cus_003", "wallet:app_1-Cus_003", "wallet:app_1-cus-003", "wallet:app_1-用户",
    'wallet:app_1-a"b\\c', "wallet:app_1-", "wallet:App_1-x", "wallet:unknown-unknown",
    "clearing:unknown", "clearing:1x", "clearing:a b", "clearing:a:b", "clearing:", "odd", "Odd:x",
]  # fmt: skip


def load(text: str, folder: Path) -> list[Any]:
    path = folder / "books.beancount"
    path.write_text(text, encoding="utf-8")
    entries, errors, _ = LOADER.load_file(str(path))
    assert errors == []
    return entries


def test_the_loader_finds_no_error_and_our_balances(ledger: Ledger, tmp_path: Path) -> None:
    filed.busy_shop(ledger)
    out = io.BytesIO()
    done = make(ledger, "vouchers", filed.ask(), Shape.BEANCOUNT, out)
    entries = load(out.getvalue().decode(), tmp_path)
    booked = [entry for entry in entries if isinstance(entry, DATA.Transaction)]
    assert done[0].rows == 2 * len(booked)
    with ledger.read() as connection:
        stands = journal.balances(connection, Span())
    root = REALIZATION.realize(entries)
    for one in stands:
        there = REALIZATION.get(root, account_of(one.book))
        amount = there.balance.get_currency_units("CNY").number
        assert int(amount * 100) == one.balance, one.book


def test_every_account_becomes_one_that_the_loader_knows(tmp_path: Path) -> None:
    named = [account_of(book) for book in HOSTILE]
    assert len(set(named)) == len(HOSTILE)
    opens = load("".join(f"2026-11-22 open {name}\n" for name in named), tmp_path)
    assert len(opens) == len(HOSTILE)


@pytest.mark.parametrize("currency", ["cny", "usd", "x", "", "人民币", "c-y"])
def test_every_currency_becomes_a_commodity(currency: str, tmp_path: Path) -> None:
    text = f"2026-11-22 open Assets:A\n2026-11-22 commodity {commodity(currency)}\n"
    assert len(load(text, tmp_path)) == 2
