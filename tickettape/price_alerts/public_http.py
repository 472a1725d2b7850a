"""POST to addresses that tenants have chosen, without reaching what they could not reach themselves.

A name is resolved once, every address that it has is judged, and the connection goes to one that was judged: a name
that answers otherwise the next time changes nothing. Redirects are not followed, and no proxy is asked.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

SECONDS = 10.0  # for a whole request

Resolve = Callable[[str, int], list[str]]

_EMBEDS_IPV4 = tuple(
    ipaddress.ip_network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "::/96")
)
"""IPv6 networks whose addresses lead to an IPv4 address."""


class ForbiddenAddressError(Exception):
    """An address is not public, or a URL names none."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer without its body, and its Retry-After in seconds if it has one."""

    status: int
    retry_after: float | None


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet: not private, loopback, link-local, multicast or reserved."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in _EMBEDS_IPV4):
            return False
    return ip.is_global and not ip.is_multicast


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system resolves it. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def allowed_address(host: str, port: int, *, private: bool, resolved: Resolve = resolve) -> str:
    """An address of the host to connect to. Raises ForbiddenAddressError if any of them is not public.

    `private`: the operator allows all addresses.
    """
    try:
        addresses = resolved(host, port)
    except (OSError, UnicodeError) as error:
        raise ForbiddenAddressError(f"The name {host} cannot be resolved.") from error
    if not addresses:
        raise ForbiddenAddressError(f"The name {host} has no address.")
    if not private and not all(map(is_public, addresses)):
        raise ForbiddenAddressError(
            f"{host} is not a public address. An operator can allow it with PRICE_ALERTS_PRIVATE_ADDRESSES."
        )
    return addresses[0]


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    private: bool = False,
    params: Mapping[str, str] | None = None,
    resolved: Resolve = resolve,
    seconds: float = SECONDS,
) -> Answer:
    """POST to a URL. Raises ForbiddenAddressError, or httpx.HTTPError if no answer comes."""
    asked = httpx.URL(url, params=params) if params else httpx.URL(url)
    if asked.scheme not in ("http", "https") or not asked.host or asked.userinfo:
        raise ForbiddenAddressError("A destination's URL begins with https:// or http://, and has no user in it.")
    port = asked.port or (443 if asked.scheme == "https" else 80)
    address = allowed_address(asked.host, port, private=private, resolved=resolved)
    request = httpx.Request(
        "POST",
        asked.copy_with(host=address),
        content=body,
        headers={**headers, "host": asked.netloc.decode()},
        extensions={"sni_hostname": asked.host},
    )

    async def answer() -> Answer:
        # the time-outs of httpx are between two bytes, and a receiver that sends one now and then would never end
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(timeout=seconds, follow_redirects=False, trust_env=False) as client,
        ):
            response = await client.send(request, stream=True)
            try:
                retry_after = response.headers.get("retry-after", "")
                return Answer(response.status_code, float(retry_after) if retry_after.isdecimal() else None)
            finally:
                await response.aclose()

    try:
        return asyncio.run(answer())
    except TimeoutError:
        raise httpx.ReadTimeout(f"No answer came within {seconds:g} seconds.") from None
