"""Routes over all events: the board, and the zones whose prices changed most."""

from typing import Annotated, Any, LiteralString

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving import openapi
from serving.answers import board as board_answers
from serving.requests import query_parameters
from serving.requests.query_parameters import BoardQuery, MoversQuery
from serving.responses.problems import Problem
from serving.routes.events import table

router = APIRouter(prefix="/api", tags=["events"])

_BOARD: LiteralString = """select * from api.board(
    search => %(search)s, venue => %(venue)s, city => %(city)s, category => %(category)s, performer => %(performer)s,
    date_from => %(date_from)s::timestamptz, date_to => %(date_to)s::timestamptz, active => %(active)s::boolean,
    tickets => %(tickets)s::integer, basis => %(basis)s, sort => %(sort)s, by_performer => %(by_performer)s,
    after_id => %(after_id)s::uuid, max_rows => %(limit)s, one_side => %(one_side)s)"""
_MOVERS: LiteralString = """select * from api.movers(
    days => %(days)s::integer, tickets => %(tickets)s::integer, basis => %(basis)s, direction => %(direction)s,
    search => %(search)s, venue => %(venue)s, city => %(city)s, category => %(category)s, performer => %(performer)s,
    date_from => %(date_from)s::timestamptz, date_to => %(date_to)s::timestamptz, active => %(active)s::boolean,
    after_event => %(after_event)s::uuid, after_zone => %(after_zone)s, max_rows => %(limit)s)"""


@router.get("/board", **openapi.answering(board_answers.Board, "/api/board?city=Chicago&tickets=2&sort=movers", 304))
async def list_board(request: Request, query: Annotated[BoardQuery, Query()]) -> Response:
    """Events as rows: get-in price and its changes, the week as a sparkline, what is left and what was sold."""
    order = f"{query.group or ''} {query.sort}"
    cursor_order, after = query_parameters.decode_cursor(query.cursor, 2) if query.cursor else (order, None)
    if cursor_order != order:
        raise Problem(422, f"The cursor is from a response sorted by {cursor_order}, but this is sorted by {order}.")
    values = query.model_dump() | {"after_id": after, "by_performer": query.group is not None}
    values["one_side"] = query.sides == "one"
    return await table(
        request,
        _BOARD,
        values,
        page=(query.limit, lambda last: query_parameters.encode_cursor(order, str(last["id"]))),
        head=query.model_dump(include={"tickets", "basis"}),
    )


@router.get("/movers", **openapi.answering(board_answers.Movers, "/api/movers?days=7&direction=down", 304))
async def list_movers(request: Request, query: Annotated[MoversQuery, Query()]) -> Response:
    """The zones whose lowest price changed most in 1, 7 or 30 days, the largest share first."""
    after_event, after_zone = query_parameters.decode_cursor(query.cursor, 2) if query.cursor else (None, None)

    def cursor_after(last: dict[str, Any]) -> str:
        return query_parameters.encode_cursor(str(last["event_id"]), last["zone"])

    return await table(
        request,
        _MOVERS,
        query.model_dump() | {"after_event": after_event, "after_zone": after_zone},
        page=(query.limit, cursor_after),
        head=query.model_dump(include={"days", "tickets", "basis"}),
    )
