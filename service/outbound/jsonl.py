"""How messages get into a file: one line each, on disk before they count as sent.

A line is the message's bytes. Several processes may append to one file: each holds its lock while
it writes. What a crash left of a half-written line is cut off by the next writer, and its message
comes again, whole. A line may come twice after a crash, so readers go by the message's id.
"""

import errno
import fcntl
import os
import re
import stat
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from service.core.errors import Misconfigured
from service.core.messages import Message
from service.outbound.sink import Later, Receipt, Sent

AT_ONCE = 1000
LOCK_SECONDS = 5.0
LOCK_STEP_SECONDS = 0.02
TAIL_BYTES = 64 * 1024
# so many times a file may be moved away between opening and locking it
REOPENS_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Rotation:
    """When the file is put aside (0: never by that), and how many of those stay (0: all).

    hours: at the first message of a later stretch of so many hours, counted in UTC.
    """

    size_bytes: int = 0
    hours: int = 0
    keep: int = 0

    def is_due(self, file: int, now: datetime) -> bool:
        """Whether the open file is to be put aside before anything is appended."""
        known = os.fstat(file)
        if not known.st_size:
            return False
        if self.size_bytes and known.st_size >= self.size_bytes:
            return True
        stretch = self.hours * 3600
        return bool(stretch) and known.st_mtime // stretch < now.timestamp() // stretch


class Jsonl:
    """Appends to the file at `path`, made with mode 0600; raises Misconfigured if it never can."""

    at_once = AT_ONCE
    one_by_one = False
    workers = 1

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        rotation: Rotation | None = None,
        lock_seconds: float = LOCK_SECONDS,
    ) -> None:
        self.name = name
        self._path = path
        self._rotation = rotation or Rotation()
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
        lines = b"".join(message.body + b"\n" for message in messages)
        try:
            with _locked(self._path, self._lock_seconds) as file:
                if self._rotation.is_due(file, now):
                    _whole(file)
                    _put_aside(self._path, now, self._rotation.keep)
                    return self._append_anew(lines)
                _append(file, lines)
        except OSError as error:
            return Later(_word(error), away=True)
        return Sent()

    def _append_anew(self, lines: bytes) -> Receipt:
        with _locked(self._path, self._lock_seconds) as file:
            _append(file, lines)
        return Sent()

    def close(self) -> None:
        """Nothing stays open: the file may be moved away between two calls."""


def _word(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "io").lower()


@contextmanager
def _locked(path: Path, lock_seconds: float) -> Generator[int]:
    """The file of that name, opened and locked; anew each time, as it may have been rotated."""
    for _ in range(REOPENS_LIMIT):
        file = _open(path)
        try:
            _lock(file, lock_seconds)
            if _is_still(path, file):
                yield file
                return
        finally:
            os.close(file)
    raise OSError(errno.EAGAIN, "the file is moved away again and again")


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    fresh = not path.exists()
    file = os.open(path, flags, 0o600)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "not a regular file")
    if fresh:
        _sync_folder(path.parent)
    return file


def _is_still(path: Path, file: int) -> bool:
    """Whether the name leads to the open file still: while we waited it may have been moved."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _put_aside(path: Path, now: datetime, keep: int) -> None:
    """Rename the file, whose lock is held, to one with the time; drop the oldest beyond `keep`."""
    at = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path.rename(path.with_name(f"{path.name}.{at}"))
    _sync_folder(path.parent)
    if keep:
        aside = re.compile(re.escape(path.name) + r"\.\d{8}T\d{6}\.\d{6}Z")
        known = sorted(one for one in path.parent.iterdir() if aside.fullmatch(one.name))
        for one in known[:-keep]:
            one.unlink(missing_ok=True)


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
