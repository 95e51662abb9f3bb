"""The other side of each sink, real: a file in a folder, and a receiver on loopback."""

import base64
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from standardwebhooks import Webhook as Verifier

from service.ledger.engine import Ledger
from service.outbound.jsonl import Jsonl
from service.outbound.sink import Sink
from service.outbound.webhook import Webhook
from tests.outbound.receiver import Receiver

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class OtherSide(Protocol):
    """Somewhere that messages arrive, and that can go away and come back."""

    def sink(self) -> Sink: ...

    def address(self) -> str: ...

    def bodies(self) -> list[bytes]: ...

    def go_away(self) -> None: ...

    def come_back(self) -> None: ...


class FileSide:
    """A file; away when its folder is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._path = folder / "messages.jsonl"

    def sink(self) -> Sink:
        return Jsonl("out", self._path)

    def address(self) -> str:
        return str(self._path)

    def bodies(self) -> list[bytes]:
        data = self._path.read_bytes() if self._path.exists() else b""
        # a line that a crash has torn has not arrived
        return data[: data.rfind(b"\n") + 1].splitlines()

    def go_away(self) -> None:
        self._folder.rename(self._folder.with_suffix(".away"))

    def come_back(self) -> None:
        self._folder.with_suffix(".away").rename(self._folder)


class HttpSide:
    """A receiver that verifies what it takes; away when nobody listens."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self.receiver.start()

    def sink(self) -> Sink:
        return Webhook("out", self.receiver.url, [SECRET], loopback=True, request_seconds=5)

    def address(self) -> str:
        return self.receiver.url

    def bodies(self) -> list[bytes]:
        for taken in list(self.receiver.taken):
            verified = Verifier(SECRET).verify(taken.body, taken.headers)
            assert verified["id"] == taken.headers["webhook-id"]
        return self.receiver.bodies

    def go_away(self) -> None:
        self.receiver.stop()

    def come_back(self) -> None:
        self.receiver.start()


@pytest.fixture(params=["jsonl", "webhook"])
def side(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OtherSide]:
    """Each kind of sink's other side in turn."""
    if request.param == "jsonl":
        yield FileSide(tmp_path / "out")
        return
    http = HttpSide()
    yield http
    http.receiver.stop()


@pytest.fixture
def sink(side: OtherSide) -> Iterator[Sink]:
    """One sink to the other side."""
    with closing(side.sink()) as opened:
        yield opened


class Clock:
    """The ledger's clock, which a test can put forward."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return self._ledger.now() + self._ahead

    def advance(self, by: timedelta) -> None:
        self._ahead += by


@pytest.fixture
def clock(ledger: Ledger) -> Clock:
    return Clock(ledger)


def by_subject(bodies: list[bytes]) -> dict[str, list[int]]:
    """The sequences that arrived of each subject, in their order of arrival."""
    arrived: dict[str, list[int]] = defaultdict(list)
    for body in bodies:
        event = json.loads(body)
        arrived[event["subject"]].append(int(event["sequence"]))
    return dict(arrived)


def first_arrivals(sequences: list[int]) -> list[int]:
    """Without repeats: what a consumer that dedupes by id is left with."""
    return list(dict.fromkeys(sequences))
