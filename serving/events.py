"""Routes of events: search, one event, its zones, its latest prices."""

from typing import Annotated, Any, LiteralString
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving import answers, formats, openapi, query_parameters
from serving.database import Database
from serving.problems import Problem
from serving.query_parameters import EventIdInPath, EventsQuery, NoParameters
from serving.series import CACHE_CONTROL, etag_of, next_link, not_modified, version_of

router = APIRouter(prefix="/api/events", tags=["events"])

_EVENT = f"/api/events/{answers.EVENT_ID}"

_DATE: LiteralString = "coalesce(found.date, 'infinity')"  # events without a date come after all others
_PAGES: dict[str, LiteralString] = {
    sort: f"""select * from api.events(
            search => %(search)s, venue => %(venue)s, city => %(city)s, category => %(category)s,
            performer => %(performer)s, date_from => %(date_from)s::timestamptz, date_to => %(date_to)s::timestamptz,
            active => %(active)s::boolean) as found
        where %(after)s::text is null or ({column}, found.id) {than} (%(after)s::{kind}, %(after_id)s::uuid)
        order by {column} {order}, found.id {order} limit %(limit)s"""  # noqa: S608
    for sort, column, kind, than, order in (
        ("date", _DATE, "timestamptz", ">", "asc"),
        ("-date", _DATE, "timestamptz", "<", "desc"),
        ("name", "found.name", "text", ">", "asc"),
        ("-name", "found.name", "text", "<", "desc"),
    )
}


@router.get("", **openapi.answering(answers.EventPage, "/api/events?city=Chicago&date_from=2026-12-01&sort=date"))
async def list_events(request: Request, query: Annotated[EventsQuery, Query()]) -> Response:
    """Events by name, venue, city, category, performer and date."""
    sort, after, after_id = (
        query_parameters.decode_cursor(query.cursor, 3) if query.cursor else (query.sort, None, None)
    )
    if sort != query.sort:
        raise Problem(422, f"The cursor is from a response sorted by {sort}, but sort is {query.sort}.")
    values = query.model_dump() | {"after": after, "after_id": after_id}
    return await _table(request, _PAGES[query.sort], values, paged_by=query.sort, limit=query.limit)


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
        raise Problem(404, f"There is no event {event_id}. GET /api/events lists the events that your key may see.")
    etag = etag_of(key, version, [request.url.path, request.headers.get("accept")])
    if etag in request.headers.get("if-none-match", ""):
        return not_modified(etag)
    request.state.event_id = event_id
    headers = {"etag": etag, "cache-control": CACHE_CONTROL}
    return await _table(request, question, {"event_id": event_id}, headers=headers, one=one)


async def _table(
    request: Request,
    question: LiteralString,
    values: dict[str, Any],
    *,
    headers: dict[str, str] | None = None,
    paged_by: str | None = None,
    limit: int | None = None,
    one: bool = False,
) -> Response:
    """The rows of a query in the format that the request asks for. JSON: {"data": [...]}, or with `one` the row."""
    database: Database = request.app.state.database
    media_type = formats.accepted_media_type(request)
    cursor = await database.ask(request.state.key_sha256, question, values)
    found, columns = await cursor.fetchall(), cursor.description or ()
    names = [column.name for column in columns]
    headers = headers or {"cache-control": "private, no-cache"}
    next_cursor = None
    if paged_by and len(found) == limit:
        last = dict(zip(names, found[-1], strict=True))
        after = last[paged_by.lstrip("-")]
        after = "infinity" if after is None else after if isinstance(after, str) else after.isoformat()
        next_cursor = query_parameters.encode_cursor(paged_by, after, str(last["id"]))
        headers["link"] = next_link(request, next_cursor)
    if media_type == formats.CSV:
        body = formats.as_csv(names, found)
    elif media_type == formats.PARQUET:
        body = formats.as_parquet([(column.name, column.type_code) for column in columns], found)
    else:
        rows = [dict(zip(names, row, strict=True)) for row in found]
        answer = rows[0] if one else {"data": rows} | ({"next_cursor": next_cursor} if paged_by else {})
        body = orjson.dumps(answer, default=float)
    return formats.respond(request, body, media_type, headers)
