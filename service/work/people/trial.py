"""Does a channel work? A note that says it is a test is sent now, and kept like any other."""

from datetime import datetime, timedelta

import msgspec

from service.ledger import notes
from service.ledger.engine import Ledger
from service.outbound.people.note import Channel, Incident, Note
from service.outbound.sink import Answer, Later, Sent
from service.work.people.listener import Listener
from service.work.people.words import word

KEY = "pingledger-test"


def trial(ledger: Ledger, channel: Channel, listener: Listener, *, now: datetime) -> Answer:
    """Send a test at once, past whatever waits. Where there are incidents one begins and ends."""
    note = _note(listener, now)
    answer = Later("fault")
    with ledger.begin() as connection:
        number = notes.put(
            connection, channel.name, "test", msgspec.json.encode(note).decode(), now=now
        )
        taken = notes.take(connection, number, lease=timedelta(minutes=5), now=now)
    try:
        answer = channel.tell(note)
    finally:
        error = None if isinstance(answer, Sent) else answer.error
        with ledger.begin() as connection:
            notes.settle(connection, taken, "dead" if error else "sent", error=error, now=now)
    return answer


def _note(listener: Listener, now: datetime) -> Note:
    at = listener.local(now).strftime("%Y-%m-%d %H:%M")
    chinese = listener.language == "zh"
    text = "收到本消息说明渠道已配置成功。" if chinese else "This channel is set up well."
    incidents = [Incident(KEY, opens, "info", "pingledger test") for opens in (True, False)]
    title = f"[pingledger] {word('test', listener.language)}"
    return Note("test", "info", title, f"{at}\n{text}", incidents)
