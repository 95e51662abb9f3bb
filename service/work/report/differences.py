"""What does not agree, and how do statements match?"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from service.core.report.glossary import KINDS, SIDES, Labels
from service.core.report.sheet import Column, Document, Form, Remark, Sheet, Words, day_text
from service.ledger import stakes
from service.ledger.engine import Connection
from service.ledger.reporting import standing
from service.ledger.rules import BY_CODE, STATEMENTS
from service.work.report.ask import Ask

STATES: Labels = {
    "suspected": Words("待观察", "suspected"),
    "open": Words("未处理", "open"),
    "acknowledged": Words("处理中", "acknowledged"),
    "waived": Words("已豁免", "waived"),
    "settled": Words("已平", "settled"),
}
SEVERITIES: Labels = {
    "critical": Words("严重", "critical"),
    "warning": Words("警告", "warning"),
    "info": Words("提示", "info"),
}
LINES: Labels = {
    "payment": Words("收款", "payment"),
    "refund": Words("退款", "refund"),
    "withdrawal": Words("提现", "withdrawal"),
}
RULES: Labels = {code: Words(rule.zh, rule.en) for code, rule in BY_CODE.items()}
_LIFE = (
    Column("found_at", "发现时间", "found at", Form.TIME),
    Column("opened_at", "确认时间", "opened at", Form.TIME),
    Column("settled_at", "平账时间", "settled at", Form.TIME),
    Column("owner", "负责人", "owner"),
    Column("waived_until", "豁免至", "waived until", Form.TIME),
)
_SIDES = (
    Column("ours", "我方", "ours", Form.WORD, labels=SIDES),
    Column("theirs", "对方", "theirs", Form.WORD, labels=SIDES),
    Column("currency", "币种", "currency"),
    Column("at_stake", "差额", "at stake", Form.AMOUNT, summed=True),
)
_WHAT = (
    Column("number", "编号", "number", Form.ID),
    Column("rule", "规则", "rule"),
    Column("meaning", "说明", "meaning", Form.WORD, labels=RULES),
    Column("state", "状态", "state", Form.WORD, labels=STATES),
    Column("severity", "级别", "severity", Form.WORD, labels=SEVERITIES),
    Column("account", "账户", "account"),
)
COLUMNS = (
    *_WHAT,
    Column("kind", "类型", "kind", Form.WORD, labels=KINDS),
    Column("object_id", "ID", "id", Form.ID),
    *_SIDES,
    *_LIFE,
)
UNMATCHED = (
    *_WHAT,
    Column("source", "来源", "source"),
    Column("what", "账单类型", "kind of line", Form.WORD, labels=LINES),
    Column("line_no", "单号", "number there", Form.ID),
    *_SIDES,
    *_LIFE,
)
FILES = (
    Column("statement", "账单编号", "statement", Form.ID),
    Column("account", "账户", "account"),
    Column("source", "来源", "source"),
    Column("name", "文件名", "file"),
    Column("first_day", "首日", "first day", Form.DAY),
    Column("last_day", "末日", "last day", Form.DAY),
    Column("imported_at", "导入时间", "imported at", Form.TIME),
    Column("what", "账单类型", "kind of line", Form.WORD, labels=LINES),
    Column("currency", "币种", "currency"),
    Column("lines", "行数", "lines", Form.COUNT, summed=True),
    Column("amount", "金额", "amount", Form.AMOUNT, summed=True),
    Column("fee", "手续费", "fee", Form.AMOUNT, summed=True),
)
TITLE = Words("差异清单", "Mismatches")
MATCHING = Words("对账单核对结果", "Statement matching")
IMPORTED = Words("对账单", "Statements")
_CODES = tuple(rule.code for rule in STATEMENTS)
_EPOCH = date(1970, 1, 1)


def mismatches(connection: Connection, ask: Ask) -> Document:
    """All that are not settled; with days, all that were found in them."""
    rows = _rows(standing.differences(connection, ask.stretch))
    sheet = Sheet("mismatches", TITLE, COLUMNS, rows)
    return Document("mismatches", TITLE, _found(ask), (sheet,))


def matching(connection: Connection, ask: Ask) -> Document:
    """What differs between statements and the ledger, and which statements there are."""
    rows = _parted(standing.differences(connection, ask.stretch, _CODES))
    files = standing.statement_sums(
        connection, ask.account, (_number(ask.first_day), _number(ask.last_day))
    )
    sheets = (
        Sheet("differences", MATCHING, UNMATCHED, rows),
        Sheet("statements", IMPORTED, FILES, _files(files)),
    )
    return Document("statements", MATCHING, _found(ask), sheets)


def _found(ask: Ask) -> tuple[Remark, ...]:
    without = ask.first_day is None and ask.last_day is None
    which = (
        Words("尚未平账的差异", "mismatches that are not settled")
        if without
        else Words("业务日内发现的全部差异，含已平账", "all that were found in these days")
    )
    return (*ask.remarks(), Remark(Words("范围", "scope"), which))


def _rows(found: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    for row in found:
        yield (*_what(row), row.kind, row.object_id, *_sides(row), *row[10:])


def _parted(found: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    """A mismatch of a statement is named SOURCE/KIND/NUMBER."""
    for row in found:
        source, what, number = (*row.object_id.split("/", 2), "", "")[:3]
        yield (*_what(row), source, what, number, *_sides(row), *row[10:])


def _what(row: Any) -> tuple[Any, ...]:
    return str(row.id), row.rule, row.rule, row.state, row.severity, row.account


def _sides(row: Any) -> tuple[Any, ...]:
    stake = stakes.between(row.ours, row.theirs, row.rule) if row.currency else None
    ours, theirs = (_side(row.rule, side) for side in (row.ours, row.theirs))
    return ours, theirs, row.currency, stake


def _side(rule: str, text: str) -> str:
    is_day = stakes.FIGURES.get(rule) == "day" and text.isdecimal()
    return day_text(_EPOCH + timedelta(days=int(text))) if is_day else text


def _files(found: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    for number, account, source, name, first, last, at, *line, count, amount, fee in found:
        yield (
            str(number),
            account,
            source,
            name,
            _EPOCH + timedelta(days=first),
            _EPOCH + timedelta(days=last),
            at,
            *line,
            count,
            int(amount),
            None if fee is None else int(fee),
        )


def _number(day: date | None) -> int | None:
    return None if day is None else (day - _EPOCH).days
