"""A collector of traces on loopback: OTLP over HTTP, its protobuf decoded by the standard."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Span:
    """One span as it arrived; parent is empty at the root."""

    trace: str
    id: str
    parent: str
    name: str
    failed: bool
    attributes: dict[str, Any]


@dataclass
class Collector:
    """What arrived so far, and the resources that sent it."""

    endpoint: str
    spans: list[Span] = field(default_factory=list[Span])
    resources: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


def _plain(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def _take(collector: Collector, body: bytes) -> None:
    asked: Any = ExportTraceServiceRequest()
    asked.ParseFromString(body)
    for part in asked.resource_spans:
        collector.resources.append(_plain(part.resource.attributes))
        for scope in part.scope_spans:
            collector.spans += [
                Span(
                    one.trace_id.hex(),
                    one.span_id.hex(),
                    one.parent_span_id.hex(),
                    one.name,
                    one.status.code == 2,
                    _plain(one.attributes),
                )
                for one in scope.spans
            ]


@contextmanager
def collecting() -> Generator[Collector]:
    """Collect until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.path == "/v1/traces"
            _take(collector, body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
