"""How one account is reached, and what all accounts on one host share."""

import base64
import threading
from dataclasses import dataclass, field

from service.pingpp.gate import Gate
from service.pingpp.signature import KeyRing, RequestSigner

REQUEST_SECONDS = 20.0
HOST_CONCURRENCY = 8


@dataclass(frozen=True, slots=True)
class Access:
    """How one account is reached: base such as https://api.pingxx.com, its key, its signer.

    auth: bearer, or basic with the key as the user (facts 4.1).
    ring: verifies the answers' signatures where they carry one (facts 4.3).
    rate: requests a second. concurrency: requests at once, of the host's eight.
    seconds: the time a whole request has, from connecting to its last byte.
    """

    base: str
    api_key: str = field(repr=False)
    signer: RequestSigner | None = None
    ring: KeyRing | None = None
    rate: float = 10.0
    concurrency: int = 4
    seconds: float = REQUEST_SECONDS
    auth: str = "bearer"

    @property
    def authorization(self) -> str:
        """The header's value; a secret."""
        if self.auth == "basic":
            return "Basic " + base64.b64encode(f"{self.api_key}:".encode()).decode("ascii")
        return f"Bearer {self.api_key}"


class Host:
    """What all accounts on one host share: its slots, its rate limit, its breaker.

    scale: divides the waits that we choose; 1 in production, more in rehearsals.
    """

    def __init__(self, scale: float = 1.0) -> None:
        self.lock = threading.Lock()
        self.slots = threading.BoundedSemaphore(HOST_CONCURRENCY)
        self.scale = scale
        self.breaker = Gate(failures=10, base=30 / scale, cap=300 / scale)
        self.limit = Gate(failures=1, base=5 / scale, cap=20 / scale)
