"""Which spans do a batch of sightings and a call to a sink make? None, unless they are traced."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from service import traces
from service.core.observation import Key, Observation
from service.ledger.outbox import Dispatch
from service.outbound.sink import Answer, Dead, Each, Receipt, Sent
from service.traces import Begun

Asked = Iterable[tuple[str | None, Sequence[Observation]]]


@contextmanager
def applying(asked: Asked) -> Generator[dict[Key, str]]:
    """A span for each traceparent; gives what the messages about each object are to keep.

    asked: what each delivery or look shows, with its traceparent; not looked at without tracing.
    """
    kept: dict[Key, str] = {}
    tracing = traces.tracing
    if tracing is None:
        yield kept
        return
    with ExitStack() as spans:
        for parent, seen in asked:
            if parent is not None:
                span = tracing.begin("apply", parent, size=len(seen), **_about(seen))
                spans.enter_context(_ending(span))
                kept |= dict.fromkeys((one.key for one in seen), span.traceparent or parent)
        yield kept


def _about(seen: Sequence[Observation]) -> dict[str, str]:
    if not seen:
        return {}
    first = seen[0]
    return {"account": first.key.account, "kind": first.key.kind, "source": first.source.value}


@contextmanager
def _ending(span: Begun) -> Generator[None]:
    failed = True
    try:
        yield
        failed = False
    finally:
        span.end(failed=failed)


def sending(sink: str, group: Sequence[Dispatch]) -> list[Begun | None]:
    """A span for each message of a call that is traced; empty without tracing."""
    tracing = traces.tracing
    if tracing is None:
        return []
    return [
        tracing.begin("publish", row.traceparent, sink=sink, type=row.message.type)
        if row.traceparent
        else None
        for row in group
    ]


def sent(spans: Sequence[Begun | None], receipt: Receipt) -> None:
    """End the spans of a call with what became of each message."""
    for span, answer in zip(spans, _answers(receipt, len(spans)), strict=True):
        if span is not None:
            state = _state(answer)
            span.end(failed=state != "sent", state=state)


def _state(answer: Answer | None) -> str:
    match answer:
        case Sent():
            return "sent"
        case Dead():
            return "dead"
        case _:
            return "waiting"


def _answers(receipt: Receipt, count: int) -> Iterator[Answer | None]:
    if isinstance(receipt, Each):
        yield from receipt.answers[:count]
    else:
        yield from [receipt] * count
