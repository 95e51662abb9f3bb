"""Does the local process live? `python -m service.cli.live` is a container's health check.

It imports little on purpose: a health check that takes seconds to start kills a busy container.
"""

import sys
from http.client import HTTPConnection, HTTPException

from service.core.errors import Misconfigured
from service.settings import Settings, load

ANSWER_SECONDS = 3.0
_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared, not bound


def is_live(settings: Settings) -> bool:
    """Ask the configured address; a wildcard is asked on loopback."""
    host, port = settings.listen.host, settings.listen.port
    connection = HTTPConnection(_HERE.get(host, host), port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def check() -> int:
    """0 when it lives, else 1."""
    try:
        return 0 if is_live(load()) else 1
    except Misconfigured:
        return 1


if __name__ == "__main__":
    sys.exit(check())
