"""How fast is everything that was drained derived again and compared, in a process of its own?"""

import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from scripts.benchmarks.databases import Databases
from service.ledger.engine import open_ledger
from service.work.rebuild import rebuild


def measure_rebuilding(
    database: str, url: str, count: int, databases: Databases
) -> dict[str, float]:
    """Deliveries a second, CPU a delivery and MB of a rebuild of what `count` deliveries made."""
    before = databases.cpu_seconds(database)
    command = [sys.executable, "-m", "scripts.benchmarks.rebuilding", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    found: dict[str, Any] = json.loads(done.stdout)
    if found["differing"] or found["objects"] < count:
        raise RuntimeError(f"{found} is not what was drained")
    return {
        "rebuild_rate": count / found["seconds"],
        "rebuild_cpu_us": found["cpu_seconds"] / count * 1e6,
        "rebuild_database_cpu_us": (databases.cpu_seconds(database) - before) / count * 1e6,
        "rebuild_memory_mb": found["memory_mb"],
    }


def peak_mb() -> float:
    """The most that this process held; getrusage would count who started it, too."""
    status = Path("/proc/self/status").read_text()
    (peak,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024


def main() -> None:
    """Rebuild one ledger, and print what it took."""
    (url,) = sys.argv[1:]
    began, cpu = time.perf_counter(), time.process_time()
    with closing(open_ledger(url)) as ledger:
        *_, done = rebuild(ledger)
    print(
        json.dumps(
            {
                "objects": done.objects,
                "observations": done.observations,
                "differing": len(done.differing),
                "seconds": time.perf_counter() - began,
                "cpu_seconds": time.process_time() - cpu,
                "memory_mb": peak_mb(),
            }
        )
    )


if __name__ == "__main__":
    main()
