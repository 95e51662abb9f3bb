"""How does a file come to be all at once, or not at all?"""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from service.core.errors import GiveUp, Unwritable

_BUFFER_BYTES = 1024 * 1024


@contextmanager
def new_file(path: Path, *, force: bool = False) -> Generator[BinaryIO]:
    """A file that has its name only when the block ends well; else nothing of it is left.

    Raises GiveUp when there is a file of that name (unless force), Unwritable when the folder is
    missing or the disk is full.
    """
    _check(path, force=force)
    partial = _partial(path)
    try:
        with _said(path):
            with partial.open("r+b", buffering=_BUFFER_BYTES) as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            _name(partial, path, force=force)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def _said(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise Unwritable(f"{path} cannot be written: {error.strerror or error}") from None


def _check(path: Path, *, force: bool) -> None:
    if path.is_dir():
        raise GiveUp(f"{path} is a folder")
    if path.exists() and not force:
        raise GiveUp(f"{path} is there already: --force replaces it")


def _partial(path: Path) -> Path:
    with _said(path):
        number, name = tempfile.mkstemp(
            prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent
        )
        os.close(number)
        return Path(name)


def _name(partial: Path, path: Path, *, force: bool) -> None:
    """Give it its name in one step; without force never over a file that came meanwhile."""
    if force:
        partial.replace(path)
    else:
        try:
            path.hardlink_to(partial)
        except FileExistsError:
            raise GiveUp(f"{path} is there already: --force replaces it") from None
        except OSError:
            # a file system without hard links
            _check(path, force=False)
            partial.replace(path)
    _settle(path.parent)


def _settle(folder: Path) -> None:
    """Make the name survive a power cut."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
