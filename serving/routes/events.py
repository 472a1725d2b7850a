"""Routes of events: search, one event, its zones, its latest prices."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, LiteralString
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving import answers, openapi
from serving.database import Database
from serving.requests import query_parameters
from serving.requests.query_parameters import EventIdInPath, EventsQuery, NoParameters
from serving.responses import formats
from serving.responses.etags import CACHE_CONTROL, REVALIDATE, client_has, etag_of, not_modified
from serving.responses.problems import Problem, no_such_event
from serving.responses.versions import version_of
from serving.routes.series import next_link

router = APIRouter(prefix="/api/events", tags=["events"])

_EVENT = f"/api/events/{answers.EVENT_ID}"

_BY_DATE: LiteralString = "coalesce({}::timestamptz, 'infinity')"  # events without a date come after all others
# first what is still to come, the soonest first; then what is past, the latest first. `now` is the first page's
_UPCOMING: LiteralString = f"""{_BY_DATE} < %(now)s::timestamptz,
    abs(extract(epoch from {_BY_DATE}) - extract(epoch from %(now)s::timestamptz))"""
_PAGES: dict[str, LiteralString] = {
    sort: f"""select * from api.events(
            search => %(search)s, venue => %(venue)s, city => %(city)s, category => %(category)s,
            performer => %(performer)s, date_from => %(date_from)s::timestamptz, date_to => %(date_to)s::timestamptz,
            active => %(active)s::boolean) as found
        where %(after)s::text is null
            or ({place.replace("{}", column)}, found.id) {than} ({place.replace("{}", "%(after)s")}, %(after_id)s::uuid)
        order by {place.replace("{}", column)} {order}, found.id {order} limit %(limit)s"""  # noqa: S608
    for sort, place, column, than, order in (
        ("upcoming", _UPCOMING, "found.date", ">", "asc"),
        ("date", _BY_DATE, "found.date", ">", "asc"),
        ("-date", _BY_DATE, "found.date", "<", "desc"),
        ("name", "{}::text", "found.name", ">", "asc"),
        ("-name", "{}::text", "found.name", "<", "desc"),
    )
}


@router.get("", **openapi.answering(answers.EventPage, "/api/events?city=Chicago&date_from=2026-12-01", 304))
async def list_events(request: Request, query: Annotated[EventsQuery, Query()]) -> Response:
    """Events by name, venue, city, category, performer and date, without regard to case and accents.

    What is still to come is first.
    """
    sort, now, after, after_id = (
        query_parameters.decode_cursor(query.cursor, 4)
        if query.cursor
        else (query.sort, datetime.now(UTC).isoformat(), None, None)
    )
    if sort != query.sort:
        raise Problem(422, f"The cursor is from a response sorted by {sort}, but sort is {query.sort}.")

    def cursor_after(last: dict[str, Any]) -> str:
        place = last["name" if sort.endswith("name") else "date"]
        place = "infinity" if place is None else place if isinstance(place, str) else place.isoformat()
        return query_parameters.encode_cursor(sort, now, place, str(last["id"]))

    values = query.model_dump() | {"now": now, "after": after, "after_id": after_id}
    return await table(request, _PAGES[sort], values, page=(query.limit, cursor_after))


@router.get("/{event_id}", **openapi.answering(answers.EventDetail, f"{_EVENT}", 304, 404))
async def get_event(request: Request, event_id: EventIdInPath, query: Annotated[NoParameters, Query()]) -> Response:
    """One event: its catalogue entry, its newest ok capture, and what is for sale at it."""
    return await _of_event(request, event_id, "select * from api.event(%(event_id)s::uuid)", one=True)


@router.get("/{event_id}/zones", **openapi.answering(answers.EventZones, f"{_EVENT}/zones", 304, 404))
async def list_zones(request: Request, event_id: EventIdInPath, query: Annotated[NoParameters, Query()]) -> Response:
    """The event's zones in the marketplace's order, with their sections and what is for sale."""
    return await _of_event(request, event_id, "select * from api.zones(%(event_id)s::uuid)")


@router.get("/{event_id}/latest", **openapi.answering(answers.LatestPrices, f"{_EVENT}/latest", 304, 404))
async def get_latest_prices(
    request: Request, event_id: EventIdInPath, query: Annotated[NoParameters, Query()]
) -> Response:
    """The latest prices of the event's zones: at its newest ok capture, which `timestamp` names."""
    return await _of_event(request, event_id, "select * from api.latest_prices(%(event_id)s::uuid)")


async def _of_event(request: Request, event_id: UUID, question: LiteralString, *, one: bool = False) -> Response:
    database: Database = request.app.state.database
    key: bytes = request.state.key_sha256
    version = await version_of(database, key, event_id)
    if version is None:
        raise no_such_event(event_id)
    etag = etag_of(key, version, [request.url.path, request.headers.get("accept")])
    if client_has(request, etag):
        return not_modified(etag)
    request.state.event_id = event_id
    headers = {"etag": etag, "cache-control": CACHE_CONTROL}
    return await table(request, question, {"event_id": event_id}, headers=headers, one=one)


async def table(
    request: Request,
    question: LiteralString,
    values: dict[str, Any],
    *,
    headers: dict[str, str] | None = None,
    page: tuple[int, Callable[[dict[str, Any]], str]] | None = None,
    head: dict[str, Any] | None = None,
    one: bool = False,
) -> Response:
    """The rows of a query in the format that the request asks for. JSON: {"data": [...]}, or with `one` the row.

    `page`: the most rows, and the cursor after the last. `head`: what JSON states beside the rows.
    """
    database: Database = request.app.state.database
    media_type = formats.accepted_media_type(request)
    cursor = await database.ask(request.state.key_sha256, question, values, floats=media_type == formats.JSON)
    found, columns = await formats.rows_of(cursor), cursor.description or ()
    names = [column.name for column in columns]
    headers = headers or {"cache-control": REVALIDATE}
    next_cursor = None
    if page and len(found) == page[0]:
        next_cursor = page[1](dict(zip(names, found[-1], strict=True)))
        headers["link"] = next_link(request, next_cursor)
    if media_type == formats.CSV:
        body = told = await formats.as_csv(names, found)
    elif media_type == formats.PARQUET:
        body = told = await formats.as_parquet([(column.name, column.type_code) for column in columns], found)
    else:
        rows = [dict(zip(names, row, strict=True)) for row in found]
        told = orjson.dumps(rows[0] if one else rows, default=float)
        around = (head or {}) | ({"next_cursor": next_cursor} if page else {})
        body = told if one else orjson.dumps(around | {"data": orjson.Fragment(told)}, default=float)
    if "etag" not in headers:
        # of the rows, because the cursor in the body differs each time
        headers["etag"] = etag_of(request.state.key_sha256, None, [media_type, request.url.query, told])
        if client_has(request, headers["etag"]):
            return not_modified(headers["etag"], headers["cache-control"])
    return await formats.respond(request, body, media_type, headers)
