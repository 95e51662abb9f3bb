"""With which code does a command end, and with which sentence? (sysexits)"""

import sys
import traceback
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer

from service.core.errors import GiveUp, Misconfigured, PingledgerError, TryLater, Unwritable
from service.pingpp.declined import InDoubt, Unauthorised
from service.telemetry import printable

FOUND = 1
USAGE = 64
DATA = 65
UNAVAILABLE = 69
SOFTWARE = 70
IN_DOUBT = 74
UNWRITABLE = 74
TRY_AGAIN = 75
NOT_ALLOWED = 77
CONFIG = 78
INTERRUPTED = 130

SENTENCE_LIMIT = 1_000
FRAMES_SHOWN = 6


class Usage(typer.TyperException):
    """A command was called in a way that makes no sense."""


class Unavailable(PingledgerError):
    """Something that is needed here cannot be had: a port, say."""


# The first that fits: an operation in doubt is no TryLater, for whoever tried again would send it
# twice.
_CODES: Mapping[type[PingledgerError], int] = {
    Misconfigured: CONFIG,
    Unavailable: UNAVAILABLE,
    InDoubt: IN_DOUBT,
    Unauthorised: NOT_ALLOWED,
    Unwritable: UNWRITABLE,
    TryLater: TRY_AGAIN,
    GiveUp: FOUND,
}


@contextmanager
def exiting() -> Generator[None]:
    """Turn every error on purpose into one sentence on stderr and an exit code."""
    try:
        yield
    except typer.TyperException as error:
        _leave(f"{error.format_message()} (see --help)", USAGE)
    except tuple(_CODES) as error:
        _leave(
            _sentence(error), next(code for kind, code in _CODES.items() if isinstance(error, kind))
        )
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001  its text and its trace may quote data or a secret
        _leave(f"this should not have happened: {_place(error)}", SOFTWARE)


def _sentence(error: BaseException) -> str:
    hint = error.hint if isinstance(error, InDoubt) else ""
    return f"{error}; {hint}" if hint else str(error)


def _place(error: BaseException) -> str:
    """Which error it was and where, for a report; nothing of what it says."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_SHOWN:]
    places = " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
    return f"{type(error).__name__} at {places}"


def _leave(sentence: str, code: int) -> None:
    sys.stderr.write(f"pingledger: {printable(sentence, SENTENCE_LIMIT)}\n")
    sys.exit(code)
