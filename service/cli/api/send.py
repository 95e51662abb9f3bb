"""How an operation is sent once, and never a second time by mistake.

What must not be repeated is remembered in the ledger before it goes, and forgotten with its answer:
a timeout, or a process that died, leaves it there, and the next sending is refused.
"""

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

from service.cli.output import cell
from service.core.errors import GiveUp, PingledgerError, TryLater, Unreadable
from service.core.kinds import KINDS
from service.core.observation import Key
from service.ledger import sendings, watches
from service.ledger.sendings import Sending, sending_of
from service.pingpp.caller import Called, Caller
from service.pingpp.declined import InDoubt
from service.pingpp.endpoints.check import Given, Values
from service.pingpp.endpoints.operation import Operation
from service.pingpp.reader import object_id_of
from service.pingpp.targets import is_id
from service.runtime import Runtime

Open = Callable[[], AbstractContextManager[Runtime]]


class Sender:
    """Sends for one account; `again`: somebody looked, and what has no answer did not arrive."""

    def __init__(self, caller: Caller, account: str, *, again: bool = False) -> None:
        self._caller, self._account, self._again = caller, account, again

    def send(self, row: Operation, given: Given, opened: Open) -> Called:
        """Send it; the ledger is opened for what must not be repeated or is to be followed.

        Raises as Caller.call, and GiveUp for what was sent before and has no answer.
        """
        if row.reads or (row.repeat.allowed and row.answers not in KINDS):
            return self._call(row, given)
        with opened() as runtime:
            if not row.repeat.allowed:
                called = self._once(runtime, row, given)
            else:
                called = self._call(row, given)
            with _afterwards("the daemon was not told of it"):
                self._follow(runtime, row, given, called)
        return called

    def _once(self, runtime: Runtime, row: Operation, given: Given) -> Called:
        sending = self._remember(runtime, row, given)
        try:
            called = self._call(row, given)
        except InDoubt:
            raise
        except PingledgerError:
            self._forget(runtime, sending)
            raise
        with _afterwards("the ledger still holds it as without an answer"):
            self._forget(runtime, sending)
        return called

    def _remember(self, runtime: Runtime, row: Operation, given: Given) -> Sending:
        sending = sending_of(self._account, row.name, list(_named(row, given)))
        with runtime.ledger.begin() as connection:
            sent_at = sendings.begin(connection, sending, now=runtime.clock(), again=self._again)
        if sent_at is not None:
            raise GiveUp(
                f"{row.name} was sent at {cell(sent_at)} and has no answer: {row.repeat.en};"
                " when it is not there, --again sends it once more"
            )
        return sending

    def _forget(self, runtime: Runtime, sending: Sending) -> None:
        with runtime.ledger.begin() as connection:
            sendings.end(connection, sending)

    def _call(self, row: Operation, given: Given) -> Called:
        try:
            return self._caller.call(row, given)
        except InDoubt as error:
            error.hint = f"send it again: {row.repeat.en}" if row.repeat.allowed else row.repeat.en
            raise

    def _follow(self, runtime: Runtime, row: Operation, given: Given, called: Called) -> None:
        """Let the daemon look at what came of it."""
        kind = KINDS.get(row.answers)
        if kind is None:
            return
        try:
            object_id = object_id_of(kind, called.fields)
        except Unreadable:
            return
        app = called.fields.get("app") or given.path.get("app_id")
        order = given.path.get("order_id") or called.fields.get("order")
        place = {
            "app": app if isinstance(app, str) and is_id(app) else None,
            "order_id": order if isinstance(order, str) and is_id(order) else None,
        }
        key = Key(self._account, row.answers, object_id)
        with runtime.ledger.begin() as connection:
            watches.request(connection, key, now=runtime.clock(), place=place)


@contextmanager
def _afterwards(sentence: str) -> Generator[None]:
    """It is done: a ledger that is away now must not cost the answer."""
    try:
        yield
    except TryLater:
        sys.stderr.write(f"pingledger: done, but {sentence}\n")


def _named(row: Operation, given: Given) -> Iterator[object]:
    """The values that tell this sending from another."""
    for name in row.names:
        for values in given:
            value: Any = values
            for step in name.split("."):
                value = cast("Values", value).get(step) if isinstance(value, dict) else None
            if value is not None:
                yield str(value)
