"""A dispatcher in a process of its own, to be killed: database URL, kind of sink, its address."""

import random
import sys
import time
from pathlib import Path

from service.ledger.engine import open_ledger
from service.outbound.jsonl import Jsonl
from service.outbound.sink import Sink
from service.outbound.webhook import Webhook
from service.work.outlet import Outlet
from service.work.publish import publish


def main(url: str, kind: str, address: str, secret: str) -> None:
    ledger = open_ledger(url)
    sink: Sink
    if kind == "jsonl":
        sink = Jsonl("out", Path(address))
        sink.at_once = 7
    else:
        sink = Webhook("out", address, [secret], loopback=True)
    outlet = Outlet(sink)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        publish(ledger, outlet, chance=random.random)
        time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
