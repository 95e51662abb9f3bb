"""How does a report become Parquet, for analysts: typed columns, amounts as exact decimals?"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from importlib import import_module
from itertools import islice
from typing import Any, BinaryIO

from service.core.errors import GiveUp
from service.core.report.sheet import Column, Document, Form, Look, Sheet, Tally, Written, written

# Rows of one group in the file: what is held at a time.
ROWS_AT_ONCE = 20_000
DIGITS, PLACES = 22, 2


def write(
    document: Document, out: BinaryIO, look: Look, on_row: Callable[[], None]
) -> list[Written]:
    """The first sheet. Columns are called by their names, words are as the ledger has them."""
    arrow, parquet = _library()
    sheet = document.sheets[0]
    tally = Tally(sheet.columns)
    schema = arrow.schema(
        [(column.name, _type(arrow, column, look)) for column in sheet.columns],
        metadata={one.what.en: one.text.en for one in document.remarks},
    )
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        for group in _groups(sheet, tally, on_row):
            columns = [
                arrow.array(values, type=field.type)
                for values, field in zip(group, schema, strict=True)
            ]
            writer.write_batch(arrow.record_batch(columns, schema=schema))
    return [written(sheet, tally)]


def _library() -> tuple[Any, Any]:
    """The library is large, and few need it."""
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        raise GiveUp(
            "parquet needs a library that is not installed: pip install 'pingledger[parquet]'"
        ) from None


def _type(arrow: Any, column: Column, look: Look) -> Any:
    match column.form:
        case Form.AMOUNT | Form.PERCENT:
            return arrow.decimal128(DIGITS, PLACES)
        case Form.COUNT:
            return arrow.int64()
        case Form.TIME:
            return arrow.timestamp("us", tz=str(look.zone))
        case Form.DAY:
            return arrow.date32()
        case _:
            return arrow.string()


def _groups(
    sheet: Sheet, tally: Tally, on_row: Callable[[], None]
) -> Iterator[list[tuple[Any, ...]]]:
    """Some rows at a time, by column."""
    decimal = [column.form in (Form.AMOUNT, Form.PERCENT) for column in sheet.columns]
    counted = iter(tally.counted(sheet.rows, on_row))
    while rows := list(islice(counted, ROWS_AT_ONCE)):
        columns = zip(*rows, strict=True)
        yield [
            tuple(map(_decimal, values)) if is_decimal else values
            for values, is_decimal in zip(columns, decimal, strict=True)
        ]


def _decimal(minor: int | None) -> Decimal | None:
    return None if minor is None else Decimal(minor).scaleb(-PLACES)
