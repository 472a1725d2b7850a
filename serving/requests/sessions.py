"""Who a request of the box office is from: the session in its `Authorization: Bearer` header, or in its cookie.

A browser sends a cookie with whatever a page of another site makes it send. So a cookie counts for a write only if the
browser says that a page of our own has sent it. A token in the header comes from a program that knows it.
"""

import hashlib
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from serving.responses.problems import Problem

COOKIE = "tickettape_session"
PATH = "/api/box-office"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def session_in(scope: Scope, headers: Headers) -> bytes | None:
    """The SHA-256 of the request's token; None if it has none. Raises Problem 403 for a write of another site."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return session_hash(token.strip())
    token = _cookie(headers)
    if not token:
        return None
    if scope["method"] not in SAFE_METHODS and not is_from_our_own_page(headers):
        raise Problem(
            403,
            "A browser's session counts only for pages of this service. Programs send their token as "
            "`Authorization: Bearer`.",
            kind="not_yours",
        )
    return session_hash(token)


def is_from_our_own_page(headers: Headers) -> bool:
    """Whether a browser says that a page of this service has sent the request (Fetch Metadata, or else Origin)."""
    site = headers.get("sec-fetch-site")
    if site:
        return site == "same-origin"
    origin = headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def session_of(request: Request) -> bytes:
    """The session of a request. Raises Problem 401 if there is none; whether it lasts still, the database knows."""
    session: bytes | None = request.state.session_sha256
    if session is None:
        raise Problem(401, "Log in first: POST /api/box-office/sessions.", kind="session")
    return session


def session_hash(token: str) -> bytes:
    """What is stored of a token, and looked up."""
    return hashlib.sha256(token.encode()).digest()


def set_cookie(response: Response, request: Request, token: str, seconds: int) -> None:
    """Give the browser the session: for this service alone, and out of reach of scripts."""
    response.set_cookie(
        COOKIE, token, max_age=seconds, path=PATH, httponly=True, samesite="strict", secure=_is_secure(request)
    )


def delete_cookie(response: Response, request: Request) -> None:
    """Take the session from the browser."""
    response.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="strict", secure=_is_secure(request))


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _cookie(headers: Headers) -> str:
    for line in headers.getlist("cookie"):
        try:
            found = SimpleCookie(line).get(COOKIE)
        except CookieError:
            continue
        if found:
            return found.value
    return ""
