"""A disk that is full after so many bytes of a file."""

import resource
import signal
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def disk_of(size: int) -> Generator[None]:
    """Let files grow to `size` bytes: the write after that is cut short, then fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
