"""Notes reach people over real sockets; what a service refuses with a 200 is no success."""

import io
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from service import telemetry
from service.core.errors import Misconfigured
from service.outbound.people.bots import dingtalk_sign, feishu_sign
from service.outbound.people.note import Channel, Incident, Note
from service.outbound.people.opening import open_channel
from service.outbound.sink import Answer, Later, Sent
from service.settings import People
from tests.outbound.groups import (
    DING_SECRET,
    FEISHU_SECRET,
    ROUTING_KEY,
    SLACK_PATH,
    TOKEN,
    Groups,
)

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOTE = Note("news", "critical", "[pingledger] 对账提醒：新增 1", "— 新增 —\n[严重] shop: 一行")
TEXT = f"{NOTE.title}\n{NOTE.text}"
DINGTALK = f"https://oapi.dingtalk.com/robot/send?access_token={TOKEN}"
FEISHU = f"https://open.feishu.cn/open-apis/bot/v2/hook/{TOKEN}"
WECOM = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={TOKEN}"
SLACK = f"https://hooks.slack.com{SLACK_PATH}"
PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
BOTS = [(DINGTALK, DING_SECRET), (FEISHU, FEISHU_SECRET), (WECOM, None), (SLACK, None)]


@pytest.fixture
def groups() -> Iterator[Groups]:
    made = Groups(AT.timestamp())
    made.start()
    yield made
    made.stop()


def channel(url: str, secret: str | None = None, **given: Any) -> Channel:
    people = People(
        url=SecretStr(url), secret=SecretStr(secret) if secret else None, **given
    )  # fmt: skip
    return open_channel("ops", people, clock=lambda: AT)


def tell(url: str, secret: str | None = None, note: Note = NOTE, **given: Any) -> Answer:
    with closing(channel(url, secret, **given)) as opened:
        return opened.tell(note)


@pytest.mark.parametrize(("url", "secret"), BOTS)
def test_each_bot_shows_title_and_text(groups: Groups, url: str, secret: str | None) -> None:
    assert tell(url, secret, base=groups.base) == Sent()
    assert groups.texts == [TEXT]


def test_the_two_signatures_are_each_others_reverse() -> None:
    # reckoned apart, with Python's hmac.new as the services' documents show it
    assert dingtalk_sign("SECabc", AT) == {
        "timestamp": "1795435200000",
        "sign": "KUX25XeJH6X8wIIlwoFgyZ4EzAibwsPSL64B7ZvrU5c=",
    }
    assert feishu_sign("abc", AT) == {
        "timestamp": "1795435200",
        "sign": "BVe1nYrbaoRY9Ii45Om8QwChnbsiUZfjeysy4n0/IW8=",
    }


@pytest.mark.parametrize(
    ("url", "secret", "error"),
    [
        (DINGTALK, "SECother", "errcode 310000"),
        (DINGTALK, None, "errcode 310000"),
        (DINGTALK.replace(TOKEN, "0000"), DING_SECRET, "errcode 300001"),
        (FEISHU, "other", "code 19021"),
        (FEISHU, None, "code 19021"),
        (WECOM.replace(TOKEN, "0000"), None, "errcode 93000"),
        (SLACK[:-1], None, "status 404"),
    ],
)
def test_what_a_service_refuses_was_not_told(
    groups: Groups, url: str, secret: str | None, error: str
) -> None:
    assert tell(url, secret, base=groups.base) == Later(error)
    assert groups.texts == []


@pytest.mark.parametrize(
    "answer", [{}, {"errcode": "0"}, {"errcode": None}, {"errcode": {"a": 1}}, {"errcode": -1}]
)
def test_an_answer_without_a_good_code_is_no_success(
    groups: Groups, answer: dict[str, Any]
) -> None:
    groups.refuses = answer
    assert tell(WECOM, base=groups.base) == Later("no code")


@pytest.mark.parametrize(("url", "secret"), [*BOTS, ("https://example.com/x", None)])
def test_a_service_that_is_down_is_told_later(groups: Groups, url: str, secret: str | None) -> None:
    groups.status = 503
    assert tell(url, secret, base=groups.base) == Later("status 503")
    groups.stop()
    assert tell(url, secret, base=groups.base) == Later("connect", away=True)


def test_a_service_that_hangs_is_left_in_time(groups: Groups) -> None:
    groups.server.answer = lambda _taken, _peer: True
    assert tell(WECOM, base=groups.base, timeout_seconds=1) == Later("timeout")


def test_a_redirect_is_not_followed(groups: Groups) -> None:
    groups.status = 302
    assert tell(DINGTALK, DING_SECRET, base=groups.base) == Later("status 302")
    assert len(groups.server.taken) == 1


def test_an_incident_begins_and_ends_under_one_key(groups: Groups) -> None:
    for opens in (True, True, False):
        one = Incident("k1", opens, "critical", "shop paid_sum", "https://pay.example.com/console")
        note = Note("news", "critical", "t", "x", (one,))
        assert tell(PAGERDUTY, ROUTING_KEY, note, base=groups.base) == Sent()
    assert groups.incidents == {"k1": ["trigger", "trigger", "resolve"]}
    assert tell(PAGERDUTY, "other", note, base=groups.base) == Later("status 400")


def test_a_note_without_incidents_pages_nobody(groups: Groups) -> None:
    assert tell(PAGERDUTY, ROUTING_KEY, base=groups.base) == Sent()
    assert groups.server.taken == []


def test_any_other_address_gets_the_note_as_json(groups: Groups) -> None:
    assert tell("https://hooks.example.com/in?x=1", base=groups.base) == Sent()
    (document,) = groups.documents
    assert document["title"] == NOTE.title
    assert groups.server.taken[0].target == "/in?x=1"


class Mailbox:
    """What an SMTP server was handed."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refuses = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuses:
            return "451 try later"
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    running = Controller(box, hostname="127.0.0.1", port=port)
    running.start()
    people = "from=ledger@example.com&to=finance@example.com"
    yield box, f"mailto://127.0.0.1:{port}?{people}&mode=insecure"
    running.stop()


def test_mail_arrives_as_it_reads(mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    assert tell(url) == Sent()
    box.refuses = True
    assert tell(url) == Later("refused")
    (mail,) = box.mails
    assert (mail["to"], mail["subject"]) == ("finance@example.com", NOTE.title)
    assert mail.get_content().strip().splitlines() == NOTE.text.splitlines()


def test_no_secret_is_in_a_log_or_an_error(groups: Groups, mailbox: tuple[Mailbox, str]) -> None:
    out = io.StringIO()
    log = telemetry.configure(level="debug", console=False, out=out)
    try:
        tell(DINGTALK, "SECother0secret", base=groups.base)
        tell(mailbox[1].replace("mailto://", "mailto://who:hush0hush@"))
        with pytest.raises(Misconfigured) as caught:
            tell("dingtalk://SEC-hush0hush@not!a!token/")
        logging.getLogger("apprise").error("token %s", "hush0hush")
    finally:
        log.stop()
    said = out.getvalue() + str(caught.value)
    assert not any(secret in said for secret in ("hush0hush", "SECother0secret", TOKEN))


@pytest.mark.parametrize(
    ("url", "secret", "given", "key"),
    [
        ("nosuch://somewhere", None, {}, "url"),
        (f"dingtalk://{DING_SECRET}@{TOKEN}", None, {}, "url"),
        (f"feishu://{TOKEN}", None, {}, "url"),
        (WECOM, "s", {}, "secret"),
        (PAGERDUTY, None, {}, "secret"),
        ("mailto://127.0.0.1", "s", {}, "secret"),
        ("https://10.0.0.8/hook", None, {}, "url"),
        ("https://127.1/hook", None, {}, "url"),
    ],
)
def test_an_address_that_will_never_do_is_refused(
    url: str, secret: str | None, given: dict[str, Any], key: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        channel(url, secret, **given)
    assert caught.value.key == f"people.ops.{key}"


def test_a_resend_says_the_same(groups: Groups) -> None:
    note = Note("news", "info", "t", "x", (Incident("k", True, "info", "s"),))
    for _ in range(2):
        assert tell("https://hooks.example.com/in", note=note, base=groups.base) == Sent()
    first, second = (json.loads(taken.body) for taken in groups.server.taken)
    assert first == second
