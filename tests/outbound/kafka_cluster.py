"""A mock Kafka cluster in a process of its own: prints its brokers, and runs until it is killed.

Made through the C interface of the client's own library, which can refuse topics: those that are
named as arguments are not there and are not made when they are asked for. "NAME=16" makes a topic
of so many partitions instead: of each it keeps the last five megabytes.
"""

import ctypes
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

BROKERS = 3
_PRODUCER = 0
_UNKNOWN_TOPIC = 3


def _library() -> Any:
    """The librdkafka of the wheel."""
    files = metadata.files("confluent-kafka") or []
    found = next(one for one in files if Path(one).name.startswith("librdkafka"))
    library = ctypes.CDLL(str(found.locate()))
    for name in ("conf_new", "new", "mock_cluster_new"):
        getattr(library, f"rd_kafka_{name}").restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return library


def main(*topics: str) -> None:
    library = _library()
    said = ctypes.create_string_buffer(512)
    settings = ctypes.c_void_p(library.rd_kafka_conf_new())
    # what it has to say would stand before the brokers
    library.rd_kafka_conf_set(settings, b"log_level", b"0", said, len(said))
    client = ctypes.c_void_p(library.rd_kafka_new(_PRODUCER, settings, said, len(said)))
    cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(client, BROKERS))
    for topic in topics:
        name, _, partitions = topic.partition("=")
        if partitions:
            library.rd_kafka_mock_topic_create(cluster, name.encode(), int(partitions), BROKERS)
        else:
            library.rd_kafka_mock_topic_set_error(cluster, name.encode(), _UNKNOWN_TOPIC)
    sys.stdout.write(library.rd_kafka_mock_cluster_bootstraps(cluster).decode() + "\n")
    sys.stdout.flush()
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
