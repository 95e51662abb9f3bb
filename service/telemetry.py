"""What can be seen from outside: logs, and counters of what no ledger keeps.

Imports nobody of ours. Log events are named `room.verb`; their values are ids, counts and fixed
words. Whatever else gets in by mistake is cut, escaped or dropped here, and a full pipe never stops
the work.
"""

import logging
import queue
import re
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import IO, Any, cast

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

QUEUE_LIMIT = 10_000
TEXT_LIMIT = 500
ITEMS_LIMIT = 50
DEPTH_LIMIT = 4
FRAMES_LIMIT = 20
STOP_SECONDS = 2.0

# a second series for each, of when it was first counted, would help nobody
disable_created_metrics()
REGISTRY = CollectorRegistry()

DELIVERIES = Counter(
    "pingledger_deliveries",
    "Requests to the receiver, by account and answer.",
    ["account", "status"],
    registry=REGISTRY,
)
REFUSALS = Counter(
    "pingledger_refusals",
    "Deliveries without a good signature, by account and reason.",
    ["account", "reason"],
    registry=REGISTRY,
)
ACCEPT_SECONDS = Histogram(
    "pingledger_accept_seconds",
    "From a delivery's last byte until it is durable.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
INBOX_FAILURES = Counter(
    "pingledger_inbox_failures",
    "Batches of deliveries that could not be committed.",
    registry=REGISTRY,
)
LOOKS = Counter(
    "pingledger_looks",
    "Questions to Ping++ about one object, by account and answer.",
    ["account", "answer"],
    registry=REGISTRY,
)
SIGHTINGS = Counter(
    "pingledger_sightings",
    "Sightings that were applied, by what they meant: applied, unchanged, late, conflicting.",
    ["decision"],
    registry=REGISTRY,
)
APPLY_SIGHTINGS = Histogram(
    "pingledger_apply_sightings",
    "Sightings of one batch, which is one transaction.",
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500),
    registry=REGISTRY,
)
APPLY_SECONDS = Histogram(
    "pingledger_apply_seconds",
    "How long a batch took to be applied and committed.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
RULES_SECONDS = Histogram(
    "pingledger_rules_seconds",
    "How long the rules took over what a batch touched: a part of its apply.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
DISPATCHES = Counter(
    "pingledger_dispatches",
    "Attempts to send a message, by sink and what became of it: sent, waiting, dead.",
    ["sink", "state"],
    registry=REGISTRY,
)
SEND_SECONDS = Histogram(
    "pingledger_send_seconds",
    "How long a sink took for one call, until it had confirmed or failed.",
    ["sink"],
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
    registry=REGISTRY,
)
NOTES = Counter(
    "pingledger_notes",
    "Attempts to tell people, by channel and what became of it: sent, waiting, dead.",
    ["channel", "state"],
    registry=REGISTRY,
)
JOB_RUNS = Counter(
    "pingledger_job_runs",
    "Firings of jobs, by job and outcome: done, later, failed, elsewhere.",
    ["job", "outcome"],
    registry=REGISTRY,
)
JOB_SECONDS = Histogram(
    "pingledger_job_seconds",
    "How long a job's firing took.",
    ["job"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300),
    registry=REGISTRY,
)
JOB_INTERVAL = Gauge(
    "pingledger_job_interval_seconds",
    "How often a job fires.",
    ["job"],
    registry=REGISTRY,
)
LOGS_DROPPED = Counter(
    "pingledger_logs_dropped",
    "Log lines that nobody took in time.",
    registry=REGISTRY,
)

_SECRET = re.compile(
    r"secret|password|passphrase|token|api_?key|private_?key|authorization|cookie|signature$|^url$",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"(body|raw|payload|extra|metadata|identity|card|card_number|bank_card|account_no|open_?id"
    r"|buyer_account|buyer_user_id|user_name|name|real_name|recipient|phone|mobile|email|id_no"
    r"|id_number|address|ip|client_ip|description|subject_name|operation_url)",
    re.IGNORECASE,
)
# control characters, and the marks that turn the direction of text around
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)

# libraries whose own news is of no use unless it is an error
_CHATTY = ("apscheduler", "httpx2", "httpcore2", "alembic", "asyncio")

Event = MutableMapping[str, Any]
Logger = structlog.typing.FilteringBoundLogger


def logger(room: str) -> Logger:
    """A logger of one room; its events read `room.verb`."""
    return structlog.get_logger(room=room)


def refused_by_account() -> dict[str, int]:
    """How many deliveries this process has refused."""
    found: dict[str, int] = {}
    for family in REFUSALS.collect():
        for sample in family.samples:
            account = sample.labels["account"]
            found[account] = found.get(account, 0) + int(sample.value)
    return found


class LogWriter:
    """Writes lines in a thread of its own; one that finds the queue full is counted and lost.

    So a terminal that is paused, or a pipe that nobody reads, costs lines and never the work.
    """

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._lines: queue.Queue[str | None] = queue.Queue(QUEUE_LIMIT)
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def msg(self, line: str) -> None:
        """Queue one line; never waits."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            LOGS_DROPPED.inc()

    debug = info = warning = error = critical = exception = log = msg

    def stop(self) -> None:
        """Write what is queued, as far as it goes in two seconds."""
        with suppress(queue.Full):
            self._lines.put(None, timeout=STOP_SECONDS)
        self._thread.join(STOP_SECONDS)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            # nobody reads any more: the work goes on without a log
            with suppress(OSError, ValueError):
                self._out.write(line + "\n")
                self._out.flush()


def configure(
    *, level: str = "info", console: bool | None = None, out: IO[str] | None = None
) -> LogWriter:
    """Send all logs to `out` (stderr), and give the writer, which wants to be stopped at the end.

    console: readable lines instead of JSON; None: when `out` is a terminal.
    """
    stream = out or sys.stderr
    readable = stream.isatty() if console is None else console
    writer = LogWriter(stream)
    render: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty())
        if readable
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            shorten_trace,
            discreet,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_names: writer,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Forwarding()]
    root.setLevel(logging.WARNING)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    return writer


class _Forwarding(logging.Handler):
    """Hands what libraries log to our own log; its arguments may hold data and are left out."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log it as `library.said`."""
        found = logger(record.name)
        found.log(record.levelno, "library.said", said=str(record.msg), exc_info=record.exc_info)


def shorten_trace(_logger: Any, _method: str, event: Event) -> Event:
    """Say where it happened and which classes; an exception's own text may quote data."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, tuple):
        error = cast("tuple[Any, Any, Any]", error)[1]
    if isinstance(error, BaseException):
        event["error_class"] = _classes(error)
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES_LIMIT:]
        event["trace"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _classes(error: BaseException) -> str:
    names: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(names) < FRAMES_LIMIT:
        names.append(type(seen).__name__)
        seen = seen.__cause__ or seen.__context__
    return " < ".join(names)


def discreet(_logger: Any, _method: str, event: Event) -> Event:
    """Drop what is secret or personal by its name; cut and escape the rest."""
    return {key: _shown(key, value, 0) for key, value in list(event.items())[:ITEMS_LIMIT]}


def printable(text: str, limit: int = TEXT_LIMIT) -> str:
    """`text` without characters that a terminal or a reader of logs would act upon."""
    cut = text if len(text) <= limit else f"{text[:limit]}…"
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", cut)


def _shown(key: str, value: Any, depth: int) -> Any:
    if _PERSONAL.fullmatch(key) or _SECRET.search(key):
        return "[left out]"
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    if isinstance(value, bytes):
        return f"[{len(value)} bytes]"
    if isinstance(value, str):
        return printable(value)
    return _shown_inside(value, depth) if depth < DEPTH_LIMIT else "[too deep]"


def _shown_inside(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        items = list(cast("Mapping[Any, Any]", value).items())[:ITEMS_LIMIT]
        return {printable(str(k)): _shown(str(k), v, depth + 1) for k, v in items}
    if isinstance(value, (list, tuple, set, frozenset)):
        inside = list(cast("list[Any]", value))[:ITEMS_LIMIT]
        return [_shown("", item, depth + 1) for item in inside]
    return printable(str(value))
