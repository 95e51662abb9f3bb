"""Is every connection bounded in time, size and number, and does a process leave in good order?"""

import select
import signal
import socket
import struct
import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest

from service.web.protocol import ServerLimits
from service.web.receiver import ReceiverLimits

BODY = b'{"id":"evt_1"}'
QUICK = ServerLimits(
    header_seconds=0.3, request_seconds=0.8, keep_alive_seconds=1, write_seconds=0.3
)
HEAD = b"POST /webhooks/shop HTTP/1.1\r\nHost: here\r\n"


@pytest.fixture
def dialect() -> str:
    """The wire knows no database: once is enough."""
    return "sqlite"


def drain(wire: socket.socket) -> bytes:
    """Everything until the other side ends; pytest's own limit is the only clock here."""
    received = b""
    try:
        while piece := wire.recv(65536):
            received += piece
    except ConnectionError:
        pass
    return received


def trickle(wire: socket.socket, piece: bytes) -> bytes:
    """Send a piece again and again, one every twentieth of a second, until the other side ends."""
    ended = threading.Event()

    def feed() -> None:
        while not ended.wait(0.05):
            try:
                wire.sendall(piece)
            except OSError:
                return

    feeder = threading.Thread(target=feed)
    feeder.start()
    received = drain(wire)
    ended.set()
    feeder.join()
    return received


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b""),
        (b"", b"\r\n"),
        (b"POST /web", b"h"),
        (HEAD, b"X-Slow: 1\r\n"),
        (HEAD + b"X-Long: ", b"x"),
        (HEAD + b"X-Pingplusplus-Signature: x\r\nContent-Length: 1000\r\n\r\n", b"x"),
        (
            HEAD + b"X-Pingplusplus-Signature: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\nx\r\n",
        ),
    ],
    ids=[
        "silent",
        "blank lines",
        "slow line",
        "slow headers",
        "slow header",
        "slow body",
        "chunks",
    ],
)
def test_a_slow_peer_is_cut_off_without_a_row(serve: Any, start: bytes, piece: bytes) -> None:
    with serve(server_limits=QUICK) as served:
        with served.connect() as wire:
            wire.sendall(start)
            assert b" 200 " not in trickle(wire, piece)
        assert served.post(BODY) == 200
        assert served.rows() == [("evt_1",)]


def test_a_connection_that_idles_after_an_answer_is_closed(serve: Any) -> None:
    with serve(server_limits=QUICK) as served, served.connect() as wire:
        wire.sendall(served.signed(BODY).replace(b"Connection: close\r\n", b""))
        assert drain(wire).endswith(b"accepted\n")


def test_blank_lines_do_not_keep_an_answered_connection_open(serve: Any) -> None:
    with serve(server_limits=QUICK) as served, served.connect() as wire:
        wire.sendall(served.signed(BODY).replace(b"Connection: close\r\n", b""))
        assert trickle(wire, b"\r\n").endswith(b"accepted\n")


def test_a_peer_that_does_not_take_its_answers_is_cut_off(serve: Any) -> None:
    many = 20_000
    with serve(server_limits=QUICK) as served, served.connect() as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        asked = b"GET /health/live HTTP/1.1\r\nHost: here\r\n\r\n" * many
        feeder = threading.Thread(target=send_until_cut, args=(wire, asked))
        feeder.start()
        feeder.join()
        assert drain(wire).count(b"live\n") < many


def send_until_cut(wire: socket.socket, data: bytes) -> bool:
    """Whether it could be sent; False: the other side has cut the connection."""
    try:
        wire.sendall(data)
    except OSError:
        return False
    return True


def test_hundreds_of_silent_connections_do_not_keep_an_honest_one_out(serve: Any) -> None:
    with serve(server_limits=QUICK) as served, ExitStack() as silent:
        for _ in range(300):
            silent.enter_context(served.connect())
        assert served.post(BODY) == 200


def test_a_connection_too_many_is_told_to_come_back(serve: Any) -> None:
    limits = ServerLimits(connections=3)
    with serve(server_limits=limits) as served, ExitStack() as held:
        for _ in range(3):
            wire = held.enter_context(served.connect())
            wire.sendall(HEAD)
        with served.connect() as wire:
            answer = drain(wire)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: " in answer


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n",
        HEAD + b"X-Big: " + b"x" * 1_000_000 + b"\r\n\r\n",
        HEAD + b"".join(b"X-%d: 1\r\n" % number for number in range(2_000)) + b"\r\n",
    ],
    ids=["long URL", "large header", "many headers"],
)
def test_a_head_is_bounded(served: Any, head: bytes) -> None:
    answer = served.raw(head)
    assert answer[:13] in (b"HTTP/1.1 400 ", b"HTTP/1.1 431 ", b"")
    assert served.post(BODY) == 200


BROKEN = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"*1\r\n$4\r\nPING\r\n",
    b"\x00" * 100 + b"\r\n\r\n",
    b"post /webhooks/shop HTTP/1.1\r\nHost: here\r\n\r\n",
    b"FOO /webhooks/shop HTTP/1.1\r\nHost: here\r\n\r\n",
    b"GET / HTTP/3.7\r\nHost: here\r\n\r\n",
    HEAD + b"no colon\r\n\r\n",
    HEAD + b"X-Nul: a\x00b\r\n\r\n",
    HEAD + b"Bad Name: x\r\n\r\n",
    HEAD + b"Content-Length: -5\r\n\r\n",
    HEAD + b"Content-Length: abc\r\n\r\n",
    HEAD + b"Content-Length: +5\r\n\r\n12345",
    HEAD + b"Content-Length: 0x10\r\n\r\n",
    HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
    HEAD + b"Content-Length: 5, 5\r\n\r\n12345",
    HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n",
    HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    HEAD + b"X-Pingplusplus-Signature: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    HEAD + b"X-Pingplusplus-Signature: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    HEAD + b"X-Pingplusplus-Signature: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n",
]


@pytest.mark.parametrize("head", BROKEN, ids=range(len(BROKEN)))
def test_broken_requests_get_400_or_nothing_and_leave_no_row(served: Any, head: bytes) -> None:
    answer = served.raw(head)
    assert answer[:10] in (b"HTTP/1.1 4", b"HTTP/1.1 5", b""), answer
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert served.rows() == []


def test_a_large_unsigned_body_is_refused_before_it_is_read(served: Any) -> None:
    chunked = b"Transfer-Encoding: chunked\r\n\r\n2\r\nxx\r\n"
    for start in (b"Content-Length: 67108864\r\n\r\nxx", chunked):
        assert served.raw(HEAD + start)[:13] == b"HTTP/1.1 401 "


def test_chunks_without_end_are_refused_after_one_mebibyte(served: Any) -> None:
    head = HEAD + b"X-Pingplusplus-Signature: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    with served.connect() as wire:
        send_until_cut(wire, head)
        answers: list[bytes] = []
        reader = threading.Thread(target=lambda: answers.append(drain(wire)))
        reader.start()
        sent = 0
        while sent < 1_000 and send_until_cut(wire, chunk):
            sent += 1
        reader.join()
    assert sent < 1_000
    assert answers[0][:13] in (b"HTTP/1.1 413 ", b"")


def test_a_signed_event_in_small_chunks_is_kept(served: Any) -> None:
    head = HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n"
    head += b"X-Pingplusplus-Signature: " + served.sign(BODY) + b"\r\n\r\n"
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY)
    assert served.raw(head, chunks, b"0\r\n\r\n").endswith(b"accepted\n")
    assert served.rows("body") == [(BODY,)]


def test_bodies_under_way_are_bounded_together(serve: Any) -> None:
    with serve(receiver_limits=ReceiverLimits(held_bytes=150_000)) as served, ExitStack() as held:
        head = HEAD + b"X-Pingplusplus-Signature: x\r\nContent-Length: 100001\r\n\r\n"
        wires = [held.enter_context(served.connect()) for _ in range(2)]
        for wire in wires:
            wire.sendall(head + b"x" * 100_000)
        refused = wires[0] if readable(wires) is wires[0] else wires[1]
        assert drain(refused)[:13] == b"HTTP/1.1 503 "
        assert served.post(BODY) == 200


def readable(wires: list[socket.socket]) -> socket.socket:
    return select.select(wires, [], [], 20)[0][0]


def test_pipelined_requests_are_answered_in_order(served: Any) -> None:
    events = [b'{"id":"evt_%d"}' % number for number in range(50)]
    asked = [served.signed(body).replace(b"Connection: close\r\n", b"") for body in events[:-1]]
    answer = served.raw(b"".join([*asked, served.signed(events[-1])]))
    assert answer.count(b"HTTP/1.1 200 ") == 50
    assert len(served.rows()) == 50


def test_resets_disturb_nobody(served: Any) -> None:
    for _ in range(50):
        with served.connect() as wire:
            wire.sendall(served.signed(BODY)[:-5])
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert served.post(BODY) == 200
    assert served.rows("repeats") == [(0,)]


def test_after_the_first_signal_it_is_not_ready_but_serves_and_then_leaves(serve: Any) -> None:
    with serve(server_limits=ServerLimits(linger_seconds=1.0)) as served:
        assert served.get("/health/ready")[:13] == b"HTTP/1.1 200 "
        served.server.handle_exit(signal.SIGTERM, None)
        answer = served.get("/health/ready")
        assert (answer[:13], answer[-9:]) == (b"HTTP/1.1 503 ", b"stopping\n")
        assert served.post(BODY) == 200
        while not served.server.should_exit:
            time.sleep(0.05)
