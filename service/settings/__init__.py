"""What is this process told to do: the one frozen object that file and environment add up to."""

from service.settings.load import CONFIG_VARIABLE, load
from service.settings.model import (
    Account,
    Database,
    Jobs,
    JsonlSink,
    Listen,
    Log,
    Poll,
    Receiver,
    Reconcile,
    Settings,
    Sink,
    Vault,
    WebhookSink,
)

__all__ = [
    "CONFIG_VARIABLE",
    "Account",
    "Database",
    "Jobs",
    "JsonlSink",
    "Listen",
    "Log",
    "Poll",
    "Receiver",
    "Reconcile",
    "Settings",
    "Sink",
    "Vault",
    "WebhookSink",
    "load",
]
