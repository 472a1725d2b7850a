"""What the routes of the box office share: asking the desk as somebody, and replies of JSON from the database."""

from typing import Any, LiteralString

import orjson
from fastapi import Request
from starlette.responses import Response

from serving.box_office_desk import Desk
from serving.requests.sessions import session_of
from serving.responses import formats
from serving.responses.etags import client_has, etag_of, not_modified
from serving.responses.problems import Problem

FRESH = "no-store"  # what is left changes with every sale
DETAILS_SECONDS = 300
CACHED = f"public, max-age={DETAILS_SECONDS}"
_EVERYBODY = b"box office"  # the details are the same for all


def desk_of(request: Request) -> Desk:
    """The desk of this process."""
    desk: Desk = request.app.state.desk
    return desk


async def ask_as_buyer(
    request: Request, question: LiteralString, values: dict[str, Any] | None = None, *, write: bool = False
) -> Any:
    """The one value that a statement returns to the buyer who asks. Raises Problem."""
    return await desk_of(request).one(question, values, session=session_of(request), write=write)


async def ask_as_promoter(
    request: Request, question: LiteralString, values: dict[str, Any] | None = None, *, write: bool = False
) -> Any:
    """The one value that a statement returns to the promoter who asks. Raises Problem."""
    session = session_of(request)
    return await desk_of(request).one(question, values, session=session, role="promoter", write=write)


async def reply(request: Request, told: str | bytes | None, missing: str = "", status: int = 200) -> Response:
    """JSON that nobody may keep. Raises Problem 404 with `missing` if there is none."""
    if told is None:
        raise Problem(404, missing, kind="unknown")
    body = told.encode() if isinstance(told, str) else told
    response = await formats.respond(request, body, formats.JSON, {"cache-control": FRESH})
    response.status_code = status
    return response


async def reply_cached(request: Request, version: str, body: bytes) -> Response:
    """JSON that everybody may keep for DETAILS_SECONDS, and then ask whether it has changed."""
    etag = etag_of(_EVERYBODY, version, request.url.path)
    if client_has(request, etag):
        return not_modified(etag, CACHED)
    return await formats.respond(request, body, formats.JSON, {"cache-control": CACHED, "etag": etag})


def only_one(told: str | None, missing: str) -> str:
    """The one row of `{"data": [...]}`. Raises Problem 404."""
    rows: list[Any] = orjson.loads(told or '{"data": []}')["data"]
    if not rows:
        raise Problem(404, missing, kind="unknown")
    return orjson.dumps(rows[0]).decode()
