"""How people call any operation of the table: checked, sent once, its answer or its no read.

The only face that can write. The daemon may not import it: a contract of the imports and a test
keep it so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import httpx2

from service.core.errors import Unreadable
from service.pingpp.access import Access, Host
from service.pingpp.answers import Rejected, Unanswered
from service.pingpp.declined import Failure, InDoubt, declined, split_failure
from service.pingpp.endpoints.check import Given, ensure
from service.pingpp.endpoints.operation import Operation
from service.pingpp.endpoints.request import body_bytes, targets
from service.pingpp.lists import PAGES_LIMIT
from service.pingpp.strict import parse
from service.pingpp.targets import LIMIT_A, PER_PAGE_B
from service.pingpp.wire import Reply, Wire

REQUEST_BYTES_LIMIT = 10 * 1024 * 1024
# Statuses that say no before anything is done; another one leaves a doubt.
_PLAIN_NO = frozenset({400, 401, 402, 403, 404, 405, 406, 410, 413, 415, 422, 429})


@dataclass(frozen=True, slots=True)
class Called:
    """An answer: its fields as they came, and our clock before the question was sent."""

    fields: dict[str, Any]
    body: bytes
    started_at: datetime

    @property
    def failure(self) -> Failure | None:
        """What the object says of a failure, which is no end by itself (facts §7 row 8)."""
        message, code = (self.fields.get(name) for name in ("failure_msg", "failure_code"))
        if not isinstance(message, str) or not message:
            return Failure(code, "") if isinstance(code, str) and code else None
        found = split_failure(message)
        return Failure(code, found.text) if isinstance(code, str) and code else found


class Caller:
    """One account's face for people: every operation of the table, one request at a time."""

    def __init__(self, wire: Wire) -> None:
        """wire: one that hears a no, so that its reason can be told."""
        self._wire = wire

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def prepare(self, operation: Operation, given: Given, at: datetime) -> httpx2.Request:
        """The request that `call` would send first, signed at that time; raises Invalid."""
        body = _checked(operation, given)
        return self._wire.request(operation.method, targets(operation, given)[0], body, at)

    def call(self, operation: Operation, given: Given) -> Called:
        """Send it, once to each of its paths until one is there.

        Raises Invalid before anything is sent; Declined for a no; Unanswered when nothing was
        done; InDoubt when something may have been; Rejected for a useless answer to a question.
        """
        body = _checked(operation, given)
        reply = Reply("http_404", status=404)
        for target in targets(operation, given):
            reply = self._wire.exchange(operation.method, target, body)
            if reply.word != "http_404":
                break
        return _read(operation, reply, given)

    def pages(self, operation: Operation, given: Given) -> Iterator[Called]:
        """Page after page of a list, until none follows or one brings no new id (facts 4.5).

        At most a hundred; raises as `call`.
        """
        known: set[str] = set()
        after: str | None = None
        for number in range(1, PAGES_LIMIT + 1):
            called = self.call(operation, _page(operation, given, number, after))
            yield called
            ids = _ids(called.fields)
            if called.fields.get("has_more") is not True or known.issuperset(ids):
                return
            known.update(ids)
            after = ids[-1]


def open_caller(
    access: Access, *, clock: Callable[[], datetime], chance: Callable[[], float]
) -> Caller:
    """A caller of its own connections; it wants to be closed."""
    return Caller(Wire(access, Host(), clock=clock, chance=chance, hears_no=True))


def _checked(operation: Operation, given: Given) -> bytes:
    ensure(operation, given)
    body = body_bytes(operation, given)
    if len(body) > REQUEST_BYTES_LIMIT:
        raise Rejected("request_too_large")
    return body


def _read(operation: Operation, reply: Reply, given: Given) -> Called:
    if reply.word != "ok":
        raise _trouble(operation, reply, given)
    try:
        fields = parse(reply.body)
    except Unreadable as error:
        if operation.reads:
            raise Rejected(error.cause) from None
        raise InDoubt(operation.name, error.cause) from None
    if isinstance(fields.get("error"), dict):  # facts 4.4: under a 200, too
        raise declined(reply.status, reply.body, given._asdict())
    return Called(fields, reply.body, reply.started_at)


def _trouble(operation: Operation, reply: Reply, given: Given) -> Exception:
    wait = max(reply.wait, reply.retry_after)
    if reply.word in ("rate_limited", "forbidden"):
        return Unanswered(reply.word, after=wait)
    if reply.status in _PLAIN_NO and reply.word.startswith(("http_", "unauthorised")):
        return declined(reply.status, reply.body, given._asdict())
    if operation.reads:
        return Rejected(reply.word) if reply.is_answer else Unanswered(reply.word, after=wait)
    if not reply.left:
        return Unanswered(reply.word, after=wait, sent=False)
    return InDoubt(operation.name, reply.word)


def _page(operation: Operation, given: Given, number: int, after: str | None) -> Given:
    """The same question for another page; what was given of it is where it begins."""
    query = dict(given.query)
    if operation.paging == "B":
        first = int(query.get("page") or 1)
        query |= {"page": first + number - 1, "per_page": query.get("per_page") or PER_PAGE_B}
    else:
        query.setdefault("limit", LIMIT_A)
        if after is not None:
            query["starting_after"] = after
    return given._replace(query=query)


def _ids(fields: dict[str, Any]) -> list[str]:
    data = fields.get("data")
    items = cast("list[Any]", data) if isinstance(data, list) else []
    named = [cast("dict[str, Any]", item).get("id") for item in items if isinstance(item, dict)]
    return [str(name) for name in named if isinstance(name, str | int)]
