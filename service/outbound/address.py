"""Which addresses may be sent to: the public internet, by a table of our own.

Python's `is_global` lets embedded and multicast addresses pass, in ways that differ by version
(CVE-2024-4032), so it is not asked. A name is resolved once per connection, all of its addresses
must pass, and the connection goes to one of those that were looked at.
"""

import ipaddress
import queue
import re
import socket
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

URL_CHARACTERS = 2048
PORTS = frozenset({443, 8443})
ADDRESSES_LIMIT = 64
HOST_CHARACTERS = 253

Resolve = Callable[[str, int], Sequence[str]]

_REFUSED_V4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Everything outside 2000::/3 is refused: loopback, private, link and site local, multicast,
# mapped and compatible addresses, 100::/64, 5f00::/16 and whatever comes to be there.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo, benchmarks, ORCHID and other protocols' own
        "2001:db8::/32",
        "2002::/16",  # 6to4: embeds any IPv4 address
        "3fff::/20",
    )
)
# NAT64 embeds an IPv4 address, and is how a host without IPv4 reaches the public internet
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9/?&=._~%:@!$'()*+,;-]*)?"
)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class AddressRefused(Exception):
    """A name led to an address that nothing is sent to."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a checked URL leads; `here`: to this machine itself, on purpose."""

    url: str
    here: bool


def is_public(address: str) -> bool:
    """Whether an address, as text, is one of the public internet's."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(known, ipaddress.IPv4Address):
        return not any(known in network for network in _REFUSED_V4)
    if known.scope_id is not None:
        return False
    if known in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(known) & 0xFFFFFFFF)))
    return known in _GLOBAL_V6 and not any(known in network for network in _REFUSED_V6)


def is_loopback(address: str) -> bool:
    """Whether an address, as text, is this machine itself, plainly spelt."""
    try:
        return ipaddress.ip_address(address) in _LOOPBACK[":" in address]
    except ValueError:
        return False


_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def check_url(url: str, *, ports: Collection[int] = (), loopback: bool = False) -> Target:
    """Take a URL apart, or raise ValueError with the reason (failure model S01, S08).

    ports: allowed besides 443 and 8443. loopback: plain http and any port to this machine only.
    """
    if len(url) > URL_CHARACTERS:
        raise ValueError(f"is longer than {URL_CHARACTERS} characters")
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(
            "should be https://host[:port]/path in plain ASCII, without user, fragment or spaces"
        )
    host = found["host"].strip("[]").lower()
    here = loopback and (host == "localhost" or is_loopback(host))
    _check_host(host, here=here)
    if found["scheme"] != "https" and not here:
        raise ValueError("should begin with https://")
    port = int(found["port"] or (443 if found["scheme"] == "https" else 80))
    if not (here and 0 < port < 2**16) and port not in PORTS and port not in ports:
        raise ValueError(f"port {port} is not allowed: 443, 8443 or one that the settings list")
    return Target(url, here)


def _check_host(host: str, *, here: bool) -> None:
    labels = host.split(".")
    if ":" in host or all(label.isdigit() for label in labels):
        if not here and not is_public(host):
            raise ValueError("the address is not one of the public internet")
        return
    if len(host) > HOST_CHARACTERS or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("the host is not a plain domain name")
    if _NUMBER.fullmatch(labels[-1]):
        raise ValueError("the host is an address in disguise")
    if any(label.startswith("xn--") for label in labels):
        raise ValueError("the host is an internationalised name, which may imitate another")


def resolve(host: str, port: int) -> list[str]:
    """Ask the system for every address of a name; raises OSError when there is none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def addresses(
    host: str, port: int, *, seconds: float, here: bool = False, ask: Resolve = resolve
) -> list[str]:
    """Give the addresses of a name, all of them checked (S02-S06).

    here: this machine itself passes, and nothing else. Raises AddressRefused, or OSError when
    nothing is found within `seconds`: the system's resolver has no time limit that could be set.
    """
    answers: queue.SimpleQueue[Sequence[str] | OSError] = queue.SimpleQueue()
    asking = partial(_answer, answers, partial(ask, host, port))
    threading.Thread(target=asking, daemon=True, name="resolve").start()
    try:
        found = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError("the name was not resolved in time") from None
    if isinstance(found, OSError):
        raise found
    passes = is_loopback if here else is_public
    if not 0 < len(found) <= ADDRESSES_LIMIT or not all(passes(one) for one in found):
        raise AddressRefused
    return list(found)


def _answer(
    answers: "queue.SimpleQueue[Sequence[str] | OSError]", ask: Callable[[], Sequence[str]]
) -> None:
    try:
        answers.put(ask())
    except OSError as error:
        answers.put(error)
    except UnicodeError:
        answers.put(OSError("not a name"))
