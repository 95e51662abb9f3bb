"""Which settings there are, with their defaults, units and ranges."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from service.core.kinds.deposit import DEPOSIT
from service.settings.console import Console
from service.settings.people import People, check_address
from service.settings.reports import Mail, Report
from service.settings.sinks import Sink
from service.settings.statements import Statement, readings
from service.settings.table import Secret, Table, wrong
from service.settings.values import (
    PRIVATE_NETWORKS,
    FilePath,
    FilePaths,
    Flag,
    Name,
    Real,
    Whole,
    Words,
    check_api_base,
    check_deposit_path,
    check_endpoint,
    check_proxies,
    check_zone,
)

LEDGER_FILE = "pingledger.db"
KEY_FILE = "pingledger.key"


class Database(Table):
    """url: sqlite:////absolute/path or postgresql://…; none: an SQLite file in data_dir."""

    url: SecretStr | None = None
    url_file: FilePath | None = None


class Listen(Table):
    """Where the receiver and the probes are; port 0 takes a free one.

    inside: from where the metrics may be read, and which word of reason readiness gives.
    """

    host: str = "127.0.0.1"
    port: Whole = Field(default=8080, ge=0, le=65_535)
    trusted_proxies: Annotated[Words, AfterValidator(check_proxies)] = ()
    inside: Annotated[Words, AfterValidator(check_proxies)] = PRIVATE_NETWORKS


class Account(Table):
    """One Ping++ merchant account.

    public_keys: files of Ping++'s public keys; any of them may have signed a delivery.
    private_key: file of the merchant's own key; requests are signed when it is there.
    apps: whose objects belong here; none listed: any. Without an api_key nothing is asked.
    auth: how the key is sent, as a bearer's token or as the user of basic authentication.
    """

    public_keys: FilePaths = ()
    api_key: Secret | None = None
    api_key_file: FilePath | None = None
    private_key: FilePath | None = None
    apps: Words = ()
    livemode: Flag = True
    api_base: Annotated[str, AfterValidator(check_api_base)] = "https://api.pingxx.com"
    auth: Literal["bearer", "basic"] = "bearer"
    # no GET of a deposit is documented; empty: none is asked for, and a person is told
    deposit_path: Annotated[str, AfterValidator(check_deposit_path)] = DEPOSIT.paths[0]
    # requests a second, and at once
    rate: Real = Field(default=10.0, ge=0.1, le=100)
    concurrency: Whole = Field(default=4, ge=1, le=8)

    @model_validator(mode="after")
    def _check_mode(self) -> "Account":
        key = self.api_key.get_secret_value() if self.api_key else ""
        if key.startswith("sk_test_") and self.livemode:
            raise wrong("api_key", "is a test key, and livemode is true")
        if key.startswith("sk_live_") and not self.livemode:
            raise wrong("api_key", "is a live key, and livemode is false")
        return self


class Receiver(Table):
    """What the receiver grants its peers; see service.web for what each limit does."""

    body_bytes: Whole = Field(default=1024 * 1024, ge=1024, le=16 * 1024 * 1024)
    connections: Whole = Field(default=1_000, ge=1, le=60_000)
    header_seconds: Real = Field(default=5.0, ge=1, le=60)
    request_seconds: Real = Field(default=15.0, ge=1, le=300)
    # how long a stopping process still takes requests, for balancers to notice
    linger_seconds: Real = Field(default=3.0, ge=0, le=10)


class Poll(Table):
    """scale divides every interval between looks: 1 in production, more in rehearsals."""

    scale: Real = Field(default=1.0, ge=0.001, le=100_000)


class RuleSettings(Table):
    """One rule's. enabled: what it found settles while it is off. tolerance: minor units."""

    enabled: Flag = True
    tolerance: Whole = Field(default=0, ge=0, le=1_000_000_000)
    grace_seconds: Real | None = Field(default=None, ge=0, le=31_536_000)
    severity: Literal["info", "warning", "critical"] | None = None


class Reconcile(Table):
    """grace_seconds: how long a sum may be out of balance before it is told.

    rules: by code, what is said over a rule; which rules there are, the runtime knows.
    """

    grace_seconds: Real = Field(default=60.0, ge=0, le=86_400)
    rules: Mapping[str, RuleSettings] = Field(default_factory=dict[str, RuleSettings])


class Radar(Table):
    """target: the share of an hour's objects, delivered as due, below which it is told."""

    target: Real = Field(default=0.99, ge=0, le=1)


class Closing(Table):
    """runs: whether days close by themselves, from `hour` of the next day on.

    statements: sources of which a statement must cover a day before it closes.
    """

    runs: Flag = True
    hour: Whole = Field(default=6, ge=0, le=23)
    statements: Words = ()


class Heartbeat(Table):
    """url: pinged while all is well, for an outside watcher. fails: say too when it is not."""

    url: Annotated[Secret, AfterValidator(check_address)] | None = None
    url_file: FilePath | None = None
    fails: Flag = True


class Jobs(Table):
    """How often each job fires, in seconds; see service.scheduler.jobs for what each does."""

    drain_seconds: Real = Field(default=0.5, ge=0.05, le=60)
    poll_seconds: Real = Field(default=1.0, ge=0.05, le=60)
    publish_seconds: Real = Field(default=0.5, ge=0.05, le=60)
    people_seconds: Real = Field(default=5.0, ge=0.05, le=600)
    alerts_seconds: Real = Field(default=60.0, ge=0.1, le=3_600)
    heartbeat_seconds: Real = Field(default=60.0, ge=1, le=3_600)
    suspects_seconds: Real = Field(default=5.0, ge=0.1, le=3_600)
    reconcile_seconds: Real = Field(default=3_600.0, ge=1, le=86_400)
    backfill_seconds: Real = Field(default=3_600.0, ge=1, le=86_400)
    radar_seconds: Real = Field(default=3_600.0, ge=1, le=86_400)
    reports_seconds: Real = Field(default=60.0, ge=1, le=3_600)
    close_seconds: Real = Field(default=600.0, ge=1, le=86_400)
    count_seconds: Real = Field(default=60.0, ge=0.1, le=3_600)
    card_seconds: Real = Field(default=3_600.0, ge=1, le=86_400)
    prune_seconds: Real = Field(default=3_600.0, ge=60, le=86_400)


class Vault(Table):
    """keys: files of the keys that personal data is sealed with; the first seals, all open.

    None: the file pingledger.key in data_dir, which `up` makes beside a ledger it makes.
    """

    keys: FilePaths = ()


class Log(Table):
    """auto: JSON lines, or readable ones on a terminal."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Traces(Table):
    """endpoint: a collector's base, OTLP over HTTP; none: no traces. share: of all traces."""

    endpoint: Annotated[str, AfterValidator(check_endpoint)] | None = None
    share: Real = Field(default=1.0, ge=0, le=1)


class Settings(Table):
    """Everything. data_dir: what this process may write; made when it is missing."""

    data_dir: FilePath
    # where the merchant's day begins and ends
    zone: Annotated[str, AfterValidator(check_zone)] = "Asia/Shanghai"
    database: Database = Database()
    listen: Listen = Listen()
    console: Console = Console()
    accounts: Mapping[Name, Account] = Field(default_factory=dict[str, Account])
    sinks: Mapping[Name, Sink] = Field(default_factory=dict[str, Sink])
    people: Mapping[Name, People] = Field(default_factory=dict[str, People])
    statements: Mapping[Name, Statement] = Field(default_factory=dict[str, Statement])
    reports: Mapping[Name, Report] = Field(default_factory=dict[str, Report])
    mail: Mail = Mail()
    receiver: Receiver = Receiver()
    poll: Poll = Poll()
    reconcile: Reconcile = Reconcile()
    radar: Radar = Radar()
    closing: Closing = Closing()
    heartbeat: Heartbeat = Heartbeat()
    jobs: Jobs = Jobs()
    vault: Vault = Vault()
    log: Log = Log()
    traces: Traces = Traces()

    @model_validator(mode="after")
    def _check_closing(self) -> "Settings":
        known = readings(self.statements)
        for name in self.closing.statements:
            if name not in known:
                sentence = f"{name} is no source of statements: {', '.join(known)}"
                raise wrong("closing.statements", sentence)
        return self

    @model_validator(mode="after")
    def _check_escalation(self) -> "Settings":
        for name, one in self.people.items():
            if one.escalate_to is not None and one.escalate_to not in self.people:
                raise wrong("people", f"{name}.escalate_to should name another of the channels")
            if one.escalate_to == name:
                raise wrong("people", f"{name}.escalate_to should name another channel than itself")
        return self

    @model_validator(mode="after")
    def _check_accounts(self) -> "Settings":
        """Whoever is for an account that there is not would hear nothing, and nobody would know."""
        tables = {"sinks": self.sinks, "people": self.people}
        for table, ones in tables.items():
            for name, one in ones.items():
                for account in one.accounts:
                    if account not in self.accounts:
                        raise wrong(f"{table}.{name}.accounts", f"there is no account {account}")
        return self

    @model_validator(mode="after")
    def _check_mail(self) -> "Settings":
        for name, report in self.reports.items():
            if report.mail and self.mail.url is None:
                raise wrong(f"reports.{name}.mail", "needs mail.url: the server that mails go to")
        return self

    @property
    def database_url(self) -> str:
        """Where the ledger is; holds a password, so never show it."""
        if self.database.url is not None:
            return self.database.url.get_secret_value()
        return f"sqlite:///{self.data_dir / LEDGER_FILE}"

    @property
    def key_files(self) -> tuple[Path, ...]:
        """Where the vault's keys are; the default may not be there yet."""
        return self.vault.keys or (self.data_dir / KEY_FILE,)

    @property
    def is_embedded(self) -> bool:
        """Whether the ledger is the default file, which nobody but us makes."""
        return self.database.url is None
