"""Which test shows which promise for which kind of sink? No cell of the table is empty unsaid."""

import inspect
from collections.abc import Callable
from typing import Any, get_args

import pytest

from service.settings.sinks import Sink
from tests.outbound import test_broker_kills as kills
from tests.outbound import test_contract as contract
from tests.outbound import test_jsonl as jsonl
from tests.outbound import test_refusals as refusals
from tests.outbound import test_webhook as webhook
from tests.outbound.brokers import program
from tests.outbound.conftest import PAIRS

Test = Callable[..., Any]

SHOWN: dict[str, tuple[Test, ...]] = {
    "confirmed before it is settled": (
        contract.test_nothing_counts_as_sent_while_nobody_is_there,
        refusals.test_a_place_that_is_gone_counts_nothing_as_sent,
        kills.test_what_a_killed_broker_confirmed_is_there_and_the_rest_follows,
    ),
    "in order of each object": (contract.test_every_message_arrives_once_and_in_order,),
    "the same id and bytes on each resend": (
        contract.test_a_crash_between_sending_and_settling_sends_the_same_again,
    ),
    "poison messages": (refusals.test_a_message_that_is_never_taken_holds_up_its_own_object_only,),
    "unroutable": (refusals.test_a_place_that_is_gone_counts_nothing_as_sent,),
    "the server is gone for long": (contract.test_after_a_long_outage_all_goes_at_once,),
    "the dispatcher is killed": (
        contract.test_a_killed_dispatcher_loses_nothing_and_changes_nothing,
    ),
    "the server is killed": (
        kills.test_what_a_killed_broker_confirmed_is_there_and_the_rest_follows,
    ),
    "two dispatchers": (contract.test_two_dispatchers_share_the_work_and_keep_the_order,),
}

# shown by a test of one kind of sink
BY_ITSELF: dict[tuple[str, str], Test] = {
    ("unroutable", "kafka"): kills.test_a_topic_that_nobody_made_counts_nothing_as_sent,
    ("the server is killed", "webhook"): (
        webhook.test_nobody_there_is_the_sinks_fault_and_not_the_messages
    ),
    ("the server is killed", "jsonl"): jsonl.test_what_a_crash_left_of_a_line_is_cut_off,
}

# what cannot be met there, and why
NOT_THERE = {
    ("poison messages", "jsonl"): "a file takes any bytes",
    ("poison messages", "redis"): "a stream takes any bytes, up to 512 MB",
    ("poison messages", "amqp"): "a queue takes any bytes, up to 128 MB",
    ("the server is killed", "kafka"): "the mock cluster keeps nothing; it is made to stand still",
}

# every kind that can be set up
KINDS = sorted(
    get_args(model.model_fields["type"].annotation)[0] for model in get_args(get_args(Sink)[0])
)


def kinds_of(test: Test) -> set[str]:
    """For which kinds of sinks a test runs, by its parameters."""
    for mark in getattr(test, "pytestmark", ()):
        if mark.name == "parametrize" and mark.args[0] == "kind":
            return set(mark.args[1])
    return set(KINDS) if "side" in inspect.signature(test).parameters else set()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("promise", SHOWN)
def test_every_promise_is_shown_for_every_kind(promise: str, kind: str) -> None:
    ways = [
        any(kind in kinds_of(test) for test in SHOWN[promise]),
        (promise, kind) in BY_ITSELF,
        (promise, kind) in NOT_THERE,
    ]
    assert ways.count(True) == 1


def test_the_contract_is_run_for_every_kind() -> None:
    assert {kind for _, kind in PAIRS} == set(KINDS)


def test_what_has_no_server_says_that_it_was_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"nobody-installs-it .* was NOT run"):
        program("nobody-installs-it")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="was NOT run"):
        program("nobody-installs-it")
