"""A sink gets the messages that it is for, and no filter judges what it does not concern."""

from datetime import datetime

import pytest

from service.core.filter import Filter, by_sinks
from service.core.messages import Message, change_message, mismatch_message, notice_message


def change(now: datetime, kind: str = "order", status: str = "paid") -> Message:
    return change_message(
        "e", "shop", kind, "1", 1, before=None, after={"status": status}, correction=False,
        source="poll", at=now,
    )  # fmt: skip


def mismatch(now: datetime, severity: str = "critical") -> Message:
    data = {"severity": severity}
    return mismatch_message("e", "shop", "r/order/1", 1, state="open", data=data, at=now)


def notice(now: datetime) -> Message:
    return notice_message("e", "shop", "unknown_status", "order", data={}, at=now)


def only(**words: str) -> Filter:
    return Filter(**{name: frozenset({word}) for name, word in words.items()})


def test_without_words_everything_passes(now: datetime) -> None:
    assert all(Filter().takes(one) for one in (change(now), mismatch(now), notice(now)))


@pytest.mark.parametrize(
    ("words", "passes"),
    [
        ({"accounts": "shop"}, "cmn"),
        ({"accounts": "other"}, ""),
        ({"kinds": "order"}, "c"),
        ({"kinds": "refund"}, ""),
        ({"kinds": "mismatch"}, "m"),
        ({"kinds": "notice"}, "n"),
        ({"statuses": "paid"}, "cmn"),
        ({"statuses": "canceled"}, "mn"),
        ({"severities": "critical"}, "cmn"),
        ({"severities": "info"}, "cn"),
        ({"kinds": "mismatch", "severities": "info"}, ""),
    ],
)
def test_each_word_judges_what_has_such_a_thing(
    now: datetime, words: dict[str, str], passes: str
) -> None:
    messages = {"c": change(now), "m": mismatch(now), "n": notice(now)}
    assert "".join(name for name, one in messages.items() if only(**words).takes(one)) == passes


def test_an_unknown_status_is_filtered_as_unknown(now: datetime) -> None:
    assert only(statuses="unknown").takes(change(now, status="unknown:odd"))


def test_messages_are_parted_by_who_takes_them(now: datetime) -> None:
    messages = [change(now), notice(now)]
    assert by_sinks(messages, ("a", "b")) == {("a", "b"): messages}
    filtered = {"a": only(kinds="notice"), "b": Filter()}
    assert by_sinks(messages, filtered) == {("b",): messages[:1], ("a", "b"): messages[1:]}
    assert by_sinks(messages, {"a": only(accounts="x")}) == {(): messages}
