"""Are the writers of one process woken in order, with the inbox first and nobody left waiting?"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.core.errors import TryLater
from service.ledger.turns import Turns


def queue_up(turns: Turns, names: list[str], first: set[str]) -> list[str]:
    """Let each name wait for its turn, in order, and give the order in which they got it."""
    got: list[str] = []

    def wait(name: str) -> None:
        with turns.take(wait_seconds=20, first=name in first):
            got.append(name)

    threads: list[threading.Thread] = []
    with turns.take(wait_seconds=1):
        for number, name in enumerate(names, 1):
            threads.append(threading.Thread(target=wait, args=(name,)))
            threads[-1].start()
            while turns.waiting < number:
                pass
    for thread in threads:
        thread.join()
    return got


def test_writers_are_woken_in_the_order_they_came() -> None:
    assert queue_up(Turns(), ["a", "b", "c"], set()) == ["a", "b", "c"]


def test_the_inbox_goes_to_the_front() -> None:
    assert queue_up(Turns(), ["a", "b", "inbox"], {"inbox"}) == ["inbox", "a", "b"]


def test_who_waits_too_long_is_told_so_and_leaves_the_queue() -> None:
    turns = Turns()
    with turns.take(wait_seconds=1):
        with pytest.raises(TryLater), turns.take(wait_seconds=0.01):
            pass
        assert turns.waiting == 0
    with turns.take(wait_seconds=1):
        pass


def test_a_failure_inside_gives_the_turn_back() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="inside"), turns.take(wait_seconds=1):
        raise ValueError("inside")
    with turns.take(wait_seconds=0.01):
        pass


def test_never_two_at_once() -> None:
    turns, inside, most = Turns(), [0], [0]

    def work(_number: int) -> None:
        for _ in range(100):
            with turns.take(wait_seconds=20):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert most == [1]
