"""Where a request comes from, and under which name it reached the service."""

import ipaddress
from functools import lru_cache

from starlette.types import Scope


def address_of(scope: Scope) -> str:
    """The client's address; of IPv6 its network of 64 bits, because one client has all of it.

    Behind a proxy it is the one that the proxy names, if uvicorn trusts the proxy (FORWARDED_ALLOW_IPS).
    """
    client = scope.get("client")
    return _network_of(client[0]) if client else ""


@lru_cache(maxsize=10_000)
def _network_of(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else host


def is_own_host(header: str, public_hosts: list[str]) -> bool:
    """Whether the Host header names the service itself: a loopback name, an address, or one of PUBLIC_HOSTS.

    A page of another site can make its own name lead to this service (DNS rebinding), and then read what the service
    returns. It cannot do so with an address, which is no name.
    """
    name = _name_in(header)
    if name == "localhost" or name.endswith(".localhost") or name in {host.lower() for host in public_hosts}:
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _name_in(header: str) -> str:
    """The host without its port: `localhost:5000`, `[::1]:5000`."""
    name, _, port = header.lower().rpartition(":")
    return (name if name and port.isdigit() else header.lower()).rstrip(".")
