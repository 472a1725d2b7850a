"""Sign requests to Ticket Evolution: base64(HMAC-SHA256(secret, "GET host/path?query")). Pure.

The query is sorted by key, and the "?" is there even without a query. Nothing in the signature is a time, so a retry
may send it again. What is signed must be what is sent, byte for byte.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping

import httpx

METHOD = "GET"


def sorted_query(params: Mapping[str, str]) -> dict[str, str]:
    """The parameters in the order in which they are signed and sent."""
    return dict(sorted(params.items()))


def signature(secret: str, address: str, params: Mapping[str, str]) -> str:
    """The value of `X-Signature`. `address` is the host and the path, without the scheme."""
    query = httpx.QueryParams(sorted_query(params))  # it encodes a blank as +, as httpx sends it
    digest = hmac.new(secret.encode(), f"{METHOD} {address}?{query}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
