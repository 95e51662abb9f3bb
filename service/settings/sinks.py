"""Which sinks can be set up, and with what?"""

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from service.settings.table import Secret, Table, wrong
from service.settings.values import (
    FilePath,
    Flag,
    Real,
    Whole,
    Words,
    check_brokers,
    check_kinds,
    check_severities,
    check_start,
    check_subject,
    check_webhook_secret,
    check_webhook_url,
    is_loopback,
)

Start = Annotated[str, AfterValidator(check_start)]


class SinkTable(Table):
    """What every sink has: which messages it is for, and from when on.

    accounts, kinds, statuses, severities: none listed takes all; each judges only messages that
    have such a thing. start: now, beginning or a time, for a sink that is new to the ledger.
    """

    accounts: Words = ()
    kinds: Annotated[Words, AfterValidator(check_kinds)] = ()
    statuses: Words = ()
    severities: Annotated[Words, AfterValidator(check_severities)] = ()
    start: Start = "now"

    @property
    def starts_at(self) -> datetime | None:
        """The time that `start` names, if it does."""
        return None if self.start in ("now", "beginning") else datetime.fromisoformat(self.start)


class JsonlSink(SinkTable):
    """Messages appended to a file, one JSON document a line.

    rotate_bytes, rotate_hours: when the file is put aside under a name with the time (0: never).
    keep: how many of those stay (0: all).
    """

    type: Literal["jsonl"]
    path: FilePath
    rotate_bytes: Whole = Field(default=0, ge=0, le=2**40)
    rotate_hours: Whole = Field(default=0, ge=0, le=24 * 31)
    keep: Whole = Field(default=0, ge=0, le=10_000)


class WebhookSink(SinkTable):
    """Messages posted to a URL, signed by Standard Webhooks."""

    type: Literal["webhook"]
    url: Annotated[str, Field(max_length=2_048), AfterValidator(check_webhook_url)]
    secret: Annotated[Secret, AfterValidator(check_webhook_secret)]
    secret_file: FilePath | None = None
    # signs too while receivers change over to a new secret
    old_secret: Annotated[Secret, AfterValidator(check_webhook_secret)] | None = None
    old_secret_file: FilePath | None = None
    timeout_seconds: Real = Field(default=10.0, ge=1, le=60)
    # requests at once
    concurrency: Whole = Field(default=4, ge=1, le=4)
    ca_file: FilePath | None = None
    # plain http to this machine itself: for tests and for a proxy beside us
    allow_loopback_http: Flag = False

    @model_validator(mode="after")
    def _check_scheme(self) -> "WebhookSink":
        if self.url.startswith("http://"):
            host = urlsplit(self.url).hostname or ""
            if not (self.allow_loopback_http and is_loopback(host)):
                raise wrong("url", "should begin with https://")
        return self


class RedisSink(SinkTable):
    """Messages added to a Redis stream. maxlen: about so many stay (0: all).

    replicas: how many must have a message before it counts as sent.
    """

    type: Literal["redis"]
    url: Secret
    url_file: FilePath | None = None
    stream: str = Field(default="pingledger", min_length=1, max_length=200)
    maxlen: Whole = Field(default=1_000_000, ge=0, le=2**40)
    replicas: Whole = Field(default=0, ge=0, le=16)
    ca_file: FilePath | None = None


class NatsSink(SinkTable):
    """Messages published to NATS JetStream, each below `subject`. url: several by commas."""

    type: Literal["nats"]
    url: Secret
    url_file: FilePath | None = None
    subject: Annotated[str, Field(max_length=200), AfterValidator(check_subject)] = "pingledger"
    credentials: FilePath | None = None
    ca_file: FilePath | None = None


class AmqpSink(SinkTable):
    """Messages published to RabbitMQ. routing_key: empty is the message's type.

    exchange: empty leads straight to the queue that routing_key names.
    """

    type: Literal["amqp"]
    url: Secret
    url_file: FilePath | None = None
    exchange: str = Field(default="", max_length=255)
    routing_key: str = Field(default="", max_length=255)
    ca_file: FilePath | None = None

    @model_validator(mode="after")
    def _check_route(self) -> "AmqpSink":
        if not self.exchange and not self.routing_key:
            raise wrong("routing_key", "is missing: without an exchange it names the queue")
        return self


class KafkaSink(SinkTable):
    """Messages produced to a Kafka topic. username: SASL, in SCRAM unless mechanism says other."""

    type: Literal["kafka"]
    brokers: Annotated[str, Field(max_length=2_000), AfterValidator(check_brokers)]
    topic: str = Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")
    tls: Flag = True
    ca_file: FilePath | None = None
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str = Field(default="", max_length=200)
    password: Secret | None = None
    password_file: FilePath | None = None


Sink = Annotated[
    JsonlSink | WebhookSink | RedisSink | NatsSink | AmqpSink | KafkaSink,
    Field(discriminator="type"),
]
