"""With which code does a command end, and with which sentence? (sysexits)"""

import sys
from collections.abc import Generator
from contextlib import contextmanager

import typer

from service.core.errors import GiveUp, Misconfigured, PingledgerError, TryLater
from service.telemetry import printable

FOUND = 1
USAGE = 64
UNAVAILABLE = 69
TRY_AGAIN = 75
CONFIG = 78
INTERRUPTED = 130

SENTENCE_LIMIT = 1_000


class Usage(typer.TyperException):
    """A command was called in a way that makes no sense."""


class Unavailable(PingledgerError):
    """Something that is needed here cannot be had: a port, say."""


@contextmanager
def exiting() -> Generator[None]:
    """Turn every error on purpose into one sentence on stderr and an exit code."""
    try:
        yield
    except typer.TyperException as error:
        _leave(f"{error.format_message()} (see --help)", USAGE)
    except Misconfigured as error:
        _leave(str(error), CONFIG)
    except Unavailable as error:
        _leave(str(error), UNAVAILABLE)
    except TryLater as error:
        _leave(str(error), TRY_AGAIN)
    except GiveUp as error:
        _leave(str(error), FOUND)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _leave(sentence: str, code: int) -> None:
    sys.stderr.write(f"pingledger: {printable(sentence, SENTENCE_LIMIT)}\n")
    sys.exit(code)
