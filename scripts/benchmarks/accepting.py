"""What a durable 200 costs beside a bare route: the receiver's targets as ratios of one run."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from scripts.benchmarks.databases import POSTGRES, SQLITE, Databases
from scripts.benchmarks.measure import Result, measure

SERVERS = ("hello", "verify", SQLITE, POSTGRES)

Target = tuple[str, str, str, str, str, float]
"""Name, server, figure, compared server, "least" or "most", limit of the ratio."""

TARGETS: Sequence[Target] = (
    ("accept rate / verify-only, SQLite", SQLITE, "rate", "verify", "least", 0.65),
    ("accept rate / verify-only, PostgreSQL", POSTGRES, "rate", "verify", "least", 0.75),
    ("CPU per event / verify-only, SQLite", SQLITE, "cpu_us", "verify", "most", 2.0),
    ("CPU per event / verify-only, PostgreSQL", POSTGRES, "cpu_us", "verify", "most", 1.4),
    ("p99 / verify-only, SQLite", SQLITE, "p99_ms", "verify", "most", 3.0),
    ("p99 / verify-only, PostgreSQL", POSTGRES, "p99_ms", "verify", "most", 3.0),
    ("accept rate / hello, SQLite", SQLITE, "rate", "hello", "least", 0.25),
    ("accept rate / hello, PostgreSQL", POSTGRES, "rate", "hello", "least", 0.25),
)


def measure_accepting(
    events: Path, databases: Databases, *, rounds: int, count: int
) -> dict[str, Result]:
    """Medians per server over interleaved rounds."""
    found: dict[str, list[Result]] = {name: [] for name in SERVERS}
    for number in range(rounds):
        # each round begins with another, so that none always runs beside the same neighbour
        for name in [*SERVERS[number % 4 :], *SERVERS[: number % 4]]:
            found[name].append(measure(name, events, count, databases))
    return {name: _median(results) for name, results in found.items()}


def _median(results: Sequence[Result]) -> Result:
    return {key: median(result[key] for result in results) for key in results[0]}


def ratios(medians: dict[str, Result]) -> list[Result]:
    """Each target with what was found."""
    return [
        ratio(name, medians[server][figure] / medians[base][figure], sense, limit)
        for name, server, figure, base, sense, limit in TARGETS
    ]


def ratio(name: str, found: float, sense: str, limit: float) -> Result:
    """One figure beside its target: at least, or at most."""
    met = found >= limit if sense == "least" else found <= limit
    return {"name": name, "found": found, "target": f"at {sense} {limit}", "met": met}
