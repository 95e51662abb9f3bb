"""How does a report become JSON lines: one object a row, as our other JSON has it?"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, BinaryIO

from service.core.report.sheet import Document, Look, Tally, Written, written


def write(
    document: Document, out: BinaryIO, _look: Look, on_row: Callable[[], None]
) -> list[Written]:
    """The first sheet: columns by name, amounts in minor units, times in UTC, words as they are."""
    sheet = document.sheets[0]
    tally = Tally(sheet.columns)
    names = [column.name for column in sheet.columns]
    for row in tally.counted(sheet.rows, on_row):
        line = json.dumps(dict(zip(names, map(_plain, row), strict=True)), ensure_ascii=False)
        out.write(line.encode() + b"\n")
    return [written(sheet, tally)]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value if value is None or isinstance(value, (int, str)) else str(value)
