"""What a crash, a full disk, a rotation or a second writer does to the file of messages."""

import fcntl
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.core.errors import Misconfigured
from service.core.messages import Message
from service.outbound.jsonl import Jsonl, Rotation
from service.outbound.sink import Later, Sent
from tests.disks import disk_of


def message(number: int, size: int = 10) -> Message:
    body = f'{{"id":{number},"x":"{"x" * size}"}}'.encode()
    return Message(f"m{number}", "s", number, "shop", "t", body)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "messages.jsonl"


def test_each_message_is_one_line_of_its_own_bytes(path: Path, now: datetime) -> None:
    messages = [message(1), message(2), message(3)]
    sink = Jsonl("file", path)
    assert sink.send(messages[:2], now=now) == Sent()
    assert sink.send(messages[2:], now=now) == Sent()
    assert path.read_bytes().splitlines() == [one.body for one in messages]


def test_only_its_owner_may_read_the_file(path: Path, now: datetime) -> None:
    before = os.umask(0)
    try:
        Jsonl("file", path).send([message(1)], now=now)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("torn", [b'{"id":9,"x', b"x" * 200_000], ids=["short", "long"])
@pytest.mark.parametrize("whole", [b"", b'{"id":0}\n'], ids=["alone", "behind a line"])
def test_what_a_crash_left_of_a_line_is_cut_off(
    path: Path, now: datetime, torn: bytes, whole: bytes
) -> None:
    path.write_bytes(whole + torn)
    assert Jsonl("file", path).send([message(1)], now=now) == Sent()
    assert path.read_bytes() == whole + message(1).body + b"\n"


def test_a_file_that_was_moved_away_is_made_anew(path: Path, now: datetime) -> None:
    sink = Jsonl("file", path)
    sink.send([message(1)], now=now)
    path.rename(path.with_suffix(".1"))
    sink.send([message(2)], now=now)
    assert path.read_bytes() == message(2).body + b"\n"


def test_writers_side_by_side_do_not_mix_their_lines(path: Path, now: datetime) -> None:
    def write(writer: int) -> None:
        sink = Jsonl("file", path)
        for number in range(20):
            batch = [message(writer * 1000 + number * 10 + k, size=3000) for k in range(5)]
            assert sink.send(batch, now=now) == Sent()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    lines = path.read_bytes().splitlines()
    numbers = [w * 1000 + n * 10 + k for w in range(4) for n in range(20) for k in range(5)]
    assert sorted(lines) == sorted(message(number, size=3000).body for number in numbers)


def test_a_disk_that_fills_up_leaves_no_half_line(path: Path, now: datetime) -> None:
    sink = Jsonl("file", path)
    sink.send([message(1)], now=now)
    before = path.read_bytes()
    with disk_of(len(before) + 1000):
        assert sink.send([message(2), message(3, size=5000)], now=now) == Later("efbig", away=True)
    assert path.read_bytes() == before
    assert sink.send([message(2)], now=now) == Sent()


def test_a_folder_that_is_gone_is_the_sinks_fault(tmp_path: Path, now: datetime) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    sink = Jsonl("file", folder / "messages.jsonl")
    folder.rmdir()
    assert sink.send([message(1)], now=now) == Later("enoent", away=True)


def test_a_pipe_in_its_place_is_not_written_to(path: Path, now: datetime) -> None:
    sink = Jsonl("file", path)
    os.mkfifo(path)
    assert sink.send([message(1)], now=now) == Later("einval", away=True)


def test_a_lock_that_nobody_gives_back_is_not_waited_for(path: Path, now: datetime) -> None:
    path.touch()
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        sink = Jsonl("file", path, lock_seconds=0.05)
        assert sink.send([message(1)], now=now) == Later("eagain", away=True)


def test_a_path_that_will_not_do_is_named(tmp_path: Path) -> None:
    for path, reason in (
        (Path("messages.jsonl"), "absolute"),
        (tmp_path / "none" / "messages.jsonl", "does not exist"),
        (tmp_path, "not a regular file"),
    ):
        with pytest.raises(Misconfigured, match=reason) as refused:
            Jsonl("file", path)
        assert refused.value.key == "sinks.file.path"


def test_a_file_that_is_large_enough_is_put_aside_whole(path: Path, now: datetime) -> None:
    sink = Jsonl("file", path, rotation=Rotation(size_bytes=100))
    messages = [message(number, size=30) for number in range(20)]
    for number, one in enumerate(messages):
        assert sink.send([one], now=now + timedelta(seconds=number)) == Sent()
    files = [*sorted(path.parent.glob("messages.jsonl.*")), path]
    assert len(files) > 3
    lines = [line for file in files for line in file.read_bytes().splitlines()]
    assert lines == [one.body for one in messages]


def test_a_new_stretch_of_hours_puts_the_file_aside_and_old_ones_go(path: Path) -> None:
    sink = Jsonl("file", path, rotation=Rotation(hours=1, keep=2))
    for hour in range(5):
        at = datetime(2026, 11, 23, hour, tzinfo=UTC)
        assert sink.send([message(hour)], now=at) == Sent()
        os.utime(path, (at.timestamp(), at.timestamp()))
    assert len(list(path.parent.glob("messages.jsonl.*"))) == 2
    assert path.read_bytes() == message(4).body + b"\n"


def test_writers_side_by_side_lose_nothing_when_the_file_is_put_aside(
    path: Path, now: datetime
) -> None:
    def write(writer: int) -> None:
        sink = Jsonl("file", path, rotation=Rotation(size_bytes=2_000))
        for number in range(20):
            at = now + timedelta(seconds=number, microseconds=writer)
            assert sink.send([message(writer * 100 + number, size=300)], now=at) == Sent()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    files = [*path.parent.glob("messages.jsonl.*"), path]
    lines = [line for file in files for line in file.read_bytes().splitlines()]
    wanted = [message(w * 100 + n, size=300).body for w in range(4) for n in range(20)]
    assert sorted(lines) == sorted(wanted)
