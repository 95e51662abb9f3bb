"""A merchant's receiver on loopback: a bare socket server, so that it can misbehave in any way."""

import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

HEAD_BYTES = 64 * 1024


@dataclass(frozen=True)
class Taken:
    """One request: its headers in lower case, and its body."""

    target: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Taken, socket.socket], bool]


def status(code: int, *headers: str) -> Answer:
    """Answer with a head and no body, and go on with the connection."""

    def answer(_taken: Taken, peer: socket.socket) -> bool:
        lines = [f"HTTP/1.1 {code} Whatever", "Content-Length: 0", *headers, "", ""]
        peer.sendall("\r\n".join(lines).encode())
        return True

    return answer


def raw(*pieces: bytes, pause: float = 0.0, times: int = 1, reset: bool = False) -> Answer:
    """Send pieces again and again, with pauses, and close; reset: let the peer see an error."""

    def answer(_taken: Taken, peer: socket.socket) -> bool:
        for _ in range(times):
            for piece in pieces:
                peer.sendall(piece)
                time.sleep(pause)
        if reset:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return answer


@dataclass
class Receiver:
    """Listens while it is up; `answer` decides what each request gets."""

    port: int = 0
    answer: Answer = field(default_factory=lambda: status(204))
    taken: list[Taken] = field(default_factory=list[Taken])
    _server: socketserver.ThreadingTCPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in?x=1"

    @property
    def bodies(self) -> list[bytes]:
        return [taken.body for taken in self.taken]

    def start(self, tls: ssl.SSLContext | None = None) -> None:
        server = _Server(("127.0.0.1", self.port), _handler(self))
        if tls is not None:
            server.socket = tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = int(server.socket.getsockname()[1])
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def up(self) -> bool:
        return self._server is not None


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


def _handler(receiver: Receiver) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            peer: socket.socket = self.request
            peer.settimeout(20)
            try:
                while receiver.up and (taken := _read(peer)) is not None:
                    receiver.taken.append(taken)
                    if not receiver.answer(taken, peer):
                        return
            except OSError:
                return

    return Handler


def _read(peer: socket.socket) -> Taken | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = peer.recv(HEAD_BYTES)
        if not piece or len(data) > HEAD_BYTES:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    while len(body) < int(headers.get("content-length", "0")):
        body += peer.recv(HEAD_BYTES)
    return Taken(first.split(" ")[1], headers, body)
