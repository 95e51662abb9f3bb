"""What about asking Ping++ is worth telling somebody: once, or once a day, never per failure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from service.ledger import notices, watches
from service.ledger.engine import Connection, Ledger
from service.pingpp.client import Client
from service.work.look import Found
from service.work.terms import Terms

# Told at once, and again on another day: nothing can be asked until somebody acts.
_AT_ONCE = frozenset({"unauthorised", "forbidden", "tls", "signature"})
# Told when an object's last three looks or more ended alike over at least so long (F26, F27).
_IN_A_ROW = 3
_SPANS: Mapping[str, timedelta] = {
    "http_404": timedelta(hours=1),
    "unaskable": timedelta(0),
    "wrong_object": timedelta(0),
    "malformed": timedelta(0),
    "too_large": timedelta(0),
    "encoding": timedelta(0),
    "http_2xx": timedelta(0),
    "http_3xx": timedelta(0),
    "http_4xx": timedelta(0),
    "failed": timedelta(0),
}
_LOOKS_READ = 50
_AWAY_SECONDS = 600
_SKEW_LIMIT = timedelta(seconds=30)


def of_look(
    connection: Connection, one: Found, failures: int, *, terms: Terms, now: datetime
) -> None:
    """Tell of a look that failed, where it shows more than a bad moment."""
    key = one.watch.key
    if one.word in _AT_ONCE:
        tell(connection, key.account, one.word, _day(now), terms=terms, now=now)
    span = _SPANS.get(one.word)
    if span is None or failures < _IN_A_ROW:
        return
    looks = watches.recent_looks(connection, key, limit=_LOOKS_READ)
    if _lasts(looks, one.word, span):
        subject = f"{key.kind}/{key.object_id}"
        tell(connection, key.account, f"look_{one.word}", subject, terms=terms, now=now)


def of_hosts(ledger: Ledger, clients: Mapping[str, Client], *, terms: Terms, now: datetime) -> None:
    """Tell of hosts that have been away for ten minutes, and of clocks that do not agree."""
    causes = [
        (account, cause)
        for account, client in clients.items()
        for cause, holds in (
            ("api_away", client.away_seconds() > _AWAY_SECONDS),
            ("clock_skew", client.skew is not None and abs(client.skew) > _SKEW_LIMIT),
        )
        if holds
    ]
    if causes:
        with ledger.begin() as connection:
            for account, cause in causes:
                tell(connection, account, cause, _day(now), terms=terms, now=now)


def tell(
    connection: Connection, account: str, cause: str, subject: str, *, terms: Terms, now: datetime
) -> None:
    """Tell of a cause and its subject, unless it was told before."""
    notices.tell_once(
        connection,
        account,
        cause,
        subject,
        epoch=terms.epoch,
        sinks=terms.sinks,
        data={},
        now=now,
    )


def _lasts(looks: Sequence[tuple[datetime, str]], word: str, span: timedelta) -> bool:
    """Whether the newest looks all ended in `word`, enough of them and for long enough."""
    alike = 0
    while alike < len(looks) and looks[alike][1] == word:
        alike += 1
    return alike >= _IN_A_ROW and looks[0][0] - looks[alike - 1][0] >= span


def _day(now: datetime) -> str:
    return now.date().isoformat()
