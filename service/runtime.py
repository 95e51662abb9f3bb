"""What does a process consist of? Settings become a ledger, keys, clients, sinks and a clock."""

import fcntl
import os
import random
import secrets
import socket
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from service.core.alerts import ALERTS, NOTICES
from service.core.errors import Misconfigured, TryLater
from service.core.filter import Filter
from service.ledger.clock import LedgerClock
from service.ledger.engine import Ledger, open_ledger
from service.ledger.keyfiles import load_vault, make_key_file
from service.ledger.leases import release_all
from service.ledger.migrations import check, is_empty, migrate, read_epoch
from service.ledger.people import Scope
from service.ledger.rules import BY_CODE
from service.ledger.rules.tuning import Tuned, problem
from service.ledger.sealed import enrol, has_keys
from service.ledger.sessions import Lifetime
from service.ledger.slots import Replica
from service.ledger.vault import SETTING as VAULT_KEYS
from service.outbound.heartbeat import Heartbeat
from service.outbound.opening import open_sink
from service.outbound.people.note import Channel
from service.outbound.people.opening import open_channel
from service.pingpp.access import Access
from service.pingpp.client import Client, open_clients
from service.pingpp.signature import (
    KEY_FILE_BYTES_LIMIT,
    BadKey,
    KeyRing,
    RequestSigner,
    load_private_key,
    load_public_key,
)
from service.settings import (
    Account,
    Settings,
)
from service.settings import Sink as SinkSettings
from service.settings.statements import readings
from service.work.close import ClosingTerms, Source
from service.work.outlet import Outlet
from service.work.people.listener import Listener
from service.work.subscribe import Subscription
from service.work.terms import AccountTerms, Terms

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything that is open while a process runs; by account or by sink where it is a mapping.

    stopping: set when long work should come to an end. chance: rolls in [0, 1).
    """

    settings: Settings
    ledger: Ledger
    clock: LedgerClock
    terms: Terms
    rings: Mapping[str, KeyRing]
    clients: Mapping[str, Client]
    outlets: Mapping[str, Outlet]
    subscriptions: Mapping[str, Subscription]
    channels: Mapping[str, Channel]
    listeners: Mapping[str, Listener]
    heartbeat: Heartbeat | None
    stopping: threading.Event
    chance: Callable[[], float]


@contextmanager
def open_runtime(
    settings: Settings, *, receives: bool = False, makes: bool = False
) -> Generator[Runtime]:
    """Open everything that the settings speak of, and close it again.

    receives: refuse to start without a usable public key. makes: a ledger that is the embedded
    default and has no tables yet is made. Raises Misconfigured, or TryLater when the ledger is
    away.
    """
    rings = load_rings(settings)
    check_people(settings)
    if receives:
        _check_receiver(settings)
    with ExitStack() as opened:
        ledger = opened.enter_context(closing(open_ledger_of(settings, makes=makes)))
        clock, chance = LedgerClock(ledger), random.SystemRandom().random
        clients = clients_of(settings, rings, clock=clock, chance=chance)
        for client in clients.values():
            opened.callback(client.close)
        outlets = {name: _open_outlet(name, settings) for name in settings.sinks}
        for outlet in outlets.values():
            opened.callback(outlet.sink.close)
        channels = {n: open_channel(n, p, clock=clock) for n, p in settings.people.items()}
        for channel in channels.values():
            opened.callback(channel.close)
        heartbeat = _heartbeat(settings)
        if heartbeat is not None:
            opened.callback(heartbeat.close)
        with ledger.read() as connection:
            epoch = read_epoch(connection)
        yield Runtime(
            settings=settings,
            ledger=ledger,
            clock=clock,
            terms=terms_of(settings, epoch),
            rings=rings,
            clients=clients,
            outlets=outlets,
            subscriptions={name: _subscription(name, settings) for name in settings.sinks},
            channels=channels,
            listeners={name: listener_of(settings, one) for name, one in channels.items()},
            heartbeat=heartbeat,
            stopping=threading.Event(),
            chance=chance,
        )


def open_ledger_of(settings: Settings, *, makes: bool = False) -> Ledger:
    """Open the ledger and see that its tables are the ones this program knows."""
    prepare_data_dir(settings)
    ledger = open_ledger(settings.database_url)
    try:
        # an empty file too: that is what a killed start, or a command before it, leaves
        if makes and settings.is_embedded and is_empty(ledger):
            migrate(ledger)
        check(ledger)
        if makes:
            _make_key(settings, ledger)
        check_keys(settings)
        ledger.vault = load_vault(settings.key_files)
        enrol(ledger)
    except BaseException:
        ledger.close()
        raise
    return ledger


def _make_key(settings: Settings, ledger: Ledger) -> None:
    """The embedded ledger's own key, unless it was sealed before: then the old one is needed."""
    path = settings.key_files[0]
    ours = settings.is_embedded and not settings.vault.keys
    if ours and not path.exists() and not has_keys(ledger):
        make_key_file(path)


def check_keys(settings: Settings) -> None:
    """Fail closed: without a key nobody's data is taken in."""
    if not settings.vault.keys and not settings.key_files[0].exists():
        raise Misconfigured(
            VAULT_KEYS,
            f"is missing, and so is {settings.key_files[0]}: nothing can be sealed or opened;"
            " make a key once with `pingledger vault new-key FILE` and name the file here",
        )


def prepare_data_dir(settings: Settings) -> None:
    """Make the data folder, readable by its owner only; raises Misconfigured when it cannot be."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            "data_dir", f"{settings.data_dir} cannot be made: {error.strerror}"
        ) from None
    if not os.access(settings.data_dir, os.R_OK | os.W_OK | os.X_OK):
        raise Misconfigured("data_dir", f"{settings.data_dir} cannot be written by this user")


@contextmanager
def alone_on(ledger: Ledger) -> Generator[None]:
    """Hold an SQLite ledger as its one daemon; raises TryLater when another process does.

    The kernel frees the lock when its holder dies; what that one had claimed is free at once.
    Nothing is held on PostgreSQL: there leases run out.
    """
    if ledger.dialect != "sqlite":
        yield
        return
    path = f"{ledger.writer.url.database}.lock"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise TryLater(
            "another process works on this SQLite ledger already: one is the limit,"
            " PostgreSQL takes any number"
        ) from None
    try:
        with ledger.begin() as connection:
            release_all(connection)
        yield
    finally:
        os.close(file)


def load_rings(settings: Settings) -> dict[str, KeyRing]:
    """The public keys of each account that has some; raises Misconfigured for one that is none."""
    return {
        name: KeyRing(
            _load(f"accounts.{name}.public_keys.{place}", path, load_public_key)
            for place, path in enumerate(account.public_keys)
        )
        for name, account in settings.accounts.items()
        if account.public_keys
    }


def _load(key: str, path: Path, read: Callable[[bytes], _Key]) -> _Key:
    try:
        with path.open("rb") as file:
            data = file.read(KEY_FILE_BYTES_LIMIT + 1)
    except OSError as error:
        raise Misconfigured(key, f"{path} cannot be read: {error.strerror}") from None
    try:
        return read(data)
    except BadKey as error:
        raise Misconfigured(key, f"{path}: {error}") from None


def _check_receiver(settings: Settings) -> None:
    """Fail closed: without a key nothing could be told from a forgery."""
    if not settings.accounts:
        raise Misconfigured("accounts", "there is none: a receiver needs an account with a key")
    for name, account in settings.accounts.items():
        if not account.public_keys:
            raise Misconfigured(
                f"accounts.{name}.public_keys", "is missing: nothing could be told from a forgery"
            )


def clients_of(
    settings: Settings,
    rings: Mapping[str, KeyRing],
    *,
    clock: Callable[[], datetime],
    chance: Callable[[], float],
) -> dict[str, Client]:
    """A client for each account that has an API key; each wants to be closed."""
    scale = settings.poll.scale
    return open_clients(accesses_of(settings, rings), clock=clock, chance=chance, scale=scale)


def accesses_of(settings: Settings, rings: Mapping[str, KeyRing]) -> dict[str, Access]:
    """How each account that has an API key is reached."""
    return {
        name: Access(
            base=account.api_base,
            api_key=account.api_key.get_secret_value(),
            signer=_signer(name, account),
            ring=rings.get(name),
            rate=account.rate,
            concurrency=account.concurrency,
            auth=account.auth,
        )
        for name, account in settings.accounts.items()
        if account.api_key is not None
    }


def _signer(name: str, account: Account) -> RequestSigner | None:
    if account.private_key is None:
        return None
    key = _load(f"accounts.{name}.private_key", account.private_key, load_private_key)
    return RequestSigner(key)


def _open_outlet(name: str, settings: Settings) -> Outlet:
    return Outlet(open_sink(name, settings.sinks[name]), scale=settings.poll.scale)


def tuned_rules(settings: Settings) -> dict[str, Tuned]:
    """What settings say over the rules; raises Misconfigured with the key that makes no sense."""
    tuned = {code: Tuned(**one.model_dump()) for code, one in settings.reconcile.rules.items()}
    for code, one in tuned.items():
        if found := problem(code, one):
            key, sentence = found
            raise Misconfigured(".".join(filter(None, ("reconcile.rules", code, key))), sentence)
    return tuned


def terms_of(settings: Settings, epoch: str) -> Terms:
    """What every verb needs to know of the settings."""
    return Terms(
        sinks={name: filter_of(sink) for name, sink in settings.sinks.items()},
        epoch=epoch,
        scale=settings.poll.scale,
        grace_seconds=settings.reconcile.grace_seconds,
        rules=tuned_rules(settings),
        accounts={
            name: AccountTerms(
                account.livemode,
                frozenset(account.apps),
                {"deposit": (account.deposit_path,) if account.deposit_path else ()},
            )
            for name, account in settings.accounts.items()
        },
    )


def closing_terms_of(settings: Settings) -> ClosingTerms:
    """When business days close."""
    known = readings(settings.statements)

    def source(name: str) -> Source:
        own = settings.statements.get(name)
        return Source(name, own.account if own else None, known[name])

    wanted = tuple(source(name) for name in settings.closing.statements)
    return ClosingTerms(settings.zone, settings.closing.hour, wanted, settings.closing.runs)


def _heartbeat(settings: Settings) -> Heartbeat | None:
    url = settings.heartbeat.url
    return Heartbeat(url.get_secret_value(), fails=settings.heartbeat.fails) if url else None


def check_people(settings: Settings) -> None:
    """A channel that is for what nothing is called would hear nothing, and nobody would know."""
    for name, people in settings.people.items():
        for code in people.rules:
            if not any(code in known for known in (BY_CODE, ALERTS, NOTICES)):
                sentence = f"{code} is no rule, alert or cause of a notice"
                raise Misconfigured(f"people.{name}.rules", sentence)


def listener_of(settings: Settings, channel: Channel) -> Listener:
    """On which terms a channel hears."""
    people = settings.people[channel.name]
    scope = Scope(frozenset(people.severities), frozenset(people.rules), frozenset(people.accounts))
    return Listener(
        channel.name,
        scope,
        language=people.language,
        zone=settings.zone,
        quiet=people.quiet_spans,
        remind=timedelta(minutes=people.remind_minutes),
        escalate_to=people.escalate_to,
        escalate_after=timedelta(minutes=people.escalate_minutes),
        digest_at=people.digest_at,
        link=people.link,
        limit_bytes=channel.limit_bytes,
        has_incidents=channel.has_incidents,
        scale=settings.poll.scale,
    )


def _subscription(name: str, settings: Settings) -> Subscription:
    sink = settings.sinks[name]
    return Subscription(name, filter_of(sink), sink.start != "now", sink.starts_at)


def filter_of(sink: SinkSettings) -> Filter:
    """Which messages a sink is for."""
    return Filter(
        frozenset(sink.accounts),
        frozenset(sink.kinds),
        frozenset(sink.statuses),
        frozenset(sink.severities),
    )


def lifetime_of(settings: Settings) -> Lifetime:
    """How long somebody stays signed in."""
    console = settings.console
    return Lifetime(timedelta(minutes=console.idle_minutes), timedelta(hours=console.session_hours))


def new_replica(runtime: Runtime, role: str, address: str | None) -> Replica:
    """This process, under a name that no other has."""
    name = f"{socket.gethostname()[:100]}-{os.getpid()}-{secrets.token_hex(3)}"
    now = runtime.clock()
    return Replica(name, role, address, secrets.token_hex(32), now, now)
