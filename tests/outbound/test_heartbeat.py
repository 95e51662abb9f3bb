"""An outside watcher hears that all is well, that it is not, and nothing when it asked for that."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from service.core.errors import Misconfigured, TryLater
from service.outbound.heartbeat import Heartbeat
from tests.outbound.groups import Groups


@pytest.fixture
def watcher() -> Iterator[Groups]:
    made = Groups(0)
    made.start()
    yield made
    made.stop()


def targets(watcher: Groups) -> list[str]:
    return [taken.target for taken in watcher.server.taken]


def test_it_beats_while_all_is_well_and_says_when_it_is_not(watcher: Groups) -> None:
    with closing(Heartbeat(f"{watcher.base}/ping/x/", fails=True)) as heart:
        assert heart.beat(True)
        assert heart.beat(False)
    with closing(Heartbeat(f"{watcher.base}/ping/x", fails=False)) as heart:
        assert not heart.beat(False)
    assert targets(watcher) == ["/ping/x", "/ping/x/fail"]


def test_a_watcher_that_is_away_is_told_later(watcher: Groups) -> None:
    with closing(Heartbeat(f"{watcher.base}/ping/x", fails=True)) as heart:
        watcher.status = 500
        with pytest.raises(TryLater):
            heart.beat(True)
        watcher.stop()
        with pytest.raises(TryLater):
            heart.beat(True)


def test_an_address_of_a_private_network_is_refused() -> None:
    with pytest.raises(Misconfigured) as caught:
        Heartbeat("https://10.0.0.1/ping", fails=True)
    assert caught.value.key == "heartbeat.url"
