"""Routes of the links between events of two sources: to read with any key, to decide with an operator's."""

import asyncio
from typing import Annotated, Any, Literal, LiteralString

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from serving import openapi
from serving.answers import links as link_answers
from serving.database import Database
from serving.requests import query_parameters
from serving.requests.query_parameters import LinksQuery
from serving.responses.problems import Problem
from serving.routes.events import table
from tickettape.catalogue import LinkError, decide_link, undo_decision
from tickettape.database import Warehouse

router = APIRouter(prefix="/api/links", tags=["events"])

LOCK_SECONDS = 5  # the hourly match holds the links' lock for a second or two

_LINKS: LiteralString = "select * from api.links(%(state)s, %(after_id)s::integer, %(limit)s)"
_SIDES: LiteralString = """select source, external_id, other_source, other_external_id from market.event_links
    where link_id = %(link_id)s"""

Side = tuple[str, str]


@router.get("", **openapi.answering(link_answers.EventLinks, "/api/links?state=confirmed", 304))
async def list_links(request: Request, query: Annotated[LinksQuery, Query()]) -> Response:
    """Which events of two sources are one, with the rule and its evidence: for whoever may see both events."""
    (after,) = query_parameters.decode_cursor(query.cursor, 1) if query.cursor else (None,)
    if after is not None and not (after.isdecimal() and len(after) < 10):
        raise Problem(422, "The cursor is not valid. Leave it out to begin at the start.")

    def cursor_after(last: dict[str, Any]) -> str:
        return query_parameters.encode_cursor(str(last["link_id"]))

    return await table(
        request,
        _LINKS,
        {"state": query.state, "after_id": after, "limit": query.limit},
        page=(query.limit, cursor_after),
        head={"may_decide": await _operator(request) is not None},
    )


# It is for the page of links, and no part of what the API promises.
@router.post("/{link_id}/{decision}", include_in_schema=False)
async def decide(request: Request, link_id: int, decision: Literal["confirm", "refuse", "undo"]) -> Response:
    """Confirm a link, refuse it, or take the newest change back. Only for an operator's key."""
    operator = await _operator(request)
    if operator is None:
        raise Problem(
            403,
            "Only an operator's key may decide which events are one. `tickettape keys create --operator` makes one.",
        )
    database: Database = request.app.state.database
    cursor = await database.ask(request.state.key_sha256, _SIDES, {"link_id": link_id})
    row = await cursor.fetchone()
    if row is None:
        raise Problem(404, f"There is no link {link_id}. GET /api/links lists the links that your key may see.")
    try:
        state = await asyncio.to_thread(_decide, row[:2], row[2:], decision, operator)
    except LinkError as error:
        raise Problem(409, str(error)) from None
    return JSONResponse({"link_id": link_id, "state": state}, headers={"cache-control": "no-store"})


async def _operator(request: Request) -> str | None:
    """How the key is called in the log of decisions; None if it is not an operator's."""
    database: Database = request.app.state.database
    ((operator,),) = await database.run("select access.operator_of(%(key)s)", {"key": request.state.key_sha256})
    return operator if operator is None else str(operator)


def _decide(one: Side, other: Side, decision: str, operator: str) -> str:
    """Decide, in a thread: a rare request, whose connection is closed again. Returns the new state."""
    with Warehouse().connection() as connection:
        connection.execute(f"set lock_timeout = '{LOCK_SECONDS}s'")
        if decision == "undo":
            return undo_decision(connection, one, other)
        state = {"confirm": "confirmed", "refuse": "refused"}[decision]
        decide_link(connection, one, other, state, operator)
        return state
