"""Are passwords hashed as they should, and never too many at once?"""

import os
import sys
import threading

import pytest
from argon2 import PasswordHasher, extract_parameters

from service.core.errors import TryLater
from service.work.hashing import AT_ONCE, NICE, Hashing
from tests.hashers import Held

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def test_a_hash_costs_what_it_should() -> None:
    kept = Hashing().hash("blau-werkbank-otter-17")
    found = extract_parameters(kept)
    assert (found.type.name, found.memory_cost, found.time_cost, found.parallelism) == (
        "ID", 19 * 1024, 2, 1,
    )  # fmt: skip


def test_only_the_right_password_is_right() -> None:
    hashing = Hashing(QUICK)
    kept = hashing.hash("caf\u00e9")
    assert hashing.is_right("cafe\u0301", kept)
    assert not hashing.is_right("cafe", kept)
    assert not hashing.is_right("caf\u00e9", None)
    assert not hashing.is_right("caf\u00e9", "no hash at all")
    assert not hashing.is_weak(kept)
    assert Hashing().is_weak(kept)


def test_two_at_once_some_wait_and_the_rest_is_sent_away() -> None:
    hasher = Held()
    hashing = Hashing(hasher, waiting=3)
    hasher.go_on.clear()
    threads = [threading.Thread(target=hashing.hash, args=("x",)) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    with hasher.counting:
        assert hasher.counting.wait_for(lambda: hasher.inside == AT_ONCE, 20)
    refused: list[TryLater] = []

    def one_more() -> None:
        try:
            hashing.hash("x")
        except TryLater as error:
            refused.append(error)

    crowd = [threading.Thread(target=one_more) for _ in range(5)]
    for thread in crowd:
        thread.start()
    # two of the five find no place; those who found one wait until there is a turn
    while len(refused) < 2:
        threading.Event().wait(0.001)
    hasher.go_on.set()
    for thread in [*threads, *crowd]:
        thread.join(20)
    assert (len(refused), hasher.most) == (2, AT_ONCE)


@pytest.mark.parametrize("password", ["", "\ud800", "x" * 1_024])
def test_any_text_can_be_hashed(password: str) -> None:
    hashing = Hashing(QUICK)
    assert hashing.is_right(password, hashing.hash(password))


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux")
def test_a_hash_gives_way_to_everything_else() -> None:
    class Watched(PasswordHasher):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            return str(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    ours = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert int(Hashing(Watched()).hash("x")) == max(ours, NICE)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == ours
