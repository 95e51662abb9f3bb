"""How one request goes to Ping++ and what comes back: signed, paced, gated, bounded.

Only the two faces import this: the client that reads, and the caller that people send with.
"""

import ssl
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from service.pingpp.access import HOST_CONCURRENCY, REQUEST_SECONDS, Access, Host
from service.pingpp.answers import (
    Rejected,
    Unanswered,
    bounded_body,
    http_date,
    retry_after,
)
from service.pingpp.deadline import DeadlineTransport
from service.pingpp.gate import Gate, Pace
from service.pingpp.signature import Refused
from service.sockets import within

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
# How long one caller waits for its place in the pace before it is sent away.
PATIENCE_SECONDS = 5.0
# Requests under way or waiting for a thread: four times what goes at once, ten seconds' pace.
AHEAD = 4
AHEAD_SECONDS = 10

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# No byte of the request was sent when one of these was raised.
_NOT_LEFT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.InvalidURL)

_BREAKER, _LIMIT, _KEY, _PLAN = range(4)
# Which gate a failure belongs to; whatever is not named here is an answer, and opens them all.
_GATES: Mapping[str, int] = {
    "timeout": _BREAKER,
    "transport": _BREAKER,
    "tls": _BREAKER,
    "http_5xx": _BREAKER,
    "rate_limited": _LIMIT,
    "unauthorised": _KEY,
    "forbidden": _PLAN,
}
_WORDS: Mapping[int, str] = {
    200: "ok",
    401: "unauthorised",
    403: "forbidden",
    404: "http_404",
    429: "rate_limited",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one request: `word` is ok or what was wrong, retry_after in seconds.

    wait: seconds until the gates let the next one through. left: whether it may have arrived.
    """

    word: str
    body: bytes = b""
    status: int = 0
    date: datetime | None = None
    retry_after: float = 0.0
    wait: float = 0.0
    left: bool = True
    started_at: datetime = EPOCH

    @property
    def is_answer(self) -> bool:
        """Whether it came from the provider and not from a gate of its: 200, or a plain no."""
        return self.word not in _GATES


class Wire:
    """One account's way to Ping++; safe to use from several threads.

    clock: aware time for what is stored and signed. ticks: monotonic seconds. chance: [0, 1).
    hears_no: whether the body of a no is read too, and its signature verified.
    """

    def __init__(
        self,
        access: Access,
        host: Host,
        *,
        clock: Callable[[], datetime],
        chance: Callable[[], float],
        ticks: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx2.BaseTransport | None = None,
        hears_no: bool = False,
    ) -> None:
        self._access, self._host = access, host
        self._clock, self._chance, self._ticks, self._sleep = clock, chance, ticks, sleep
        self._pace = Pace(access.rate)
        # a refused key is tried every five minutes; 403 is this account's own limit (facts 4.4)
        key = Gate(failures=1, base=300 / host.scale, cap=300 / host.scale, wary=True)
        plan = Gate(failures=1, base=5 / host.scale, cap=20 / host.scale)
        self._gates = (host.breaker, host.limit, key, plan)
        self._hears_no = hears_no
        self.skew: timedelta | None = None
        self._http = httpx2.Client(
            headers={
                "Authorization": access.authorization,
                "Accept": "application/json",
                "Accept-Encoding": "identity, gzip",
                "User-Agent": "pingledger",
            },
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=REQUEST_SECONDS),
            follow_redirects=False,
            trust_env=False,
            transport=transport or DeadlineTransport(connections=HOST_CONCURRENCY),
        )

    @property
    def concurrency(self) -> int:
        """How many requests may be under way at once."""
        return self._access.concurrency

    def room(self) -> int:
        """How many questions are worth taking up now: none while a gate is shut, one on trial."""
        with self._host.lock:
            if self._shut_for(self._ticks()) > 0:
                return 0
            if any(gate.alone for gate in self._gates):
                return 1
        return min(AHEAD * self.concurrency, max(1, int(self._access.rate * AHEAD_SECONDS)))

    def away_seconds(self) -> float:
        """For how long the host has not answered; 0 while it does."""
        since = self._host.breaker.failing_since
        return 0.0 if since is None else self._ticks() - since

    def exchange(self, method: str, target: str, body: bytes = b"") -> Reply:
        """Send once; target is path and query, percent-encoded.

        Raises Unanswered when the gates let nothing through; whatever comes back is a Reply.
        """
        entered = self._enter()
        reply = Reply("transport")
        started_at = self._clock()
        wait = 0.0
        try:
            reply = self._ask(self.request(method, target, body, started_at), started_at)
        finally:
            self._host.slots.release()
            wait = self._leave(entered, reply)
        return replace(reply, wait=wait, started_at=started_at)

    def request(
        self, method: str, target: str, body: bytes, started_at: datetime
    ) -> httpx2.Request:
        """The request exactly as it is sent, signed over its body and its target (facts 4.2)."""
        # a PUT or a POST has a body, if only an empty one
        content = None if method == "GET" else body
        request = self._http.build_request(method, self._access.base + target, content=content)
        if content is not None:
            request.headers["Content-Type"] = "application/json"
        if self._access.signer is not None:
            sent = request.url.raw_path.decode("ascii")
            at = int(started_at.timestamp())
            request.headers.update(self._access.signer.headers(body, sent, at))
        return request

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _shut_for(self, at: float) -> float:
        return max(gate.wait(at) for gate in self._gates)

    def _enter(self) -> float:
        """Pass the gates, wait for a place in the pace and a slot of the host."""
        at = self._ticks()
        with self._host.lock:
            wait = self._shut_for(at)
            place = None if wait > 0 else self._pace.reserve(at, PATIENCE_SECONDS)
            if place is None:
                raise Unanswered("waiting", after=wait or PATIENCE_SECONDS, sent=False)
            for gate in self._gates:
                gate.enter()
        if place:
            self._sleep(place)
        if not self._host.slots.acquire(timeout=REQUEST_SECONDS):
            with self._host.lock:
                for gate in self._gates:
                    gate.leave(at)
            raise Unanswered("waiting", after=PATIENCE_SECONDS, sent=False)
        return at

    def _leave(self, entered: float, reply: Reply) -> float:
        """Tell the gates: those before the failing one passed, those behind were not reached."""
        at, failing, wait = self._ticks(), _GATES.get(reply.word, len(self._gates)), 0.0
        least = 0.0 if failing == _BREAKER else reply.retry_after
        with self._host.lock:
            for place, gate in enumerate(self._gates):
                if place < failing:
                    gate.passed(entered)
                elif place > failing:
                    gate.leave(entered)
                else:
                    wait = gate.failed(entered, at, self._chance(), least)
        return wait

    def _ask(self, request: httpx2.Request, started_at: datetime) -> Reply:
        try:
            with within(self._access.seconds), self._sent(request) as response:
                return self._read(response, started_at)
        except httpx2.TimeoutException as error:
            return Reply("timeout", left=not isinstance(error, _NOT_LEFT))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            word = "tls" if _is_tls(error) else "transport"
            return Reply(word, left=not isinstance(error, _NOT_LEFT))

    @contextmanager
    def _sent(self, request: httpx2.Request) -> Generator[httpx2.Response]:
        response = self._http.send(request, stream=True)
        try:
            yield response
        finally:
            response.close()

    def _read(self, response: httpx2.Response, started_at: datetime) -> Reply:
        date = http_date(response.headers.get("date", ""))
        if date is not None:
            self.skew = date - self._clock()
        status = response.status_code
        word = _WORDS.get(status) or f"http_{status // 100}xx"
        least = retry_after(response.headers.get("retry-after", ""), date or started_at)
        body = b""
        if word == "ok" or self._hears_no:
            try:
                body = bounded_body(response)
                self._verify(body, response.headers.get("x-pingplusplus-signature"))
            except Rejected as error:
                word = error.word
        return Reply(word, body, status, date, least)

    def _verify(self, body: bytes, signature: str | None) -> None:
        """Check the answer's signature where there is one and we know the keys (facts 4.3)."""
        if self._access.ring is None or signature is None:
            return
        try:
            self._access.ring.verify(body, signature.encode("latin-1", "replace"))
        except Refused:
            raise Rejected("signature") from None


def _is_tls(error: BaseException | None) -> bool:
    """Whether TLS is at the bottom of it: an expired or a wrong certificate, an old protocol."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
