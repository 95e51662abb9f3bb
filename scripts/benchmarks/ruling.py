"""How long do all rules take over everything, beside the same comparisons as SQL by hand?

And what do they add to a batch that is applied? `python -m scripts.benchmarks.ruling URL ORDERS` is
the run over everything in a process of its own, whose memory is read.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from prometheus_client import Histogram

from scripts.benchmarks import stories
from scripts.benchmarks.accepting import ratio
from scripts.benchmarks.comparing import bounds, comparisons
from scripts.benchmarks.databases import POSTGRES, VAULT, Databases
from scripts.benchmarks.draining import fill_inbox
from scripts.benchmarks.measure import Result
from scripts.benchmarks.reporting import peak_mb
from scripts.benchmarks.servers import clock, read_terms
from service import telemetry
from service.ledger.engine import Ledger, open_ledger
from service.ledger.snapshots import patient
from service.work.drain import BATCH_DELIVERIES, drain
from service.work.reconcile import reconcile
from service.work.terms import Terms

# the first run opens what it finds, the second finds it open
ROUNDS = 2


def measure_ruling(database: str, count: int, databases: Databases) -> Result:
    """Seconds over `count` orders and what belongs to them: by hand, the first run, a later one."""
    print(f"measuring rules on {database} …", file=sys.stderr, flush=True)
    with databases.fresh(database) as url, closing(open_ledger(url)) as ledger:
        stories.fill(ledger, count)
        expected = stories.plant(ledger, count)
        if database == POSTGRES:
            with ledger.begin() as connection:
                connection.exec_driver_sql("ANALYZE")
        ledger.close()
        by_hand, runs = list[Result](), list[Result]()
        for _ in range(ROUNDS):
            by_hand.append(_spent(databases, database, url, "hand", count))
            runs.append(_spent(databases, database, url, "rules", count))
            found: Counter[str] = Counter(runs[-1]["found"])
            if found != expected or by_hand[-1]["differing"] != expected.total():
                raise RuntimeError(f"found {found} and {by_hand[-1]}, planted {expected}")
    hand, first, later = by_hand[-1], runs[0], runs[-1]
    return {
        "orders": count,
        "objects": later["objects"],
        "planted": stories.PLANTED * len(stories.ERRORS),
        "findings": expected.total(),
        "by_hand_s": hand["seconds"],
        "by_hand_cpu_s": hand["cpu"],
        "first_s": first["seconds"],
        "first_cpu_s": first["cpu"],
        "later_s": later["seconds"],
        "later_cpu_s": later["cpu"],
        "longest_stretch_s": later["longest"],
        "memory_mb": max(run["memory_mb"] for run in runs),
    }


def _spent(databases: Databases, database: str, url: str, what: str, count: int) -> Result:
    """One run in a process of its own: wall clock, and CPU of it and the database's processes."""
    before = databases.cpu_seconds(database)
    command = [sys.executable, "-m", "scripts.benchmarks.ruling", url, what, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    result: Result = json.loads(done.stdout)
    result["cpu"] += databases.cpu_seconds(database) - before
    return result


def measure_share(database: str, events: Path, count: int, databases: Databases) -> Result:
    """What the rules take of the time in which full batches are applied, and add to the rest."""
    print(f"measuring rules of a batch on {database} …", file=sys.stderr, flush=True)
    with databases.fresh(database) as url, closing(open_ledger(url, VAULT)) as ledger:
        terms, size = read_terms(ledger), BATCH_DELIVERIES[ledger.dialect] - 1
        before = 0.0, 0.0
        for number in range(count // size + 1):
            # less than a full batch is worked by one thread, so that nobody waits for another;
            # in the first one statements are built, which takes longer than the batch
            fill_inbox(ledger, events, (number + 1) * size)
            if number == 1:
                before = _seconds(telemetry.APPLY_SECONDS), _seconds(telemetry.RULES_SECONDS)
            drain(ledger, terms=terms, clock=clock)
        done = count // size * size
        applied = _seconds(telemetry.APPLY_SECONDS) - before[0]
        ruled = _seconds(telemetry.RULES_SECONDS) - before[1]
    return {
        "events": done,
        "apply_us": applied / done * 1e6,
        "rules_us": ruled / done * 1e6,
        "added": ruled / (applied - ruled),
    }


def _seconds(histogram: Histogram) -> float:
    (metric,) = histogram.collect()
    return next(one.value for one in metric.samples if one.name.endswith("_sum"))


def ratios(ruled: dict[str, Result], shares: dict[str, Result]) -> list[Result]:
    """The targets with what was found."""
    found: list[Result] = []
    for name, row in ruled.items():
        for run in ("first", "later"):
            for unit in ("s", "cpu_s"):
                times = row[f"{run}_{unit}"] / row[f"by_hand_{unit}"]
                found.append(
                    ratio(f"all rules / SQL by hand, {run} {unit}, {name}", times, "most", 3.0)
                )
        found.append(ratio(f"memory of all rules, MB, {name}", row["memory_mb"], "most", 250.0))
    return found + [
        ratio(f"rules / rest of apply, {name}", row["added"], "most", 0.25)
        for name, row in shares.items()
    ]


def _by_hand(ledger: Ledger, count: int) -> Result:
    given = bounds(stories.now(count))
    differing = 0
    with patient(ledger) as connection:
        for statement in comparisons(ledger.dialect):
            asked = sa.text(statement)
            named = {name: given[name] for name in asked.compile().params}
            differing += int(connection.scalar(asked, named) or 0)
    return {"differing": differing}


def _all_rules(ledger: Ledger, count: int) -> Result:
    last, pauses = time.perf_counter(), list[float]()

    def hear(_objects: int) -> None:
        nonlocal last
        pauses.append(time.perf_counter() - last)
        last += pauses[-1]

    terms = Terms(epoch="bench")
    seen = reconcile(ledger, terms=terms, now=stories.now(count), on_slice=hear)
    return {"objects": seen.objects, "found": seen.found, "longest": max(pauses)}


def main() -> None:
    """Compare once, and print what it took."""
    url, what, count = sys.argv[1:]
    with closing(open_ledger(url)) as ledger:
        began, cpu = time.perf_counter(), time.process_time()
        found = (_by_hand if what == "hand" else _all_rules)(ledger, int(count))
        found |= {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    print(json.dumps(found | {"memory_mb": peak_mb()}))


if __name__ == "__main__":
    main()
