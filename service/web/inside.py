"""Did a request come from inside? Metrics are shown to nobody else, and health tells them less."""

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import Scope

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


class Inside:
    """networks: whose addresses are inside. proxied: a proxy is trusted to say who asked."""

    def __init__(self, networks: Sequence[str], *, proxied: bool) -> None:
        self._networks = [ipaddress.ip_network(each) for each in networks]
        self._proxied = proxied

    def is_from(self, scope: Scope) -> bool:
        """By the socket's address; what an unknown proxy passed on may come from anywhere."""
        headers = Headers(scope=scope)
        if not self._proxied and any(name in headers for name in _FORWARDED):
            return False
        try:
            address = ipaddress.ip_address((scope.get("client") or ("",))[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address):
            address = address.ipv4_mapped or address
        return any(address in network for network in self._networks)
