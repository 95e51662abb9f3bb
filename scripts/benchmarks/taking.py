"""A webhook's receiver in a process of its own: takes POSTs on a port, and tells what arrived.

GET / gives JSON: how many bodies, how many distinct, how many after a later one of theirs.
"""

import asyncio
import json
import sys
from typing import Any

from scripts.benchmarks.sides import Arrived, tally

_BODIES: list[bytes] = []
_TAKEN = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET"):
                writer.write(_told(tally(_BODIES)))
                continue
            _BODIES.append(await reader.readexactly(_length(head)))
            writer.write(_TAKEN)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _length(head: bytes) -> int:
    start = head.lower().index(b"content-length:") + len(b"content-length:")
    return int(head[start : head.index(b"\r\n", start)])


def _told(arrived: Arrived) -> bytes:
    body = json.dumps(arrived._asdict()).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def _main(port: int) -> None:
    server: Any = await asyncio.start_server(_serve, "127.0.0.1", port)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
