"""How does a program of the user's take notes: as one JSON document each?"""

import msgspec

from service.outbound.people.note import Note
from service.outbound.people.post import Poster
from service.outbound.sink import Answer, Later, Sent


class Document:
    """Posts what a note says and its incidents to a URL; 2xx is taken."""

    service = "json"
    limit_bytes = 60_000
    has_incidents = True

    def __init__(self, name: str, poster: Poster, path: str) -> None:
        self.name = name
        self._poster, self._path = poster, path

    def tell(self, note: Note) -> Answer:
        """Post the note as it is."""
        said = self._poster.post(self._path, msgspec.to_builtins(note))
        if isinstance(said, Later):
            return said
        return Sent() if 200 <= said.status < 300 else Later(f"status {said.status}")

    def close(self) -> None:
        """Close the connection."""
        self._poster.close()
