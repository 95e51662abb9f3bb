"""How messages get to a URL: one signed POST each, and what its answer means.

Signed by Standard Webhooks, so that a receiver can use any of its libraries; the body is the
message's bytes, a CloudEvents 1.0 document. Only a whole head with 2xx confirms a message.
"""

import base64
import ssl
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpcore2
import httpx2
from standardwebhooks import Webhook as Signer

from service.core.errors import Misconfigured
from service.core.messages import Message
from service.outbound.address import Resolve, Target, check_url, resolve
from service.outbound.pinned import Pinned, attempt
from service.outbound.sink import CONTENT_TYPE, Answer, Dead, Later, Receipt, Sent

REQUEST_SECONDS = 15.0
ANSWER_BYTES = 64 * 1024
RETRY_AFTER_LIMIT = timedelta(hours=1)
WORKERS = 4
KEEPALIVE_SECONDS = 5.0
SECRET_BYTES = 24

GONE = 410
ASKS_FOR_TIME = (429, 503)


class Webhook:
    """Posts to one URL. Raises Misconfigured for a URL, secret or CA file that will never do.

    secrets: "whsec_" and base64 each; more than one while they are rotated. ports: allowed besides
    443 and 8443. loopback: this machine itself is allowed, in plain http too.
    """

    at_once = 1
    one_by_one = False

    def __init__(
        self,
        name: str,
        url: str,
        secrets: Sequence[str],
        *,
        request_seconds: float = REQUEST_SECONDS,
        ports: Collection[int] = (),
        loopback: bool = False,
        ca_file: Path | None = None,
        workers: int = WORKERS,
        ask: Resolve = resolve,
    ) -> None:
        self.name = name
        self.workers = workers
        self._target = _target(name, url, ports, loopback=loopback)
        self._signers = [_signer(name, secret) for secret in secrets]
        if not self._signers:
            raise Misconfigured(f"sinks.{name}.secret", "is missing")
        self._request_seconds = request_seconds
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_trust(name, ca_file),
            max_connections=workers,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=Pinned(here=self._target.here, ask=ask),
        )

    def send(self, messages: Sequence[Message], *, now: datetime) -> Receipt:
        """Post the one message and read the answer's head, in `request_seconds` at most."""
        (message,) = messages
        return attempt(self._request_seconds, lambda: self._post(message, now))

    def close(self) -> None:
        """Close what is kept alive."""
        self._pool.close()

    def _post(self, message: Message, now: datetime) -> Receipt:
        headers = self.headers(message, now)
        with self._pool.stream(
            "POST",
            self._target.url,
            headers=headers,
            content=message.body,
            extensions={"timeout": {"pool": self._request_seconds}},
        ) as answer:
            receipt = _receipt(answer.status, dict(answer.headers), now)
            # read only so that the connection can be used again; the head has decided
            with suppress(
                httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError
            ):
                _skim(answer)
        return receipt

    def headers(self, message: Message, now: datetime) -> dict[bytes | str, bytes | str]:
        """What is signed, and by what: the same id on each attempt, the attempt's own time."""
        # the library takes the clock's figures without converting: any zone but UTC signs wrongly
        at = now.astimezone(UTC).replace(microsecond=0)
        body = message.body.decode()
        signed = [signer.sign(message.message_id, at, body) for signer in self._signers]
        return {
            "content-type": CONTENT_TYPE,
            "user-agent": "pingledger",
            "accept-encoding": "identity",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signed),
        }


def _target(name: str, url: str, ports: Collection[int], *, loopback: bool) -> Target:
    try:
        return check_url(url, ports=ports, loopback=loopback)
    except ValueError as error:
        raise Misconfigured(f"sinks.{name}.url", str(error)) from None


def _signer(name: str, secret: str) -> Signer:
    """Decode the secret strictly: the library itself skips whatever is not base64."""
    prefix, _, encoded = secret.partition("_")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        key = b""
    if prefix != "whsec" or len(key) < SECRET_BYTES:
        raise Misconfigured(
            f"sinks.{name}.secret", f"should be whsec_ and base64 of {SECRET_BYTES} bytes or more"
        )
    return Signer(key)


def _trust(name: str, ca_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer; neither SSLKEYLOGFILE nor SSL_CERT_FILE is looked at (S09, S10)."""
    if ca_file is None:
        context = httpx2.create_ssl_context(trust_env=False)
    else:
        context = _own_trust(name, ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _own_trust(name: str, ca_file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError):
        raise Misconfigured(f"sinks.{name}.ca_file", f"{ca_file} holds no certificate") from None
    return context


def _receipt(status: int, headers: dict[bytes, bytes], now: datetime) -> Answer:
    if 200 <= status < 300:
        return Sent()
    if status == GONE:
        return Dead("gone", gone=True)
    after = _retry_after(headers, now) if status in ASKS_FOR_TIME else None
    return Later(f"status {status}", after)


def _retry_after(headers: dict[bytes, bytes], now: datetime) -> timedelta | None:
    """Seconds or a date, as RFC 9110 has it, at most an hour; anything else counts as absent."""
    found = {name.lower(): value for name, value in headers.items()}.get(b"retry-after", b"")
    text = found.decode("latin-1").strip()
    try:
        if text.isascii() and text.isdigit():
            after = timedelta(seconds=min(int(text[:9]), RETRY_AFTER_LIMIT.total_seconds()))
        else:
            after = parsedate_to_datetime(text).astimezone(UTC) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return max(timedelta(), min(after, RETRY_AFTER_LIMIT))


def _skim(answer: httpcore2.Response) -> None:
    read = 0
    for piece in answer.iter_stream():
        read += len(piece)
        if read > ANSWER_BYTES:
            return
