"""Does `pingledger sandbox` start on what it is told, and say what it cannot do?"""

import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from service.cli.demo.daemon import free_port

COMMAND = (sys.executable, "-m", "service", "sandbox")


def refused(*arguments: str, folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stderr


def test_it_makes_its_keys_and_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    port, key = free_port(), tmp_path / "keys" / "sandbox.pem"
    running = subprocess.Popen(
        [*COMMAND, "--port", str(port), "--key-file", str(key), "--fault", "lose=0.1"],
        stderr=subprocess.PIPE,
        text=True,
    )
    with running:
        assert running.stderr is not None
        assert str(port) in running.stderr.readline()
        transport = httpx2.HTTPTransport(retries=100)
        with httpx2.Client(transport=transport, trust_env=False) as client:
            stats = client.get(f"http://127.0.0.1:{port}/sandbox/stats", timeout=30.0)
        assert stats.json()["waiting"] == 0
        running.terminate()
        running.wait(30)
    assert key.stat().st_mode & 0o077 == 0
    assert b"BEGIN PUBLIC KEY" in key.with_name("sandbox.pem.pub").read_bytes()


def test_its_people_are_there_and_its_time_stands_still_until_it_is_stepped(tmp_path: Path) -> None:
    port = free_port()
    options = ("--cast", "app_1", "--manual", "--frozen", "--at", "2026-01-01T00:00:00")
    running = subprocess.Popen(
        [*COMMAND, "--port", str(port), *options], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    base = f"http://127.0.0.1:{port}"
    transport = httpx2.HTTPTransport(retries=100)
    with running, httpx2.Client(base_url=base, transport=transport, trust_env=False) as client:
        assert running.stderr is not None
        running.stderr.readline()  # so that it is nearly there
        before = client.get("/sandbox/time", timeout=30.0).json()
        person = client.get("/v1/apps/app_1/users/cus_003", auth=("sk_live_sandbox", "")).json()
        stepped = client.post("/sandbox/step", json={"seconds": 90}).json()
        running.terminate()
        running.wait(30)
    assert before == {"now": "2026-01-01T00:00:00+00:00", "frozen": True}
    assert person["available_balance"] == 1_000_000
    assert stepped == {"now": "2026-01-01T00:01:30+00:00", "frozen": True}


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("--fault", "burn=0.1"), 64, "burn"),
        (("--fault", "lose=much"), 64, "--fault"),
        (("--cast", "an app"), 64, "--cast"),
        (("--at", "tomorrow"), 64, "--at"),
        (("--merchant-key", "nowhere.pem"), 78, "nowhere.pem"),
    ],
)
def test_what_it_cannot_take_is_named(
    tmp_path: Path, arguments: tuple[str, ...], code: int, named: str
) -> None:
    status, said = refused(*arguments, folder=tmp_path)
    assert status == code
    assert named in said
