"""Does the demo end with equal books, say so by its exit code, and leave nothing behind?"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

PATIENCE_SECONDS = 300


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "service", "demo", *arguments],
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_in(folder: Path) -> list[int]:
    """Every process that was started with a path of this folder."""
    found: list[int] = []
    for process in psutil.process_iter(["cmdline"]):
        words: list[str] = process.info["cmdline"] or []
        if any(str(folder) in word for word in words):
            found.append(process.pid)
    return found


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_SECONDS + 30)
def test_the_books_agree_and_nothing_is_left_behind(tmp_path: Path) -> None:
    demo = start(tmp_path, "--seconds", "6", "--json")
    printed, progress = demo.communicate(timeout=PATIENCE_SECONDS)
    result = json.loads(printed)
    assert demo.returncode == 0, result
    assert result["good"]
    assert result["equal"]
    assert len(result["found"]) == len(result["planted"]) == 10
    assert result["objects_compared"] == result["figures"]["objects"] > 20
    assert result["figures"]["lost"] > 0
    assert result["unused"] == []
    evening = result["evening"]
    assert evening["book_found"] == evening["book_planted"]
    assert len(evening["book_planted"]) == 4
    assert evening["mismatches"]["statement_amount"] == 1
    assert evening["derived"]
    assert len(evening["closed"]) >= 1
    assert (evening["wrong"], evening["unverifiable"]) == (0, 0)
    assert evening["checked"]["delivery"] > 20
    assert result["kinds_compared"].keys() >= {"order", "user", "deposit", "mch_application"}
    assert "settling" in progress
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_SECONDS + 30)
def test_a_demo_that_is_told_to_stop_takes_everything_down(tmp_path: Path) -> None:
    demo = start(tmp_path, "--seconds", "60")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not list(tmp_path.glob("*/messages.jsonl")) and time.monotonic() < deadline:
        assert demo.poll() is None
        time.sleep(0.1)
    demo.send_signal(signal.SIGTERM)
    demo.communicate(timeout=60)
    assert demo.returncode == 143
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []
