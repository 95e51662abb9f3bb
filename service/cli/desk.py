"""What is done about a mismatch? `mismatch acknowledge|assign|comment|waive|reopen|history|…`."""

import getpass
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from service.cli import sheet
from service.cli.exits import DATA, FOUND, Usage
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Format, show
from service.cli.redo import ROWS_WITHOUT_YES, Yes
from service.cli.spans import instant_of
from service.core.errors import GiveUp
from service.ledger import desk, reads
from service.ledger.desk import Act
from service.ledger.rules import BY_CODE
from service.outbound.people.note import SEVERITIES
from service.runtime import Runtime
from service.work.respond import NotWhole, respond

app = typer.Typer(help="Do something about mismatches; only the facts can settle one.")

Numbers = Annotated[list[int] | None, typer.Argument(metavar="NUMBER…", help="Which mismatches.")]
Rule = Annotated[str | None, typer.Option(help="All of this rule.")]
Account = Annotated[str | None, typer.Option(help="All of this account.")]
Severity = Annotated[str | None, typer.Option(help="All of it: info, warning or critical.")]
Who = Annotated[str, typer.Option("--as", help="Who does it; else the user of the system.")]
Note = Annotated[str, typer.Option(help="Why; kept for ever.")]

_HISTORY = ("at", "who", "act", "note", "owner", "until")
_CAUSES = ("rule", "severity", "account", "currency", "count", "at_stake")


@app.command()
def acknowledge(
    context: typer.Context,
    numbers: Numbers = None,
    config: Config = None,
    rule: Rule = None,
    account: Account = None,
    severity: Severity = None,
    note: Note = "",
    who: Who = "",
    yes: Yes = False,
) -> None:
    """Say that somebody has seen it: it is not told again while it lasts."""
    chosen = _Chosen(numbers, rule, account, severity, yes)
    _do(context, config, chosen, Act("acknowledge", _name(who), note))


@app.command()
def assign(
    context: typer.Context,
    owner: Annotated[str, typer.Argument(help="Who looks after it.")],
    numbers: Numbers = None,
    config: Config = None,
    rule: Rule = None,
    account: Account = None,
    severity: Severity = None,
    note: Note = "",
    who: Who = "",
    yes: Yes = False,
) -> None:
    """Give it to somebody."""
    chosen = _Chosen(numbers, rule, account, severity, yes)
    _do(context, config, chosen, Act("assign", _name(who), note, owner))


@app.command()
def comment(
    context: typer.Context,
    note: Annotated[str, typer.Argument(help="What is to be remembered.")],
    numbers: Numbers = None,
    config: Config = None,
    who: Who = "",
) -> None:
    """Write something down about it."""
    chosen = _Chosen(numbers, None, None, None, yes=True)
    _do(context, config, chosen, Act("comment", _name(who), note))


@app.command()
def waive(
    context: typer.Context,
    numbers: Numbers = None,
    config: Config = None,
    until: Annotated[str, typer.Option(help="How long: 2026-12-31T00:00:00+08:00.")] = "",
    reason: Annotated[str, typer.Option(help="Why it may stand; kept for ever.")] = "",
    rule: Rule = None,
    account: Account = None,
    severity: Severity = None,
    who: Who = "",
    yes: Yes = False,
) -> None:
    """Let it stand for a while, as it is: it opens again at the end, or when a side changes."""
    act = Act("waive", _name(who), reason, until=instant_of(until, "--until"))
    _do(context, config, _Chosen(numbers, rule, account, severity, yes), act)


@app.command()
def reopen(
    context: typer.Context,
    numbers: Numbers = None,
    config: Config = None,
    note: Note = "",
    who: Who = "",
) -> None:
    """Take an acknowledgement or a waiver back."""
    chosen = _Chosen(numbers, None, None, None, yes=True)
    _do(context, config, chosen, Act("reopen", _name(who), note))


@app.command()
def history(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="Which mismatch.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show who did what about it, and when."""
    with open_command(context, config) as runtime:
        with runtime.ledger.read() as connection:
            found = list(desk.history(connection, number))
            if not found and not desk.is_there(connection, number):
                raise GiveUp(f"no mismatch has the number {number}")
        shape = Format.JSONL if as_json else Format.TABLE
        show((one._asdict() for one in found), _HISTORY, shape)


@app.command()
def causes(context: typer.Context, config: Config = None, as_json: AsJson = False) -> None:
    """Group what does not agree by cause, with the money at stake in minor units."""
    count: Counter[tuple[str, str, str, str | None]] = Counter()
    at_stake: Counter[tuple[str, str, str, str | None]] = Counter()
    with open_command(context, config) as runtime:
        for one in reads.mismatch_rows(runtime.ledger):
            cause = (one.rule, one.severity, one.account, one.currency)
            count[cause] += 1
            at_stake[cause] += one.at_stake or 0
    rows: Iterator[dict[str, Any]] = (
        dict(zip(_CAUSES, (*cause, number, at_stake[cause]), strict=True))
        for cause, number in count.most_common()
    )
    show(rows, _CAUSES, Format.JSONL if as_json else Format.TABLE)


@app.command("export")
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The CSV to write; - for standard output.")],
    config: Config = None,
    rule: Rule = None,
    account: Account = None,
) -> None:
    """Write a spreadsheet whose columns act, note, owner and until can be filled in."""
    with open_command(context, config) as runtime:
        rows = reads.mismatch_rows(runtime.ledger, rule=rule, account=account)
        count = sheet.write(file, rows)
    typer.echo(f"{count:,} mismatches", err=True)


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What was exported and filled in: CSV or XLSX.")],
    config: Config = None,
    who: Who = "",
) -> None:
    """Do what the filled-in spreadsheet says: all of it, or nothing when a line is wrong."""
    with open_command(context, config) as runtime:
        now = runtime.clock()
        zone = ZoneInfo(runtime.settings.zone)
        filled, problems = sheet.read(file, _name(who), now, zone)
        if not problems:
            try:
                respond(runtime.ledger, filled, terms=runtime.terms, now=now, wholly=True)
            except NotWhole as error:
                problems = [f"mismatch {number}: {why}" for number, why in error.refused.items()]
    _report(problems)
    if problems:
        typer.echo("nothing was done", err=True)
        raise typer.Exit(DATA)
    typer.echo(f"{len(filled):,} done", err=True)


PROBLEMS_SHOWN = 100


def _report(problems: Sequence[str]) -> None:
    for problem in islice(problems, PROBLEMS_SHOWN):
        typer.echo(problem, err=True)
    if len(problems) > PROBLEMS_SHOWN:
        typer.echo(f"… and {len(problems) - PROBLEMS_SHOWN:,} more", err=True)


class _Chosen:
    """Which mismatches are meant: by number, or all that a filter finds."""

    def __init__(
        self,
        numbers: Sequence[int] | None,
        rule: str | None,
        account: str | None,
        severity: str | None,
        yes: bool,
    ) -> None:
        if not (numbers or rule or account or severity):
            raise Usage("choose with NUMBER, --rule, --account or --severity")
        if numbers and (rule or account or severity):
            raise Usage("choose with NUMBER or with a filter, not with both")
        if rule and rule not in BY_CODE:
            raise Usage(f"{rule} is no rule: see docs/rules.md")
        if severity and severity not in SEVERITIES:
            raise Usage(f"--severity should be one of {', '.join(SEVERITIES)}")
        self.numbers, self.rule, self.account = numbers, rule, account
        self.severity, self.yes = severity, yes

    def find(self, runtime: Runtime, states: Iterable[str]) -> list[int]:
        """The numbers; raises Usage when a filter finds more than was surely meant."""
        if self.numbers:
            return list(self.numbers)
        rows = reads.mismatch_rows(runtime.ledger, account=self.account, rule=self.rule)
        found = [
            one.number
            for one in rows
            if one.state in states and self.severity in (None, one.severity)
        ]
        if len(found) > ROWS_WITHOUT_YES and not self.yes:
            raise Usage(f"{len(found):,} mismatches: say --yes when that is meant")
        return found


def _do(context: typer.Context, config: Path | None, chosen: _Chosen, act: Act) -> None:
    with open_command(context, config) as runtime:
        now: datetime = runtime.clock()
        if problem := act.problem(now):
            raise Usage(problem)
        numbers = chosen.find(runtime, desk.states_for(act.name))
        (done,) = respond(runtime.ledger, [(act, numbers)], terms=runtime.terms, now=now)
    _report([f"mismatch {number}: {why}" for number, why in done.refused.items()])
    typer.echo(f"{len(done.done):,} done, {len(done.refused):,} refused", err=True)
    if done.refused or not done.done:
        raise typer.Exit(FOUND)


def _name(given: str) -> str:
    try:
        return given or getpass.getuser()
    except (KeyError, OSError):
        raise Usage("nobody knows who you are: say it with --as") from None
