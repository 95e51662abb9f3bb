"""How fast and how small is it? Run by scripts/bench; prints a table and JSON.

The servers of a round run one after the other under the same load; rounds are interleaved and
medians shown. Read the ratios and the CPU per event: bare rates move with the machine's neighbours.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from scripts.benchmarks.accepting import measure_accepting, ratio, ratios
from scripts.benchmarks.admitting import measure_admitting
from scripts.benchmarks.databases import POSTGRES, SQLITE, Databases
from scripts.benchmarks.draining import measure_draining, measure_steadily
from scripts.benchmarks.events import FOLDER, make_events
from scripts.benchmarks.flooding import measure_flooding
from scripts.benchmarks.matching import measure_matching
from scripts.benchmarks.reporting import measure_reporting
from scripts.benchmarks.resting import measure_memory
from scripts.benchmarks.ruling import measure_ruling, measure_share
from scripts.benchmarks.ruling import ratios as rule_ratios
from scripts.benchmarks.sides import SIDES
from scripts.benchmarks.sinking import measure_sinks
from scripts.benchmarks.sinking import ratios as sink_ratios
from scripts.benchmarks.visiting import measure_console, worst

BOTH = (SQLITE, POSTGRES)
PARTS = (
    "accept", "apply", "memory", "statements", "sinks", "reports", "sign-in", "rules", "console",
)  # fmt: skip

# rounds, events a round, events to drain, seconds of steady load, deliveries through `up`
FULL = (5, 8_000, 5_000, 30.0, 100_000)
# as many to drain: 1,000 are two batches of PostgreSQL's, and mostly the first compiling
QUICK = (2, 2_000, 5_000, 6.0, 5_000)

# lines of the statement that is matched
LINES, QUICK_LINES = 1_000_000, 100_000
# rows of the report that is written
ROWS = 100_000
# orders that all rules run over
ORDERS, QUICK_ORDERS = 1_000_000, 50_000

# messages that wait for each sink
MESSAGES, QUICK_MESSAGES = 100_000, 10_000

# by how many ms the webhook's p99 may move
CROWDS = (("one crowd", "later_once", 5.0), ("a crowd a second", "later_always", 20.0))

Section = dict[str, dict[str, Any]]


def main() -> None:
    """Measure what was asked for and print it."""
    asked = _arguments()
    rounds, count, drained, seconds, passed = QUICK if asked.quick else FULL
    FOLDER.mkdir(exist_ok=True)
    databases = Databases(FOLDER)
    found: dict[str, Any] = {}
    events = FOLDER
    if not set(asked.only) <= {"statements", "sinks", "reports", "sign-in", "console"}:
        events = make_events(max(count, drained, passed // 10))
    if "accept" in asked.only or "apply" in asked.only:
        accepted = measure_accepting(events, databases, rounds=rounds, count=count)
        found["accept"], found["ratios"] = accepted, ratios(accepted)
    if "apply" in asked.only:
        found |= _apply(events, databases, drained, seconds, found)
    if "memory" in asked.only:
        found["memory"] = {name: measure_memory(name, events, passed, databases) for name in BOTH}
    if "statements" in asked.only:
        lines = QUICK_LINES if asked.quick else LINES
        found["statements"] = {
            name: measure_matching(name, lines, databases) for name in asked.on or BOTH
        }
        found["ratios"] = found.get("ratios", []) + [
            ratio(f"match / polars, {name}", row["ratio"], "most", 3.0)
            for name, row in found["statements"].items()
        ]
    if "sinks" in asked.only:
        messages = QUICK_MESSAGES if asked.quick else MESSAGES
        found["sinks"] = measure_sinks(
            messages, databases, asked.sink or list(SIDES), asked.on or BOTH
        )
        found["ratios"] = [*found.get("ratios", []), *sink_ratios(found["sinks"])]
    if "reports" in asked.only:
        found["reports"] = {
            name: measure_reporting(name, asked.rows or ROWS, databases) for name in BOTH
        }
    if "rules" in asked.only:
        orders = asked.rows or (QUICK_ORDERS if asked.quick else ORDERS)
        on = asked.on or BOTH
        found["rules"] = {name: measure_ruling(name, orders, databases) for name in on}
        found["batch"] = {name: measure_share(name, events, drained, databases) for name in on}
        found["ratios"] = [
            *found.get("ratios", []),
            *rule_ratios(found["rules"], found["batch"]),
        ]
    _come_in(databases, asked, found)
    _show(found)
    print(json.dumps(found))


def _come_in(databases: Databases, asked: argparse.Namespace, found: dict[str, Any]) -> None:
    """What people meet: the door, and every page behind it."""
    if "sign-in" in asked.only:
        found["sign-in"] = {name: measure_admitting(name, databases) for name in asked.on or BOTH}
        found["ratios"] = found.get("ratios", []) + [
            ratio(f"medians apart in ms, {name}", row["spread"], "most", 20.0)
            for name, row in found["sign-in"].items()
        ]
        found["crowd"] = {name: measure_flooding(name, databases) for name in asked.on or BOTH}
        found["ratios"] += [
            ratio(f"webhook's p99 later beside {what} in ms, {name}", row[key], "most", limit)
            for name, row in found["crowd"].items()
            for what, key, limit in CROWDS
        ]
    if "console" in asked.only:
        orders, on = asked.rows or ROWS, asked.on or BOTH
        visited = {name: measure_console(name, orders, databases) for name in on}
        found |= {f"console, {name}": pages for name, pages in visited.items()}
        found["ratios"] = [*found.get("ratios", []), *worst(visited)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute instead of a quarter hour")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part")
    parser.add_argument("--sink", choices=SIDES, action="append", help="only this kind of sink")
    parser.add_argument("--rows", type=int, help="orders of a report, rules, console")
    parser.add_argument(
        "--on",
        choices=BOTH,
        action="append",
        help="statements, sinks, sign-in, rules, console: here only",
    )
    asked = parser.parse_args()
    asked.only = asked.only or list(PARTS)
    return asked


def _apply(
    events: Path, databases: Databases, count: int, seconds: float, found: dict[str, Any]
) -> dict[str, Any]:
    drained = {name: measure_draining(name, events, count, databases) for name in BOTH}
    steady: Section = {}
    for name in BOTH:
        rate = found["accept"][name]["rate"]
        of_accept = drained[name]["rate"] / rate
        rebuilt = drained[name]["rebuild_rate"] / drained[name]["rate"]
        found["ratios"] += [
            ratio(f"drain rate / accept rate, {name}", of_accept, "least", 0.4),
            ratio(f"rebuild rate / drain rate, {name}", rebuilt, "least", 2.0),
        ]
        for processes in ("one", "two"):
            steady[f"{name}, {processes}"] = {"asked": rate / 2} | measure_steadily(
                name, processes, rate / 2, seconds, events, databases
            )
    return {"apply": drained, "steady": steady}


def _show_ratios(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        mark = "met" if row["met"] else "MISSED"
        print(f"  {row['name']:62} {row['found']:8.2f}   {row['target']:14} {mark}")


def _show(found: dict[str, Any]) -> None:
    for title, rows in found.items():
        print(f"\n{title}")
        if title == "ratios":
            _show_ratios(rows)
            continue
        columns = list(next(iter(rows.values())))
        wide = max(16, *(len(name) for name in rows))
        print("  " + " " * wide + "".join(f"{name:>24}" for name in columns))
        for name, row in rows.items():
            print(f"  {name:{wide}}" + "".join(f"{row[column]:24,.1f}" for column in columns))
    print()


if __name__ == "__main__":
    main()
