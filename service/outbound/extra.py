"""Is the client library there that a sink needs? Each is an extra, so that nobody installs all."""

from importlib import import_module
from typing import Any

from service.core.errors import Misconfigured


def load_extra(module: str, extra: str, sink: str) -> Any:
    """Import a library when a sink is configured that needs it; else say how it is had."""
    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise Misconfigured(
            f"sinks.{sink}.type",
            f"needs a library that is not installed: pip install 'pingledger[{extra}]'",
        ) from None
