"""When a message is tried again."""

from datetime import timedelta

from service.outbound.schedule import SCHEDULE_SECONDS, wait_after


def test_a_message_is_tried_ten_times_over_three_days() -> None:
    waits = [wait_after(attempts, 0.5) for attempts in range(1, 12)]
    given = [wait for wait in waits if wait is not None]
    assert given == [timedelta(seconds=seconds) for seconds in SCHEDULE_SECONDS[1:]]
    assert waits[9:] == [None, None]
    assert sum(given, timedelta()) > timedelta(days=3)


def test_chance_spreads_a_wait_by_a_tenth() -> None:
    assert wait_after(2, 0.0) == timedelta(seconds=270)
    assert wait_after(2, 1.0) == timedelta(seconds=330)


def test_a_scale_divides_every_wait() -> None:
    assert wait_after(2, 0.5, scale=100) == timedelta(seconds=3)
