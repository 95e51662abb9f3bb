"""What is looked at to say whether everything is well? None of the checks stops the next."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import random
from typing import Any

import httpx2

from service.core.errors import Misconfigured, TryLater
from service.ledger import audit, closings, journal, slots
from service.ledger.clock import LedgerClock
from service.ledger.durability import durability, is_whole
from service.ledger.engine import Ledger, open_ledger
from service.ledger.gauges import Gauges, read_gauges
from service.ledger.journal import Span
from service.ledger.migrations import check, revision
from service.ledger.slots import Replica
from service.pingpp.answers import NotThere, Rejected, Unanswered
from service.pingpp.client import Client
from service.pingpp.signature import KeyRing
from service.runtime import (
    check_people,
    clients_of,
    closing_terms_of,
    load_rings,
    prepare_data_dir,
    terms_of,
    tuned_rules,
)
from service.settings import Settings
from service.web.app import REFUSALS_PATH, TOKEN_HEADER
from service.work.close import overdue, still_open
from service.work.vigil import CLOSING_LATE

SKEW_LIMIT = timedelta(seconds=30)
INBOX_AGE_LIMIT_SECONDS = 60
OUTBOX_AGE_LIMIT_SECONDS = 300
SILENT = timedelta(minutes=2)
FETCH_SECONDS = 3.0
REFUSALS_SHOWN = 5
PENDING_SHOWN = 3
# A question that any key may ask: its answer shows the key, the signature and the clock.
PROBE = "/v1/charges?limit=1"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: good, note (worth knowing) or bad; figures are for programs."""

    level: str
    subject: str
    text: str
    figures: Mapping[str, Any] = field(default_factory=dict[str, Any])


def examine(settings: Settings) -> Iterator[Check]:
    """Everything, in the order in which a person would look."""
    rings: dict[str, KeyRing] = {}
    try:
        rings = load_rings(settings)
    except Misconfigured as error:
        yield Check("bad", "keys", str(error))
    try:
        tuned_rules(settings)
    except Misconfigured as error:
        yield Check("bad", "rules", str(error))
    try:
        check_people(settings)
    except Misconfigured as error:
        yield Check("bad", "people", str(error))
    yield from _accounts(settings, rings)
    yield from _secrets(settings)
    try:
        prepare_data_dir(settings)
        with closing(open_ledger(settings.database_url)) as ledger:
            yield from _ledger(ledger)
            yield from _work(ledger)
            yield from _days(ledger, settings)
    except (TryLater, Misconfigured) as error:
        yield Check("bad", "ledger", str(error))
    yield from _provider(settings, rings)


def _accounts(settings: Settings, rings: Mapping[str, KeyRing]) -> Iterator[Check]:
    if not settings.accounts:
        yield Check("note", "accounts", "there is none")
    for name, account in settings.accounts.items():
        subject = f"accounts.{name}"
        ring = rings.get(name)
        if ring is None:
            yield Check("bad", subject, "has no usable public key: nothing can be received")
            continue
        signs = "signed" if account.private_key else "unsigned"
        asks = (
            f"asks {account.api_base}, {signs}" if account.api_key else "asks nothing: no api_key"
        )
        mode = "live" if account.livemode else "test"
        text = f"{mode} mode, {asks}; keys {', '.join(ring.fingerprints)}"
        figures = {"fingerprints": ring.fingerprints, "livemode": account.livemode}
        yield Check("good", subject, text, figures)


def _secrets(settings: Settings) -> Iterator[Check]:
    """Files that only this user should be able to read, as far as the system says so."""
    files = {"database.url_file": settings.database.url_file}
    for name, account in settings.accounts.items():
        files[f"accounts.{name}.api_key_file"] = account.api_key_file
        files[f"accounts.{name}.private_key"] = account.private_key
    for name, sink in settings.sinks.items():
        for key, path in sink:
            if key.endswith("_file") and key != "ca_file":
                files[f"sinks.{name}.{key}"] = path
    for key, path in files.items():
        if path is not None and path.exists() and path.stat().st_mode & 0o077:
            yield Check("note", key, f"others may read {path}: chmod 600")


def _ledger(ledger: Ledger) -> Iterator[Check]:
    for name, value, good in durability(ledger):
        text = f"{name} is {value}" + ("" if good else ": what was acknowledged may be lost")
        yield Check("good" if good else "bad", f"ledger.{ledger.dialect}", text, {name: value})
    damage = is_whole(ledger)
    if damage != "ok":
        yield Check("bad", "ledger.file", f"it is damaged: {damage}")
    check(ledger)
    with ledger.read() as connection:
        yield Check("good", "ledger.tables", f"at revision {revision(connection)}")
    with ledger.read() as connection:
        trial = journal.trial(journal.balances(connection, Span()))
    for one in trial:
        level = "good" if one.debit == one.credit else "bad"
        text = f"{one.currency}: debit {one.debit:,}, credit {one.credit:,}"
        yield Check(level, "ledger.books", text)
    changed = list(islice(audit.broken(ledger), REFUSALS_SHOWN))
    if changed:
        numbers = ", ".join(map(str, changed))
        yield Check("bad", "ledger.audit", f"lines were changed or taken away, at {numbers}")
    skew = LedgerClock(ledger)() - datetime.now(UTC)  # noqa: TID251  this host's clock is the question
    yield _skew("ledger.clock", "the ledger's clock", skew)


def _skew(subject: str, whose: str, skew: timedelta) -> Check:
    seconds = round(skew.total_seconds(), 1)
    level = "bad" if abs(skew) > SKEW_LIMIT else "good"
    return Check(level, subject, f"{whose} is {seconds:+} s from ours", {"seconds": seconds})


def _work(ledger: Ledger) -> Iterator[Check]:
    now = ledger.now()
    with ledger.read() as connection:
        gauges = read_gauges(connection, now=now)
        replicas = slots.running(connection, since=now - SILENT)
        firings = slots.latest_slots(connection)
    yield from _backlogs(gauges)
    for firing in firings:
        outcome = firing.outcome or "running, or its holder died"
        level = "bad" if firing.outcome == "failed" else "good"
        text = f"last at {firing.slot_at.isoformat(timespec='seconds')}: {outcome}"
        yield Check(level, f"jobs.{firing.job}", text)
    if not replicas:
        yield Check("note", "replicas", "no process runs on this ledger")
    for replica in replicas:
        yield from _replica(replica)


def _backlogs(gauges: Gauges) -> Iterator[Check]:
    age = round(gauges.inbox_oldest_seconds)
    level = "bad" if age > INBOX_AGE_LIMIT_SECONDS else "good"
    yield Check(level, "inbox", f"{gauges.inbox_waiting:,} deliveries wait, the oldest {age} s")
    if count := sum(gauges.quarantined.values()):
        text = f"{count:,} deliveries were not understood: deliveries --state quarantined"
        yield Check("bad", "quarantine", text)
    yield Check("good", "watches", f"{gauges.watches_overdue:,} objects wait to be asked for")
    for sink, count in sorted(gauges.outbox_waiting.items()):
        age = round(gauges.outbox_oldest_seconds.get(sink, 0))
        level = "bad" if age > OUTBOX_AGE_LIMIT_SECONDS else "good"
        yield Check(level, f"sinks.{sink}", f"{count:,} messages wait, the oldest {age} s")
    for sink, count in sorted(gauges.dead_letters.items()):
        if count:
            text = f"{count:,} dead letters: dead-letters list --sink {sink}"
            yield Check("bad", f"sinks.{sink}", text)
    for (rule, _), count in sorted(gauges.mismatches.counts.items()):
        yield Check(
            "note", f"rules.{rule}", f"{count:,} objects do not agree: mismatches --rule {rule}"
        )


def _days(ledger: Ledger, settings: Settings) -> Iterator[Check]:
    """Which business days could be closed and are not, and what keeps the first of them open."""
    rules, now = closing_terms_of(settings), ledger.now()
    late = overdue(ledger, rules, now)
    if late is None:
        last = closings.last_day(ledger)
        text = f"no day is due; the last closed one is {last or 'none'}"
        if not (last or settings.closing.runs):
            text = "closing.runs is false, and no day was ever closed: none is waited for"
        yield Check("good", "closing", text)
        return
    count, named = still_open(ledger, late.first, rules, terms_of(settings, ""), now)
    since = late.since.isoformat(timespec="minutes")
    more = f", and {late.days - 1:,} after it" if late.days > 1 else ""
    why = ", ".join(" ".join(filter(None, astuple(one))) for one in named[:PENDING_SHOWN])
    closes = "the job close will" if settings.closing.runs else "a person closes it"
    text = (
        f"{late.first} could be closed since {since} and is not{more}: "
        + (f"{count:,} open: {why}" if count else f"nothing of it is open, {closes}")
        + f"; pingledger close {late.first}"
    )
    level = "bad" if now - late.since > CLOSING_LATE else "note"
    figures = {"day": str(late.first), "days": late.days, "open": count}
    yield Check(level, "closing", text, figures)


def _replica(replica: Replica) -> Iterator[Check]:
    """Whether a process answers, and what it refused of late."""
    subject = f"replicas.{replica.name}"
    if replica.address is None:
        yield Check("good", subject, f"{replica.role} runs, without an address")
        return
    try:
        with httpx2.Client(
            base_url=replica.address, timeout=FETCH_SECONDS, trust_env=False
        ) as http:
            ready = http.get("/health/ready")
            refused = http.get(REFUSALS_PATH, headers={TOKEN_HEADER: replica.token})
    except httpx2.HTTPError as error:
        text = (
            f"{replica.role} ticks, and {replica.address} does not answer: {type(error).__name__}"
        )
        yield Check("bad", subject, text)
        return
    level = "good" if ready.is_success else "bad"
    yield Check(level, subject, f"{replica.role} at {replica.address} is {ready.text.strip()}")
    if refused.is_success:
        yield from _refusals(subject, refused.json())


def _refusals(subject: str, sample: list[dict[str, Any]]) -> Iterator[Check]:
    """The newest few in words; programs get all of them."""
    for place, one in enumerate(reversed(sample)):
        text = (
            f"refused at {one['at']} for {one['account']} from {one['peer'] or 'somewhere'}:"
            f" {one['reason']}; signature {one['signature'][:24] or 'none'}…"
            f" body {one['body'][:120]}"
        )
        if place < REFUSALS_SHOWN:
            yield Check("note", f"{subject}.refused", text, {"refusal": one})


def _provider(settings: Settings, rings: Mapping[str, KeyRing]) -> Iterator[Check]:
    """One question per account: is Ping++ there, does it take our key, what time is it there?"""
    try:
        clients = clients_of(settings, rings, clock=_host_clock, chance=random)
    except Misconfigured as error:
        yield Check("bad", "keys", str(error))
        return
    for name, client in clients.items():
        with closing(client):
            yield from _ask(f"accounts.{name}", client)


def _ask(subject: str, client: Client) -> Iterator[Check]:
    try:
        client.get(PROBE)
        yield Check("good", subject, "Ping++ answers")
    except NotThere:
        yield Check("good", subject, "Ping++ answers")
    except Rejected as error:
        level = "good" if error.word == "http_4xx" else "bad"
        yield Check(level, subject, f"Ping++ answers: {error.word}")
    except Unanswered as error:
        yield Check("bad", subject, f"Ping++ does not answer our question: {error.word}")
    if client.skew is not None:
        yield _skew(subject, "Ping++'s clock", client.skew)


def _host_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  this host's clock is what is to be judged
