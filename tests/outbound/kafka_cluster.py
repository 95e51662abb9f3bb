"""A mock Kafka cluster in a process of its own: prints its brokers, and runs until it is killed."""

import sys
import time

from confluent_kafka import Producer


def main() -> None:
    cluster = Producer({"test.mock.num.brokers": 3, "bootstrap.servers": "none", "log_level": 0})
    found = cluster.list_topics(timeout=10).brokers.values()
    sys.stdout.write(",".join(f"{one.host}:{one.port}" for one in found) + "\n")
    sys.stdout.flush()
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
