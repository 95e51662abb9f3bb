"""How messages get into a Redis stream: XADD in one transaction, and what Redis promises then.

An entry has `id` (the message's, to dedupe by) and `event` (its bytes). A call is one MULTI … EXEC,
so that all of its messages are in the stream or none is. An answer means as much as the server's
`appendfsync` does: at the first connection a server that may forget what it took is told of.
"""

import ssl
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from service.core.errors import Misconfigured
from service.core.messages import Message
from service.outbound.extra import load_extra
from service.outbound.sink import Later, Receipt, Sent
from service.telemetry import logger

AT_ONCE = 500
CALL_SECONDS = 10.0
CONNECT_SECONDS = 5.0
REPLICA_MILLISECONDS = 5_000
# what a server says of its own state, not of the message
_BUSY = ("LOADING", "BUSY", "CLUSTERDOWN", "MASTERDOWN", "READONLY", "TRYAGAIN", "OOM", "MISCONF")

_log = logger("outbound")


class RedisStream:
    """Adds to the stream `stream`, trimmed to about `maxlen` entries (None: never).

    replicas: how many must have a call's messages before it counts (WAIT). Raises Misconfigured
    for a URL that will never do, or without the library.
    """

    at_once = AT_ONCE
    one_by_one = False
    workers = 1

    def __init__(
        self,
        name: str,
        url: str,
        stream: str,
        *,
        maxlen: int | None = None,
        replicas: int = 0,
        ca_file: Path | None = None,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self.name = name
        self._library = load_extra("redis", "redis", name)
        self._stream, self._maxlen, self._replicas = stream, maxlen, replicas
        self._told = False
        trust: dict[str, Any] = {}
        if url.startswith("rediss://"):
            trust = {"ssl_min_version": ssl.TLSVersion.TLSv1_2, "ssl_cert_reqs": "required"}
            trust |= {"ssl_ca_certs": str(ca_file)} if ca_file else {}
        try:
            # nothing is retried below us: a resend is ours to decide
            self._client: Any = self._library.Redis.from_url(
                url,
                socket_timeout=call_seconds,
                decode_responses=True,
                socket_connect_timeout=CONNECT_SECONDS,
                retry=None,
                **trust,
            )
        except ValueError:
            raise Misconfigured(f"sinks.{name}.url", "is not a Redis URL") from None

    def send(self, messages: Sequence[Message], *, now: datetime) -> Receipt:
        """Add all of them or none, and wait for the server's word on it."""
        del now
        errors = self._library.exceptions
        try:
            return self._add(messages)
        except (errors.AuthenticationError, errors.NoPermissionError):
            return Later("refused", away=True)
        except errors.TimeoutError:
            return Later("timeout", away=True)
        except errors.ConnectionError:
            return Later("connect", away=True)
        except errors.ResponseError as error:
            busy = next((word for word in _BUSY if str(error).startswith(word)), None)
            return Later(busy.lower() if busy else "response", away=busy is not None)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _add(self, messages: Sequence[Message]) -> Receipt:
        if not self._told:
            self._tell_durability()
        with self._client.pipeline(transaction=True) as calls:
            for message in messages:
                entry = {"id": message.message_id, "event": message.body}
                calls.xadd(self._stream, entry, maxlen=self._maxlen, approximate=True)
            calls.execute()
        if self._replicas:
            reached = self._client.execute_command("WAIT", self._replicas, REPLICA_MILLISECONDS)
            if int(reached) < self._replicas:
                return Later("replicas", away=True)
        return Sent()

    def _tell_durability(self) -> None:
        """Say once when the server's own settings let it forget what it has confirmed."""
        try:
            kept: dict[str, str] = self._client.config_get("append*")
        except self._library.exceptions.ResponseError:
            kept = {}  # hosted servers hide their settings
        self._told = True
        found = (kept.get("appendonly", "unknown"), kept.get("appendfsync", "unknown"))
        if found != ("yes", "always"):
            _log.warning(
                "redis.may_forget", sink=self.name, appendonly=found[0], appendfsync=found[1]
            )
