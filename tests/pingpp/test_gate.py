"""A gate shuts after failures in a row, opens for one trial, and a pace never bunches."""

from service.pingpp.gate import Gate, Pace


def test_a_gate_stays_open_until_enough_failures_in_a_row() -> None:
    gate = Gate(failures=3, base=30, cap=300)
    for at in (0.0, 1.0):
        gate.failed(at, at, 0.0)
    assert gate.wait(2.0) == 0
    gate.passed(2.0)
    for at in (3.0, 4.0):
        gate.failed(at, at, 0.0)
    assert gate.wait(5.0) == 0
    gate.failed(5.0, 5.0, 0.0)
    assert gate.wait(5.0) == 30


def test_a_shut_gate_lets_one_trial_through_and_opens_when_it_passes() -> None:
    gate = Gate(failures=1, base=5, cap=20)
    gate.failed(0.0, 0.0, 0.0)
    assert gate.wait(5.0) == 0
    gate.enter()
    assert gate.wait(5.0) > 0
    gate.passed(5.0)
    assert gate.wait(5.1) == 0
    assert not gate.alone


def test_each_failed_trial_waits_longer_up_to_the_cap() -> None:
    gate, at, waits = Gate(failures=1, base=5, cap=20), 0.0, list[float]()
    for _ in range(5):
        waits.append(gate.failed(at, at, 0.0))
        at += waits[-1]
    assert waits == [5, 10, 20, 20, 20]
    assert gate.failed(at, at, 0.999) <= 25


def test_requests_from_before_the_gate_shut_neither_shut_it_further_nor_open_it() -> None:
    gate = Gate(failures=1, base=5, cap=20)
    gate.failed(1.0, 2.0, 0.0)
    for _ in range(7):
        gate.failed(1.5, 2.5, 0.0)
    gate.passed(1.9)
    assert gate.wait(2.5) == 4.5
    assert gate.alone


def test_the_other_side_may_ask_for_a_longer_wait() -> None:
    gate = Gate(failures=1, base=5, cap=20)
    assert gate.failed(0.0, 0.0, 0.0, least=60) == 60


def test_a_trial_that_tells_nothing_makes_room_for_the_next() -> None:
    gate = Gate(failures=1, base=5, cap=20, wary=True)
    gate.enter()
    gate.leave(0.0)
    assert gate.wait(0.0) == 0


def test_a_pace_spreads_requests_evenly_and_sends_the_impatient_away() -> None:
    pace = Pace(rate=2.0)
    assert [pace.reserve(0.0, 1.2) for _ in range(4)] == [0.0, 0.5, 1.0, None]
    assert pace.reserve(10.0, 1.2) == 0.0
