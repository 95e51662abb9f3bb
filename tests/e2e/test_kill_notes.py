"""`kill -9` while notes to people are queued and being sent: none is lost, one at most repeats."""

import asyncio
import email
import json
import random
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from email.policy import default
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller

from service.ledger import notes
from service.ledger.engine import Ledger, open_ledger
from service.ledger.schema import people_notes
from service.outbound.people.note import Incident, Note
from tests.conftest import KeyPair
from tests.e2e.daemons import Daemon, free_port, write_config
from tests.outbound.groups import DING_SECRET, ROUTING_KEY, TOKEN, Groups

NOTES = 40
# the library waits five seconds between two mails
MAILED = range(0, NOTES, 10)
SLOW_SECONDS = 0.05
SETTLE_SECONDS = 180.0
CHANNELS = ("ding", "duty", "post")
# they hear of nothing by themselves: what they are sent is what the test has put in
QUIET = 'rules = ["refunded_over_paid"]'


@dataclass
class Mailbox:
    """A mail server's; each mail takes it a moment."""

    titles: list[str] = field(default_factory=list[str])

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        await asyncio.sleep(SLOW_SECONDS)
        mail = email.message_from_bytes(envelope.content, policy=default)
        self.titles.append(str(mail["subject"]))
        return "250 taken"


@pytest.fixture
def groups() -> Iterator[Groups]:
    """A DingTalk and a PagerDuty that take their time."""
    made = Groups(time.time())
    made.start()
    answers = made.server.answer

    def slowly(taken: Any, peer: Any) -> bool:
        time.sleep(SLOW_SECONDS)
        return answers(taken, peer)

    made.server.answer = slowly
    yield made
    made.stop()


@pytest.fixture
def box() -> Iterator[tuple[Mailbox, int]]:
    made, port = Mailbox(), free_port()
    running = Controller(made, hostname="127.0.0.1", port=port)
    running.start()
    yield made, port
    running.stop()


def channels(groups: Groups, port: int) -> str:
    """The settings of the three."""
    bots = {
        "ding": (f"https://oapi.dingtalk.com/robot/send?access_token={TOKEN}", DING_SECRET),
        "duty": ("https://events.pagerduty.com/v2/enqueue", ROUTING_KEY),
    }
    tables = [
        f'[people.{name}]\nurl = "{url}"\nsecret = "{secret}"\nbase = "{groups.base}"\n{QUIET}'
        for name, (url, secret) in bots.items()
    ]
    mail = f"mailto://127.0.0.1:{port}?from=a@example.com&to=b@example.com&mode=insecure"
    tables.append(f"[people.post]\nurl = {json.dumps(mail)}\n{QUIET}")
    return "people_seconds = 0.1\n\n" + "\n\n".join(tables)


def title(number: int) -> str:
    return f"note {number:03}"


def put(ledger: Ledger, numbers: range) -> None:
    """Queue a note on each channel."""
    with ledger.begin() as connection:
        for number in numbers:
            about = Incident(f"key-{number:03}", True, "critical", title(number))
            note = Note("news", "critical", title(number), "—", [about])
            content = msgspec.json.encode(note).decode()
            for name in CHANNELS if number in MAILED else CHANNELS[:2]:
                notes.put(connection, name, "news", content, now=ledger.now())


def let_leases_end(ledger: Ledger) -> None:
    """As three minutes later: what a killed process held is free."""
    before = ledger.now() - timedelta(seconds=1)
    held = people_notes.c.claimed_until.is_not(None)
    with ledger.begin() as connection:
        connection.execute(sa.update(people_notes).where(held).values(claimed_until=before))


def left(ledger: Ledger) -> int:
    with ledger.read() as connection:
        waiting = sa.select(sa.func.count()).where(people_notes.c.state == "waiting")
        return int(connection.scalar(waiting) or 0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_killed_daemon_tells_people_everything_in_order_and_little_twice(
    database_url: str,
    key_pair: KeyPair,
    tmp_path: Path,
    kill_rounds: int,
    groups: Groups,
    box: tuple[Mailbox, int],
) -> None:
    chance = random.Random(kill_rounds)
    mailbox, port = box
    config = write_config(tmp_path, key_pair, database_url, channels(groups, port))
    daemon = Daemon(tmp_path, config, free_port())
    kills = 0
    with closing(open_ledger(database_url)) as ledger:
        put(ledger, range(NOTES // 2))
        try:
            daemon.start()
            daemon.wait_until_live()
            while kills < kill_rounds and left(ledger):
                time.sleep(chance.uniform(0.05, 0.4))
                daemon.kill()
                kills += 1
                let_leases_end(ledger)
                if kills == 1:
                    put(ledger, range(NOTES // 2, NOTES))
                daemon.start()
                daemon.wait_until_live()
            deadline = time.monotonic() + SETTLE_SECONDS
            while left(ledger) and time.monotonic() < deadline:
                time.sleep(0.1)
        finally:
            daemon.ensure_gone()
        with ledger.read() as connection:
            kept = sa.select(
                people_notes.c.channel, people_notes.c.state, people_notes.c.last_error
            ).distinct()
            states = sorted(map(tuple, connection.execute(kept)))
    assert states == [(name, "sent", None) for name in CHANNELS]
    assert kills >= 2
    read = [text.splitlines()[0] for text in groups.texts]
    for titles, numbers in ((read, range(NOTES)), (mailbox.titles, MAILED)):
        assert list(dict.fromkeys(titles)) == [title(number) for number in numbers]
        assert len(titles) <= len(numbers) + kills
    assert list(groups.incidents) == [f"key-{number:03}" for number in range(NOTES)]
    told = list(groups.incidents.values())
    assert {act for acts in told for act in acts} == {"trigger"}
    assert sum(map(len, told)) <= NOTES + kills
