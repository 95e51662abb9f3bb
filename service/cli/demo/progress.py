"""What is seen while the demo runs: a bar on a terminal, a plain line now and then elsewhere."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

_LINE_SECONDS = 5.0

Report = Callable[[str, float, str], None]


@contextmanager
def reporting(console: Console, total: float) -> Generator[Report]:
    """Give a function of (what is done now, seconds done of `total`, the figures so far)."""
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total, figures="")

        def report(what: str, done: float, figures: str) -> None:
            progress.update(task, description=what, completed=min(done, total), figures=figures)

        yield report


def _lines(console: Console) -> Report:
    last: list[tuple[str, float]] = []

    def report(what: str, done: float, figures: str) -> None:
        if last and last[0][0] == what and done - last[0][1] < _LINE_SECONDS:
            return
        last[:] = [(what, done)]
        console.print(f"{done:5.0f} s  {what}  {figures}", markup=False, highlight=False)

    return report
