"""How does an outside watcher learn that we run well? A ping; none, or one that says so, if not."""

from service.core.errors import TryLater
from service.outbound.people.post import Poster
from service.outbound.sink import Later

FAIL = "/fail"


class Heartbeat:
    """Pings a URL in the manner of healthchecks.io. Raises Misconfigured for one of no use."""

    def __init__(self, url: str, *, fails: bool) -> None:
        self._poster = Poster("", url.rstrip("/"), key="heartbeat.url")
        self._fails = fails

    def beat(self, well: bool) -> bool:
        """Say how it is; whether anything was said. Raises TryLater when nobody heard."""
        if not well and not self._fails:
            return False
        said = self._poster.post("" if well else FAIL, {})
        if isinstance(said, Later):
            raise TryLater(f"the heartbeat was not heard: {said.error}")
        if not 200 <= said.status < 300:
            raise TryLater(f"the heartbeat was not heard: status {said.status}")
        return True

    def close(self) -> None:
        """Close the connection."""
        self._poster.close()
