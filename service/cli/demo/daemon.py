"""How the demo's daemon lives: a folder with its configuration, and `pingledger up` in it."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from service.cli.demo.desk import APP, Told
from service.core.errors import GiveUp
from service.core.observation import Key
from service.ledger import watches
from service.ledger.engine import Ledger, open_ledger
from service.ledger.migrations import migrate
from service.settings.model import LEDGER_FILE

ACCOUNT = "demo"
SCALE = 120
START_SECONDS = 120.0
STOP_SECONDS = 10.0

_CONFIG = """\
# 演示用配置 / the demo's configuration
data_dir = "."

[listen]
port = {port}

[accounts.{account}]
public_keys = ["pingpp.pem.pub"]
private_key = "merchant.pem"
api_key = "{api_key}"
apps = ["{app}"]
api_base = "{api_base}"
rate = 60
concurrency = 4

[sinks.file]
type = "jsonl"
path = "messages.jsonl"

[poll]
scale = {scale}

[statements.book]
covers = "payment"

[statements.yeepay]
covers = "payment"

[reconcile]
grace_seconds = 5

[receiver]
linger_seconds = 0

[jobs]
drain_seconds = 0.2
poll_seconds = 0.2
publish_seconds = 0.2
suspects_seconds = 1
reconcile_seconds = 10
backfill_seconds = 6
count_seconds = 2
card_seconds = 5

[log]
level = "warning"
"""


@dataclass(slots=True)
class Daemon:
    """One `pingledger up` and the folder that it lives in."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def webhook_url(self) -> str:
        """Where the account's events go."""
        return f"{self.base}/webhooks/{ACCOUNT}"

    @property
    def config(self) -> Path:
        """The file that every command is given."""
        return self.folder / "pingledger.toml"

    def write_config(self, *, api_base: str, api_key: str) -> None:
        """Write the configuration; the keys that it names lie in the folder already."""
        text = _CONFIG.format(
            port=self.port,
            account=ACCOUNT,
            api_key=api_key,
            api_base=api_base,
            app=APP,
            scale=SCALE,
        )
        self.config.write_text(text, encoding="utf-8")

    def start(self) -> None:
        """Start it and wait until it is ready; GiveUp with its last words when it is not."""
        with closing(self.open_ledger()) as ledger:
            migrate(ledger)
        with (self.folder / "daemon.log").open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603  our own interpreter and arguments
                [sys.executable, "-m", "service", "--config", str(self.config), "up"],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise GiveUp("the daemon did not start: " + self._last_words())
            time.sleep(0.1)

    def open_ledger(self) -> Ledger:
        """Its ledger, beside it: any command may open it while it runs."""
        return open_ledger(f"sqlite:///{self.folder / LEDGER_FILE}")

    def watch(self, told: Sequence[Told]) -> None:
        """Have objects asked for that it cannot know of, as `pingledger poll KIND ID` does."""
        with closing(self.open_ledger()) as ledger:
            now = ledger.now()
            with ledger.begin() as connection:
                for each in told:
                    key = Key(ACCOUNT, each.kind, each.id)
                    place = {"app": APP, "order_id": each.order_id or None}
                    watches.request(connection, key, now=now, place=place)

    def stop(self) -> None:
        """End it, gently first."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def messages(self) -> list[dict[str, Any]]:
        """What it has published so far, as its sink's file has it."""
        path = self.folder / "messages.jsonl"
        return _lines(path.read_text(encoding="utf-8")) if path.exists() else []

    def _is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.base}/health/ready", timeout=1.0, trust_env=False).is_success
        except httpx2.HTTPError:
            return False

    def _last_words(self) -> str:
        return (self.folder / "daemon.log").read_text(errors="replace")[-500:]


def _lines(text: str) -> list[dict[str, Any]]:
    """JSON lines; the last one may still be being written."""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def free_port() -> int:
    """A port of loopback that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
