"""What is this process told to do: the one frozen object that file and environment add up to."""

from service.settings.console import Console, Oidc
from service.settings.load import CONFIG_VARIABLE, load
from service.settings.model import (
    Account,
    Closing,
    Database,
    Jobs,
    Listen,
    Log,
    Poll,
    Radar,
    Receiver,
    Reconcile,
    Settings,
    Vault,
)
from service.settings.people import People
from service.settings.sinks import (
    AmqpSink,
    JsonlSink,
    KafkaSink,
    NatsSink,
    RedisSink,
    Sink,
    WebhookSink,
)

__all__ = [
    "CONFIG_VARIABLE",
    "Account",
    "AmqpSink",
    "Closing",
    "Console",
    "Database",
    "Jobs",
    "JsonlSink",
    "KafkaSink",
    "Listen",
    "Log",
    "NatsSink",
    "Oidc",
    "People",
    "Poll",
    "Radar",
    "Receiver",
    "Reconcile",
    "RedisSink",
    "Settings",
    "Sink",
    "Vault",
    "WebhookSink",
    "load",
]
