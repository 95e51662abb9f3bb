"""Is what is over forgotten, and nothing else?"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from service.ledger import answers, attempts, handshakes, sessions, users
from service.ledger.engine import Ledger
from service.ledger.handshakes import Handshake
from service.ledger.schema import metadata
from service.ledger.sessions import Lifetime
from service.work.admit import new_user

LASTS = Lifetime(timedelta(minutes=30), timedelta(hours=12))


def test_what_is_over_is_forgotten(ledger: Ledger, now: datetime) -> None:
    user = new_user("lin", ["viewer"], None, language="zh", now=now)
    day = timedelta(days=1, seconds=1)
    with ledger.begin() as connection:
        users.add(connection, user)
        for number, ago in enumerate((timedelta(), timedelta(minutes=31), timedelta(hours=13))):
            at = now - ago
            sessions.start(connection, f"{number:064}", user.id, address="", now=at)
        for ago in (timedelta(), day):
            asked = attempts.patience_with("lin", str(ago))
            attempts.failed(connection, asked, now=now - ago)
            shake = Handshake(f"{ago}", "b", "n", "v", "/console", now - ago)
            handshakes.begin(connection, shake)
            assert answers.claim(connection, "t", f"{ago}", "a", now=now - ago) is None
        assert sessions.prune(connection, LASTS, now=now) == 2 + 2 + 1 + 1
        left = {
            name: connection.scalar(sa.select(sa.func.count()).select_from(metadata.tables[name]))
            for name in ("sessions", "attempts", "handshakes", "answers", "users")
        }
    assert left == {"sessions": 1, "attempts": 2, "handshakes": 1, "answers": 1, "users": 1}


def test_who_died_while_answering_is_not_waited_for(ledger: Ledger, now: datetime) -> None:
    with ledger.begin() as connection:
        assert answers.claim(connection, "t", "k", "a", now=now) is None
        doing = answers.claim(connection, "t", "k", "a", now=now)
        assert doing is not None
        assert doing.status is None
        later = now + answers.DOING
        assert answers.claim(connection, "t", "k", "b", now=later) is not None
        assert answers.claim(connection, "t", "k", "a", now=later) is None
        answers.keep(connection, "t", "k", 200, "{}")
        assert answers.claim(connection, "t", "k", "a", now=later) == ("a", 200, "{}")


def test_waiting_grows_to_its_end_and_never_beyond() -> None:
    name, address = attempts.patience_with("lin", "10.0.0.1")
    waits = [name.wait(failures).total_seconds() for failures in (0, 2, 3, 4, 5, 12, 13, 10_000)]
    assert waits == [0, 0, 1, 2, 4, 512, 900, 900]
    assert [address.wait(n).total_seconds() for n in (19, 20, 30)] == [0, 1, 60]
