"""How does one trace lead from a POST through the queue to a sink? Spans, if anybody collects them.

Imports nobody of ours, and the library only in `start`: without the extra or the setting nothing of
it is loaded, and each place that could begin a span asks one question, whether `tracing` is None.
A span's context is kept with the row that the next one reads, as W3C's traceparent.
"""

from importlib import import_module, metadata
from typing import Any

# What a span may say: words and sizes of a few kinds, never an id, a name or an amount.
ATTRIBUTES = frozenset({"account", "kind", "type", "sink", "state", "answer", "source", "size"})
TRACEPARENT_LENGTH = 55
STOP_SECONDS = 3
EXPORT_SECONDS = 5

tracing: "Tracing | None" = None


def start(endpoint: str, share: float) -> "Tracing":
    """Begin to trace this process. Raises ModuleNotFoundError where the extra is not installed."""
    global tracing
    tracing = Tracing(endpoint, share)
    return tracing


class Begun:
    """A span under way. traceparent: what a row keeps of it; None when it is not sampled."""

    def __init__(self, span: Any) -> None:
        self._span = span
        context = span.get_span_context()
        flags = int(context.trace_flags)
        named = f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}"
        self.traceparent = named if flags & 1 else None

    def end(self, *, failed: bool = False, **attributes: str | int) -> None:
        """Say what became of it; nothing of an error but that it was one."""
        self._span.set_attributes(_named(attributes))
        if failed:
            self._span.set_status(import_module("opentelemetry.trace").StatusCode.ERROR)
        self._span.end()


class Tracing:
    """Makes spans and sends them to endpoint/v1/traces (OTLP over HTTP) from a thread of its own.

    endpoint: http://collector:4318. share: of all traces, those that are kept; a trace is kept
    from end to end or not at all.
    """

    def __init__(self, endpoint: str, share: float) -> None:
        sdk = import_module("opentelemetry.sdk.trace")
        sampling = import_module("opentelemetry.sdk.trace.sampling")
        exporting = import_module("opentelemetry.sdk.trace.export")
        otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        resources = import_module("opentelemetry.sdk.resources")
        self._api: Any = import_module("opentelemetry.trace")
        # not `create`: that looks at the environment
        resource = resources.Resource(
            {"service.name": "pingledger", "service.version": metadata.version("pingledger")}
        )
        exporter = otlp.OTLPSpanExporter(
            f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS
        )
        sampler = sampling.ParentBased(sampling.TraceIdRatioBased(share))
        self._provider: Any = sdk.TracerProvider(
            sampler=sampler, resource=resource, shutdown_on_exit=False
        )
        self._provider.add_span_processor(exporting.BatchSpanProcessor(exporter))
        self._tracer: Any = self._provider.get_tracer("pingledger")

    def begin(self, name: str, parent: str | None = None, **attributes: str | int) -> Begun:
        """Begin a span. parent: the traceparent that a row kept; None: a trace begins here."""
        context = self._context(parent)
        return Begun(self._tracer.start_span(name, context, attributes=_named(attributes)))

    def stop(self) -> None:
        """Send what is left, as far as that goes in some seconds, and trace no more."""
        global tracing
        tracing = None
        self._provider.force_flush(STOP_SECONDS * 1000)
        self._provider.shutdown()

    def _context(self, parent: str | None) -> Any:
        if parent is None:
            return import_module("opentelemetry.context").Context()
        _, trace_id, span_id, flags = parent.split("-")
        remote = self._api.SpanContext(
            int(trace_id, 16), int(span_id, 16), True, self._api.TraceFlags(int(flags, 16))
        )
        return self._api.set_span_in_context(self._api.NonRecordingSpan(remote))


def _named(attributes: dict[str, str | int]) -> dict[str, str | int]:
    """The attributes under our prefix; raises ValueError for one that no span may have."""
    if unknown := attributes.keys() - ATTRIBUTES:
        raise ValueError(f"no span says {sorted(unknown)}")
    return {f"pingledger.{name}": value for name, value in attributes.items()}
