"""`pingledger people`: what waits for a channel, a test of it, and what was told to whom."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from service.ledger.engine import open_ledger
from service.ledger.schema import notices
from service.work.people.compose import compose
from service.work.people.listener import Listener
from tests.cli.conftest import Call
from tests.outbound.groups import TOKEN, Groups

WECOM = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={TOKEN}"


@pytest.fixture
def groups(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Groups]:
    made = Groups(0)
    made.start()
    for name, value in (
        ("DATABASE__URL", database_url),
        ("PEOPLE__OPS__URL", WECOM),
        ("PEOPLE__OPS__BASE", made.base),
    ):
        monkeypatch.setenv(f"PINGLEDGER_{name}", value)
    yield made
    made.stop()


def test_a_test_is_sent_kept_and_listed(call: Call, groups: Groups) -> None:
    ended = call("people", "test", "ops")
    assert (ended.code, ended.out) == (0, ""), ended.err
    assert groups.texts[0].startswith("[pingledger] 测试消息\n")
    (told,) = (json.loads(line) for line in call("people", "history", "--json").out.splitlines())
    assert (told["channel"], told["what"], told["state"]) == ("ops", "test", "sent")
    assert "content" not in told
    (row,) = (json.loads(line) for line in call("people", "--json").out.splitlines())
    assert (row["name"], row["service"], row["waiting"]) == ("ops", "wecom", 0)


def test_a_channel_that_refuses_says_its_code_and_nothing_of_its_address(
    call: Call, groups: Groups
) -> None:
    ended = call("people", "test", "ops", PINGLEDGER_PEOPLE__OPS__URL=WECOM.replace(TOKEN, "0000"))
    assert ended.code == 75
    assert "errcode 93000" in ended.err
    assert "0000" not in ended.err + call("people", "history").out
    assert call("people", "test", "nobody").code == 64


def test_what_waits_is_shown_with_its_reason(call: Call, groups: Groups, database_url: str) -> None:
    now = datetime.now(UTC)
    row = {"account": "shop", "cause": "tls", "subject": "x", "first_at": now, "last_at": now,
           "count": 1}  # fmt: skip
    with closing(open_ledger(database_url)) as ledger:
        listener = Listener("ops")
        compose(ledger, listener, epoch="e", now=now)
        with ledger.begin() as connection:
            connection.execute(notices.insert(), row)
        assert compose(ledger, listener, epoch="e", now=now + timedelta(minutes=1)) == 1
    (shown,) = (json.loads(line) for line in call("people", "--json").out.splitlines())
    assert (shown["waiting"], shown["last_error"]) == (1, None)
    assert "OPS" not in call("people").err
