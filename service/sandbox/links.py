"""Which pages were opened for payers and users, and until when each can be used."""

from datetime import datetime
from typing import NamedTuple

LINKS_LIMIT = 10_000


class Link(NamedTuple):
    """One page: what it is for (card, deposit, withdrawal, charge), whose, and its last moment."""

    url: str
    what: str
    object_id: str
    expires: datetime


class Links:
    """The newest pages; a page that is not here any more is as good as over."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}

    def open(self, url: str, what: str, object_id: str, expires: datetime) -> None:
        """Remember a page; the oldest is forgotten when there are too many."""
        if len(self._links) >= LINKS_LIMIT:
            del self._links[next(iter(self._links))]
        self._links[url] = Link(url, what, object_id, expires)

    def all(self) -> list[Link]:
        """Every page, oldest first."""
        return list(self._links.values())
