"""A consumer in full: reads messages, one JSON document a line, keeps the newest of each subject.

tail -F messages.jsonl | python consumer.py books.db
"""

import json
import sqlite3
import sys
from typing import Any

TABLES = """
CREATE TABLE IF NOT EXISTS newest (
  source TEXT, subject TEXT, sequence INTEGER, type TEXT, data TEXT, PRIMARY KEY (source, subject)
)
"""


def take(books: sqlite3.Connection, message: dict[str, Any]) -> bool:
    """Apply a message unless it is a repeat, or older than what is known."""
    key, sequence = (message["source"], message["subject"]), int(message["sequence"])
    with books:  # what was applied and how far we are, in one transaction
        known = books.execute(
            "SELECT sequence FROM newest WHERE source = ? AND subject = ?", key
        ).fetchone()
        if known is not None and sequence <= known[0]:
            return False
        books.execute(
            "INSERT OR REPLACE INTO newest VALUES (?, ?, ?, ?, ?)",
            (*key, sequence, message["type"], json.dumps(message["data"])),
        )
    return True


if __name__ == "__main__":
    database = sqlite3.connect(sys.argv[1])
    database.execute(TABLES)
    for line in sys.stdin:
        take(database, json.loads(line))
