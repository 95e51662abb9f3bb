"""How messages get into a file: one line each, on disk before they count as sent.

A line is the message's bytes. Several processes may append to one file: each holds its lock while
it writes. What a crash left of a half-written line is cut off by the next writer, and its message
comes again, whole. A line may come twice after a crash, so readers go by the message's id.
"""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from service.core.errors import Misconfigured
from service.core.messages import Message
from service.outbound.sink import Later, Receipt, Sent

AT_ONCE = 1000
LOCK_SECONDS = 5.0
LOCK_STEP_SECONDS = 0.02
TAIL_BYTES = 64 * 1024


class Jsonl:
    """Appends to the file at `path`, made with mode 0600; raises Misconfigured if it never can."""

    at_once = AT_ONCE
    workers = 1

    def __init__(self, name: str, path: Path, *, lock_seconds: float = LOCK_SECONDS) -> None:
        self.name = name
        self._path = path
        self._lock_seconds = lock_seconds
        key = f"sinks.{name}.path"
        if not path.is_absolute():
            raise Misconfigured(key, "should be an absolute path")
        if not path.parent.is_dir():
            raise Misconfigured(key, f"the folder {path.parent} does not exist")
        if path.exists() and not path.is_file():
            raise Misconfigured(key, f"{path} is not a regular file")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise Misconfigured(key, f"{path} cannot be written by this user")

    def send(self, messages: Sequence[Message], *, now: datetime) -> Receipt:
        """Append and sync; either every line is whole on disk, or none is in the file."""
        del now
        lines = b"".join(message.body + b"\n" for message in messages)
        try:
            with _locked(self._path, self._lock_seconds) as file:
                _append(file, lines)
        except OSError as error:
            return Later(_word(error), away=True)
        return Sent()

    def close(self) -> None:
        """Nothing stays open: the file may be moved away between two calls."""


def _word(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "io").lower()


@contextmanager
def _locked(path: Path, lock_seconds: float) -> Generator[int]:
    """The file, opened and locked. It is opened anew each time, as it may have been rotated."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    fresh = not path.exists()
    file = os.open(path, flags, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        _lock(file, lock_seconds)
        if fresh:
            _sync_folder(path.parent)
        yield file
    finally:
        os.close(file)


def _lock(file: int, lock_seconds: float) -> None:
    ends_at = time.monotonic() + lock_seconds
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > ends_at:
                raise
            time.sleep(LOCK_STEP_SECONDS)


def _sync_folder(folder: Path) -> None:
    """Make the file's name survive a power cut, not only its bytes."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _append(file: int, lines: bytes) -> None:
    start = _whole(file)
    try:
        left = memoryview(lines)
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
    except OSError:
        os.ftruncate(file, start)
        raise


def _whole(file: int) -> int:
    """The length up to the end of the last whole line; a torn line after it is cut off."""
    size = end = os.fstat(file).st_size
    while end > 0:
        start = max(0, end - TAIL_BYTES)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(file, end)
    return end
