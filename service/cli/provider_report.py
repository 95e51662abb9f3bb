"""How well does Ping++ notify us? `report provider`: a card by account, kind, channel and week."""

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from service.cli.exits import Usage
from service.cli.options import AsJson, Config, open_command
from service.cli.output import as_json as line_of
from service.cli.output import show
from service.cli.spans import Since, Until, time_range
from service.core.instant import MICROS
from service.core.report.cells import guarded
from service.core.report.sheet import Language
from service.ledger.provider_card import Line, Spread, read, weeks

DEFAULT_SPAN = timedelta(weeks=4)
WEEKS_LIMIT = 520


AsCsv = Annotated[bool, typer.Option("--csv", help="CSV, for a spreadsheet to open.")]
Account = Annotated[str | None, typer.Option(help="Of this account only.")]
Speech = Annotated[Language, typer.Option("--language", help="Of the headings.")]

# name → how people read it; times are in seconds
HEADINGS: Mapping[str, Mapping[Language, str]] = {
    name: {Language.ZH: zh, Language.EN: en}
    for name, zh, en in (
        ("week", "周", "week"),
        ("account", "账户", "account"),
        ("kind", "类型", "kind"),
        ("channel", "渠道", "channel"),
        ("objects", "对象数", "objects"),
        ("due", "应通知", "due"),
        ("lost", "未通知", "lost"),
        ("loss", "丢失率", "loss"),
        ("asked_first", "先由查询得知", "asked first"),
        ("events", "通知数", "events"),
        ("repeats", "重复", "repeats"),
        ("late", "乱序", "out of order"),
        ("delay_p50", "延迟p50秒", "delay p50 s"),
        ("delay_p99", "延迟p99秒", "delay p99 s"),
        ("final", "已终态", "final"),
        ("to_final_p50", "到终态p50秒", "to final p50 s"),
        ("to_final_p99", "到终态p99秒", "to final p99 s"),
    )
}


def provider(
    context: typer.Context,
    config: Config = None,
    since: Since = "",
    until: Until = "",
    account: Account = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    language: Speech = Language.ZH,
) -> None:
    """Say how Ping++ notified of what was created since (4 weeks): delay, loss, repeats, order."""
    if as_json and as_csv:
        raise Usage("--json and --csv are two answers: one is enough")
    with open_command(context, config) as runtime:
        now = runtime.clock()
        first, last = time_range(now, since, until)
        end = last or now
        spans = list(weeks(first or end - DEFAULT_SPAN, end, runtime.settings.zone))
        if len(spans) > WEEKS_LIMIT:
            raise Usage(f"these are {len(spans)} weeks, {WEEKS_LIMIT} is the limit")
        lines = (line for span in spans for line in _read(runtime.ledger, span, now))
        rows = (_row(line) for line in lines if account in (None, line.group.account))
        count = _print(rows, language, as_json=as_json, as_csv=as_csv)
    if not count:
        typer.echo("nothing was created in that time", err=True)


def _read(ledger: Any, span: tuple[Any, datetime, datetime], now: datetime) -> list[Line]:
    with ledger.read() as connection:
        return read(connection, *span, now=now)


def _row(line: Line) -> dict[str, Any]:
    return {
        "week": line.week.isoformat(),
        **line.group._asdict(),
        **line.ends._asdict(),
        "loss": None if line.loss is None else round(line.loss, 6),
        **line.events._asdict(),
        **_seconds("delay", line.delay),
        "final": line.to_final.number,
        **_seconds("to_final", line.to_final),
    }


def _seconds(name: str, spread: Spread) -> dict[str, float | None]:
    return {
        f"{name}_{at}": None if value is None else round(value / MICROS, 3)
        for at, value in (("p50", spread.p50), ("p99", spread.p99))
    }


def _print(
    rows: Iterable[dict[str, Any]], language: Language, *, as_json: bool, as_csv: bool
) -> int:
    columns = [HEADINGS[name][language] for name in HEADINGS]
    if as_csv:
        return _write_csv(rows, columns)
    if as_json:
        return sum(_say(line_of(row)) for row in rows)
    return show(_named(rows, columns), columns)


def _named(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield dict(zip(columns, (row[name] for name in HEADINGS), strict=True))


def _say(line: str) -> int:
    typer.echo(line)
    return 1


def _write_csv(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> int:
    """With a byte order mark, so that spreadsheets read the headings as they are."""
    count = 0
    writer = csv.writer(sys.stdout, lineterminator="\n")
    sys.stdout.write("\ufeff")
    writer.writerow(columns)
    for count, row in enumerate(rows, 1):  # noqa: B007  the last count is the answer
        cells = ("" if row[name] is None else str(row[name]) for name in HEADINGS)
        writer.writerow([guarded(cell) for cell in cells])
    return count
