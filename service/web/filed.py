"""How is a report handed to whoever asked for it over HTTP? Whole before its first byte is sent."""

from collections.abc import Iterator
from contextlib import ExitStack

from starlette.responses import Response, StreamingResponse

from service.ledger.engine import Ledger
from service.work.report.make import Download, download
from service.work.report.question import Question


def filed(ledger: Ledger, asked: Question) -> Response:
    """The report as a file; raises what `work.report.make` raises, before anything is sent."""
    held = ExitStack()
    made = held.enter_context(
        download(ledger, asked.report.name, asked.ask, asked.shape, sheet=asked.sheet)
    )
    headers = {
        "content-disposition": f'attachment; filename="{made.name}"',
        "content-length": str(made.size),
        "cache-control": "no-store",
    }
    return StreamingResponse(_sent(held, made), headers=headers, media_type=made.media_type)


def _sent(held: ExitStack, made: Download) -> Iterator[bytes]:
    """Piece by piece; what was held is let go also when nobody reads to the end."""
    with held:
        yield from made.chunks
