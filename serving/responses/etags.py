"""ETags: the version of a response, and whether the client has it already (RFC 9110, If-None-Match)."""

import hashlib
import re

from starlette.requests import Request
from starlette.responses import Response

from serving.responses.formats import VARY

CACHE_CONTROL = "private, max-age=300"
REVALIDATE = "private, no-cache"  # for searches: an ETag of the whole response, which spares only its transfer

_TAG = re.compile(r'"[^"]*"')


def etag_of(key: bytes, version: str | None, about: object) -> str:
    """The ETag of a response. It is weak, because it is the same with and without gzip. No two keys share one."""
    return f'W/"{hashlib.blake2b(repr((version, about)).encode(), digest_size=15, key=key).hexdigest()}"'


def client_has(request: Request, etag: str) -> bool:
    """Whether If-None-Match names the ETag in its list, weak or not, or is `*`, which means any version."""
    known = ", ".join(request.headers.getlist("if-none-match"))
    return known.strip() == "*" or etag.removeprefix("W/") in _TAG.findall(known)


def not_modified(etag: str, cache_control: str = CACHE_CONTROL) -> Response:
    """A 304: the client already has this response."""
    return Response(status_code=304, headers={"etag": etag, "cache-control": cache_control, "vary": VARY})
