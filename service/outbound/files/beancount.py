"""How do vouchers become a Beancount file that its own loader takes without a word?

An account of the journal becomes one of Beancount's five roots and capital letters. Two of ours
never become one of theirs: where a name had to be changed beyond recognition, its digest follows.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, BinaryIO

from service.core.money import plain
from service.core.report.cells import harmless
from service.core.report.sheet import Document, Look, Sheet, Tally, Written, written

_ROOTS = {
    "clearing": "Assets:Clearing",
    "bank": "Assets:Bank",
    "payable": "Liabilities:Payable",
    "wallet": "Liabilities:Wallet",
    "transit": "Liabilities:Transit",
    "orders": "Equity:Control:Orders",
    "refunds": "Equity:Control:Refunds",
    "fees": "Expenses:Fees",
}
_PLAIN = re.compile(r"[A-Za-z0-9_]+")
_CURRENCY = re.compile(r"[A-Z][A-Z0-9]{1,22}")
_DIGEST_LETTERS = 8


def write(
    document: Document, out: BinaryIO, look: Look, on_row: Callable[[], None]
) -> list[Written]:
    """Transactions from the sheet `vouchers`, and an `open` for each account of `accounts`."""
    vouchers, opened = document.sheets
    counted = [Tally(sheet.columns) for sheet in (vouchers, opened)]
    out.write(_head(document, look).encode())
    for sheet, tally, told in zip((vouchers, opened), counted, (_booked, _opens), strict=True):
        out.writelines(piece.encode() for piece in told(_named(sheet, tally, on_row), look))
    return [written(sheet, tally) for sheet, tally in zip((vouchers, opened), counted, strict=True)]


def _head(document: Document, look: Look) -> str:
    remarks = "".join(
        f"; {harmless(one.what.of(look.language))}: {harmless(one.text.of(look.language))}\n"
        for one in document.remarks
    )
    title = document.title.of(look.language)
    return f'; {title}\n{remarks}\noption "title" "{title}"\noption "operating_currency" "CNY"\n\n'


def _named(sheet: Sheet, tally: Tally, on_row: Callable[[], None]) -> Iterator[dict[str, Any]]:
    names = [column.name for column in sheet.columns]
    for row in tally.counted(sheet.rows, on_row):
        yield dict(zip(names, row, strict=True))


def _booked(rows: Iterator[dict[str, Any]], _look: Look) -> Iterator[str]:
    """The lines of one voucher follow each other: together they are one transaction."""
    for number, lines in groupby(rows, key=lambda row: row["voucher"]):
        first, *more = lines
        yield (
            f"{first['day']} * {_quoted(first['kind'])} {_quoted(first['object_id'])} ^v{number}\n"
        )
        yield f"  account: {_quoted(first['account'])}\n"
        for line in (first, *more):
            amount = line["debit"] if line["debit"] is not None else -line["credit"]
            yield f"  {account_of(line['book'])}  {plain(amount)} {commodity(line['currency'])}\n"
        yield "\n"


def _opens(rows: Iterator[dict[str, Any]], _look: Look) -> Iterator[str]:
    for row in rows:
        yield f"{row['day']} open {account_of(row['book'])}\n  book: {_quoted(row['book'])}\n"


def _quoted(text: str) -> str:
    kept = harmless(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{kept}"'


def commodity(currency: str) -> str:
    """A currency as Beancount takes it."""
    word = currency.upper()
    return word if _CURRENCY.fullmatch(word) else f"X{_digest(currency).upper()}"


def account_of(book: str) -> str:
    """An account of the journal as Beancount takes it; another one for each."""
    kind, _, owner = book.partition(":")
    root = _ROOTS.get(kind, f"Equity:Other:{_component(kind)}")
    if kind == "wallet":
        app, _, user = owner.partition("-")
        return f"{root}:{_component(app)}:U-{_slug(user)}"
    return f"{root}:{_component(owner)}" if owner else root


def _component(text: str) -> str:
    """Apps and channels begin with a small letter, which becomes a capital one."""
    if text[:1].islower() and _PLAIN.fullmatch(text):
        return _slug(text[0].upper() + text[1:])
    return f"X-{_slug(text)}"


def _slug(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text.replace("_", "-")
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)
    return f"{kept}-{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LETTERS]
