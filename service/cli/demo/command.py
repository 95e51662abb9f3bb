"""How is everything shown at work in half a minute, and was it right?"""

import json
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Annotated

import httpx2
import typer
from rich.console import Console

from service.cli.demo import groups
from service.cli.demo.daemon import Daemon, free_port
from service.cli.demo.desk import Signed
from service.cli.demo.kept import CONFIG, leave_past
from service.cli.demo.play import Play
from service.cli.demo.progress import reporting
from service.cli.demo.summary import as_json, show
from service.cli.user import make_user
from service.pingpp.signature import RequestSigner
from service.runtime import open_runtime
from service.sandbox.app import Terms
from service.sandbox.keys import private_key
from service.sandbox.server import serving, wall_clock
from service.sandbox.truth import Pace
from service.settings import load
from service.web.doors import Role

API_KEY = "sk_live_sandbox"
_TERMINATED = 143
MERCHANT_KEY = "merchant.pem"
VISITOR = "demo"
PROVIDER_SCALE = 30.0

# What goes wrong on the way: a tenth lost, a fifth repeated, some late, out of order, forged.
RATES = {
    "lose": 0.10,
    "repeat": 0.20,
    "delay": 0.05,
    "reorder": 0.10,
    "forge": 0.03,
    "early": 0.02,
    "other_body": 0.01,
    "other_end": 0.01,
    "slow": 0.01,
    "forbidden": 0.005,
    "limited": 0.01,
    "crash": 0.02,
    "html": 0.01,
    "stale": 0.01,
    "malformed": 0.01,
    "wrong": 0.005,
}


def demo(
    seconds: Annotated[float, typer.Option(help="How long the merchant trades.", min=5)] = 30.0,
    keep: Annotated[bool, typer.Option(help="Leave all of it running until Ctrl-C.")] = False,
    as_program: Annotated[bool, typer.Option("--json", help="The summary as JSON.")] = False,
    seed: Annotated[int, typer.Option(help="The same seed, the same story.")] = 1,
) -> None:
    """Show a fake Ping++, the daemon and a merchant at work, with faults, and compare the books."""
    signal.signal(signal.SIGTERM, _end)
    screen, paper = Console(stderr=True), Console()
    screen.print("启动支付平台沙箱与 pingledger … / starting", highlight=False)
    with (
        _folder(keep=keep) as folder,
        groups.reading() as (arrived, bots, mails),
        _stage(folder, seed, lambda file: groups.add_config(file, arrived, bots, mails)) as (
            base,
            daemon,
        ),
    ):
        signer = RequestSigner(private_key(folder / MERCHANT_KEY))
        auth = Signed(API_KEY, signer, wall_clock)
        with httpx2.Client(base_url=base, auth=auth, timeout=30.0, trust_env=False) as client:
            play = Play(client, daemon, Random(seed))  # noqa: S311  a story, not a secret
            with reporting(screen, seconds) as report:
                figures, verdict = play.perform(
                    seconds, report, partial(_furnish, screen, daemon) if keep else _nothing
                )
            arrived.wait()
            if as_program:
                paper.print_json(json.dumps(as_json(figures, verdict)), ensure_ascii=False)
            else:
                show(paper, figures, verdict)
                groups.show(paper, arrived)
            if keep:
                _wait(screen, base, daemon)
    raise typer.Exit(0 if verdict.good else 1)


def _end(_signal: int, _frame: object) -> None:
    """End in order: what was started is stopped."""
    raise typer.Exit(_TERMINATED)


@contextmanager
def _folder(*, keep: bool) -> Generator[Path]:
    """A folder that is gone afterwards, unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="pingledger-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _stage(folder: Path, seed: int, also: Callable[[Path], None]) -> Generator[tuple[str, Daemon]]:
    """Both sides up; both down again whatever happens. also: adds to the configuration."""
    daemon = Daemon(folder, free_port())
    terms = Terms(
        key=private_key(folder / "pingpp.pem"),
        api_key=API_KEY,
        merchant_key=private_key(folder / MERCHANT_KEY).public_key(),
        webhook_url=daemon.webhook_url,
        pace=Pace(scale=PROVIDER_SCALE),
        rates=RATES,
        seed=seed,
    )
    with serving(terms) as base:
        daemon.write_config(api_base=base, api_key=API_KEY)
        also(daemon.config)
        try:
            daemon.start()
            yield base, daemon
        finally:
            daemon.stop()


def _nothing() -> None:
    """Leave everything as it is."""


def _furnish(screen: Console, daemon: Daemon) -> None:
    """Give the console a week to show, while the daemon rests: days are closed in their order."""
    screen.print("为控制台补上一周的往来 … / a week for the console", highlight=False)
    daemon.stop()
    with daemon.config.open("a", encoding="utf-8") as config:
        config.write(CONFIG)
    leave_past(daemon.folder)
    daemon.start()


def _wait(screen: Console, base: str, daemon: Daemon) -> None:
    """Say where everything is, and leave it running until Ctrl-C."""
    screen.print(f"支付平台 / provider: {base}/sandbox/stats", highlight=False)
    screen.print(f"pingledger: {daemon.base}/metrics", highlight=False)
    with open_runtime(load(daemon.config)) as runtime:
        password = make_user(runtime, VISITOR, [Role.ADMIN], None, "zh")
    screen.print(f"控制台 / console: {daemon.base}/console", highlight=False)
    screen.print(
        f"  用户 / name: {VISITOR}  一次性密码 / first password: {password}", highlight=False
    )
    screen.print(f"pingledger --config {daemon.config} objects", highlight=False, soft_wrap=True)
    screen.print("Ctrl-C 结束，文件夹保留 / ends it, the folder stays", highlight=False)
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        return
