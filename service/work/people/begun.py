"""Which incidents begin, and which end, with what a channel is told?"""

from collections.abc import Mapping

from service.core.messages import message_id
from service.ledger.people import Cause, Standing
from service.outbound.people.note import Incident
from service.work.people.causes import sentence
from service.work.people.listener import Listener
from service.work.people.words import listed

# So many causes begin an incident of their own at a time; those beyond share one.
INCIDENTS_LIMIT = 12
MORE = "more"


def incidents(
    before: Mapping[Cause, Standing],
    after: Mapping[Cause, Standing],
    standing: Mapping[Cause, tuple[int, int]],
    listener: Listener,
    epoch: str,
) -> list[Incident]:
    """Which incidents begin and end with the news, where the channel has such."""
    if not listener.has_incidents:
        return []
    was = {one.topic for one in before.values() if one.open_since is not None}
    now_open = {**before, **after}
    still = {one.topic for one in now_open.values() if one.open_since is not None}
    begun: dict[str, Standing] = {}
    for one in after.values():
        if one.topic in still - was or (one.cause.source == "notice" and one.told_at):
            begun.setdefault(one.topic, one)
    found = [_incident(one, True, standing, listener, epoch) for one in begun.values()]
    over = {one.topic: one for one in before.values() if one.topic in was - still}
    return found + [_incident(one, False, standing, listener, epoch) for one in over.values()]


def _incident(
    one: Standing,
    opens: bool,
    standing: Mapping[Cause, tuple[int, int]],
    listener: Listener,
    epoch: str,
) -> Incident:
    key = message_id(epoch, f"people/{listener.name}/{one.cause.source}/{one.topic}", 1)
    count = standing.get(one.cause, (1, 1))[0]
    summary = f"{one.cause.account} {one.cause.code}: {sentence(one.cause, listener.language)}"
    if one.topic == MORE:
        summary = "更多问题" if listener.language == "zh" else "more causes"
    elif count > 1:
        summary = f"{summary} × {count:,}"
    return Incident(key, opens, one.severity, summary.strip(), _link(one, listener))


def _link(one: Standing, listener: Listener) -> str | None:
    """To the list of the cause's mismatches; what is no mismatch, or several, has the console."""
    if not listener.link:
        return None
    if one.topic == MORE or one.cause.source != "mismatch":
        return listener.link
    return listed(listener.link, one.cause)
