"""How fast is the order detail written, and in how much memory of a process of its own?"""

import json
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from scripts.benchmarks.databases import POSTGRES, Databases
from scripts.benchmarks.matching import DAWN, filled_belief
from scripts.benchmarks.rebuilding import peak_mb
from service.ledger.dialect import insert_rows
from service.ledger.engine import Ledger, open_ledger
from service.ledger.schema import beliefs
from service.outbound.files.formats import Shape
from service.outbound.files.place import new_file
from service.work.report.ask import Ask
from service.work.report.make import make

BATCH = 5_000
SHAPES = (Shape.CSV, Shape.XLSX)


def measure_reporting(database: str, count: int, databases: Databases) -> dict[str, Any]:
    """Seconds, MB of memory and MB of the file, for each format of an order detail of `count`."""
    print(f"measuring reports on {database} …", file=sys.stderr, flush=True)
    found: dict[str, Any] = {"rows": count}
    with databases.fresh(database) as url, tempfile.TemporaryDirectory() as folder:
        with closing(open_ledger(url)) as ledger:
            _fill(ledger, count)
            if database == POSTGRES:
                with ledger.begin() as connection:
                    connection.exec_driver_sql("ANALYZE beliefs")
        for shape in SHAPES:
            path = Path(folder) / f"orders.{shape}"
            done = _apart(url, shape, path)
            if done["rows"] != count:
                raise RuntimeError(f"{done['rows']} of {count} orders were written")
            found[f"{shape}_s"] = done["seconds"]
            found[f"{shape}_memory_mb"] = done["memory_mb"]
            found[f"{shape}_file_mb"] = path.stat().st_size / 1e6
    return found


def _apart(url: str, shape: Shape, path: Path) -> dict[str, Any]:
    """Make it in a process that does nothing else."""
    command = [sys.executable, "-m", "scripts.benchmarks.reporting", url, shape, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    return json.loads(done.stdout)


def _fill(ledger: Ledger, count: int) -> None:
    """Orders, each with the charge that paid it."""
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        rows = [row for number in numbers for row in _order(number)]
        with ledger.begin() as connection:
            insert_rows(connection, beliefs, rows)


def _order(number: int) -> list[dict[str, Any]]:
    order_id = f"2011{number:015}"
    charge = filled_belief(number) | {
        "order_id": order_id,
        "channel": "wx_pub",
        "app": "app_bench",
        "amount_paid": None,
    }
    order = charge | {
        "kind": "order",
        "object_id": order_id,
        "order_id": None,
        "channel": None,
        "transaction_no": None,
        "fee": None,
        "amount_paid": charge["amount"],
    }
    return [order, charge]


def main() -> None:
    """Write one report, and print what it took."""
    url, shape, path = sys.argv[1:]
    began = time.perf_counter()
    ask = Ask(DAWN + timedelta(days=2), "Asia/Shanghai")
    with closing(open_ledger(url)) as ledger, new_file(Path(path)) as out:
        (done,) = make(ledger, "orders", ask, Shape(shape), out)
    print(
        json.dumps(
            {
                "rows": done.rows,
                "seconds": time.perf_counter() - began,
                "memory_mb": peak_mb(),
            }
        )
    )


if __name__ == "__main__":
    main()
