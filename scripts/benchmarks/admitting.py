"""Does a sign-in that fails take as long whether the name is known or not? (failure model W02)

Every try comes from an address of its own, so that nobody has to wait; kinds of tries take turns.
"""

import sys
import time
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from statistics import median
from typing import Any

from scripts.benchmarks.databases import Databases
from service.ledger import users
from service.ledger.engine import Ledger, open_ledger
from service.ledger.sessions import Lifetime
from service.work.admit import Admission, Refused, new_user
from service.work.hashing import Hashing

TRIES = 500
RIGHT, WRONG = "blau-werkbank-otter-17", "wrong-wrong-wrong-17"
# how a try is told: name and password
KINDS = {
    "known, wrong": ("lin", WRONG),
    "unknown": ("nobody", WRONG),
    "known, empty": ("lin", ""),
    "disabled, right": ("gone", RIGHT),
    "no password": ("elsewhere", WRONG),
    "endless name": ("n" * 1_000, WRONG),
}


def measure_admitting(database: str, databases: Databases, *, tries: int = TRIES) -> dict[str, Any]:
    """Medians by kind of try in ms, and how far apart they are."""
    print(f"measuring sign-ins on {database} …", file=sys.stderr, flush=True)
    with databases.fresh(database) as url, closing(open_ledger(url)) as ledger:
        hashing = Hashing()
        _people(ledger, hashing)
        lifetime = Lifetime(timedelta(minutes=30), timedelta(hours=12))
        admission = Admission(ledger, hashing, lifetime)
        taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for number in range(tries):
            for kind, (name, password) in KINDS.items():
                taken[kind].append(_try(admission, name, password, f"{kind} {number}"))
    medians = {kind: median(each) * 1_000 for kind, each in taken.items()}
    return {**medians, "spread": max(medians.values()) - min(medians.values())}


def _try(admission: Admission, name: str, password: str, address: str) -> float:
    now, began = admission.ledger.now(), time.perf_counter()
    with suppress(Refused):
        admission.sign_in(name, password, address=address, now=now)
        raise RuntimeError(f"{name} came in")
    return time.perf_counter() - began


def _people(ledger: Ledger, hashing: Hashing) -> None:
    now = ledger.now()
    with ledger.begin() as connection:
        for name, kept in (("lin", RIGHT), ("gone", RIGHT), ("elsewhere", None)):
            password = hashing.hash(kept) if kept else None
            user = new_user(name, ["viewer"], None, language="zh", now=now, password=password)
            gone = now if name == "gone" else None
            users.add(connection, replace(user, disabled_at=gone))
