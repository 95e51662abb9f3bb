"""A dispatcher in a process of its own, to be killed: URL, kind of sink, address, place."""

import random
import sys
import time

from service.ledger.engine import open_ledger
from service.outbound.jsonl import Jsonl
from service.work.outlet import Outlet
from service.work.publish import publish
from tests.outbound.sides import open_sink


def main(url: str, kind: str, address: str, place: str) -> None:
    ledger = open_ledger(url)
    sink = open_sink(kind, address, place)
    if isinstance(sink, Jsonl):
        sink.at_once = 7
    outlet = Outlet(sink)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        publish(ledger, outlet, chance=random.random)
        time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
