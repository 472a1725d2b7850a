"""Routes of accounts: signing up, logging in and out, and sessions.

Nobody learns from them which addresses have an account: the answers are the same, and so is the work.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from serving.answers import box_office as answers
from serving.openapi.box_office import selling
from serving.requests.addresses import address_of
from serving.requests.purchases import LogIn, SessionInPath, SignUp
from serving.requests.sessions import delete_cookie, is_from_our_own_page, session_hash, session_of, set_cookie
from serving.responses.problems import Problem
from serving.routes.box_office.replies import ask_as_buyer, desk_of, reply
from tickettape.box_office import check_password, hash_password, normal_email

router = APIRouter()

Hashed = TypeVar("Hashed")

HASHING_AT_ONCE = 2  # a hash takes 50 ms of a core and 64 MB
MOST_HASHING = 50  # requests that wait for it
TOKEN_BYTES = 32
SIGNED_UP = "You can log in now. If you had an account before, its password stays."
WRONG = "The e-mail address or the password is wrong."

_hashing = asyncio.Semaphore(HASHING_AT_ONCE)
_waiting = 0


@router.post("/users", **selling(answers.SignedUp, status=202))
async def sign_up(request: Request, body: SignUp) -> Response:
    """Make an account. The answer does not say whether there was one already."""
    email = normal_email(body.email)
    request.app.state.logins.count(address_of(request.scope))
    hashed = await _hash(hash_password, body.password)
    await desk_of(request).ask(
        "select box_office.sign_up(%(email)s, %(name)s, %(hash)s)",
        {"email": email, "name": body.full_name, "hash": hashed},
        role="accounts",
        write=True,
    )
    return await reply(request, orjson.dumps({"detail": SIGNED_UP}), status=202)


@router.post("/sessions", **selling(answers.Login, 401, 403, status=201))
async def log_in(request: Request, body: LogIn) -> Response:
    """Begin a session. Its token is in the answer or, for pages, in a cookie."""
    if body.cookie and not is_from_our_own_page(request.headers):
        raise Problem(403, "A cookie is only for pages of this service. Leave out `cookie`, and keep the token.")
    desk, logins, email = desk_of(request), request.app.state.logins, normal_email(body.email)
    account = hashlib.sha256(email.encode()).hexdigest()
    address = address_of(request.scope)
    logins.count(address, account)
    rows = await desk.ask(
        "select user_id, password_hash from box_office.credentials(%(email)s)", {"email": email}, role="accounts"
    )
    user_id, stored = rows[0] if rows else (None, _hash_of_nobody())
    right, renewed = await _hash(check_password, body.password, stored)
    if user_id is None or not right:
        raise Problem(401, WRONG, kind="session")
    logins.forget(address, account)
    if renewed:
        await desk.ask(
            "select box_office.renew_password_hash(%(user)s, %(was)s, %(becomes)s)",
            {"user": user_id, "was": stored, "becomes": renewed},
            role="accounts",
            write=True,
        )
    token = secrets.token_urlsafe(TOKEN_BYTES)
    seconds = int(request.app.state.settings.session_hours * 3600)
    told = await desk.one(
        "select box_office.open_session(%(user)s, %(hash)s, %(seconds)s)::text",
        {"user": user_id, "hash": session_hash(token), "seconds": seconds},
        role="accounts",
        write=True,
    )
    login = {**orjson.loads(told), "token": None if body.cookie else token}
    response = await reply(request, orjson.dumps(login), status=201)
    if body.cookie:
        set_cookie(response, request, token, seconds)
    return response


@router.get("/sessions", **selling(answers.Sessions, 401, session="buyer"))
async def list_sessions(request: Request) -> Response:
    """Where the user is logged in."""
    session = session_of(request)
    told = await desk_of(request).one("select box_office.sessions_answer(%(session)s)::text", session=session)
    return await reply(request, told)


@router.delete("/sessions/current", **selling(None, 401, 403, session="buyer"))
async def log_out(request: Request) -> Response:
    """End this session."""
    question = "select box_office.revoke_sessions(null, %(session)s)"
    await ask_as_buyer(request, question, write=True)
    return _logged_out(request)


@router.delete("/sessions/{session_id}", **selling(None, 401, 403, 404, session="buyer"))
async def revoke_session(request: Request, session_id: SessionInPath) -> Response:
    """End one of the user's sessions."""
    question = "select box_office.revoke_sessions(%(id)s)"
    await ask_as_buyer(request, question, {"id": session_id}, write=True)
    return Response(status_code=204)


@router.delete("/sessions", **selling(None, 401, 403, session="buyer"))
async def revoke_all_sessions(request: Request) -> Response:
    """End all of the user's sessions, this one too."""
    await ask_as_buyer(request, "select box_office.revoke_sessions()", write=True)
    return _logged_out(request)


@router.get("/me", **selling(answers.User, 401, session="buyer"))
async def get_me(request: Request) -> Response:
    """Who is logged in."""
    told = await ask_as_buyer(request, "select box_office.user_answer()::text")
    return await reply(request, told)


def _logged_out(request: Request) -> Response:
    response = Response(status_code=204)
    delete_cookie(response, request)
    return response


async def _hash(work: Callable[..., Hashed], *values: str) -> Hashed:
    """Hash in a thread, a few at once. Raises Problem 503 if too many wait."""
    global _waiting
    if _waiting >= MOST_HASHING:
        raise Problem(503, "Too many people log in at this moment. Try again.", headers={"retry-after": "5"})
    _waiting += 1
    try:
        async with _hashing:
            return await asyncio.to_thread(work, *values)
    finally:
        _waiting -= 1


@cache
def _hash_of_nobody() -> str:
    """What the password of an unknown address is compared with: it takes as long as a known one's."""
    return hash_password(secrets.token_urlsafe())
