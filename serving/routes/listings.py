"""Routes of single listings: those of an event at a tick, and the history of one."""

from datetime import datetime
from typing import Annotated, Any, LiteralString
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving import answers, openapi
from serving.answers import listings as listing_answers
from serving.database import Database
from serving.requests import query_parameters
from serving.requests.query_parameters import EventIdInPath, ListingHistoryQuery, ListingIdInPath, ListingsQuery
from serving.responses.etags import CACHE_CONTROL, client_has, etag_of, not_modified
from serving.responses.problems import no_such_event
from serving.routes.events import table

router = APIRouter(prefix="/api/events/{event_id}/listings", tags=["events"])

_LISTINGS = f"/api/events/{answers.EVENT_ID}/listings"

_PAGE: LiteralString = """select * from api.listings(
    event_id => %(event_id)s::uuid, at => %(seen_at)s::timestamptz, zone => %(zone)s, tickets => %(tickets)s::integer,
    basis => %(basis)s, after_price => %(after_price)s::numeric, after_listing => %(after_listing)s,
    max_rows => %(limit)s)"""
_STATES: LiteralString = """select * from api.listing_history(
    event_id => %(event_id)s::uuid, listing_id => %(listing_id)s, after_tick => %(after_tick)s::timestamptz,
    max_rows => %(limit)s)"""


@router.get(
    "", **openapi.answering(listing_answers.Listings, f"{_LISTINGS}?at=2026-11-20T12:50:00Z&tickets=2", 304, 404)
)
async def list_listings(
    request: Request, event_id: EventIdInPath, query: Annotated[ListingsQuery, Query()]
) -> Response:
    """The listings of the event now, or at any earlier tick, the cheapest first."""
    # the pages are those of one tick, whatever is captured meanwhile
    at, price, listing = query_parameters.decode_cursor(query.cursor, 3) if query.cursor else (query.at, None, None)
    etag, currency, seen_at = await _known(request, event_id, at)
    if client_has(request, etag):
        return not_modified(etag)

    def cursor_after(last: dict[str, Any]) -> str:
        place = last["all_in_price" if query.basis == "all_in" else "price"]
        place = "Infinity" if place is None else str(place)
        return query_parameters.encode_cursor(last["timestamp"].isoformat(), place, last["listing_id"])

    asked = query.model_dump(include={"zone", "tickets", "basis"})
    values = asked | {"event_id": event_id, "seen_at": seen_at or at, "limit": query.limit}
    return await table(
        request,
        _PAGE,
        values | {"after_price": price, "after_listing": listing},
        headers={"etag": etag, "cache-control": CACHE_CONTROL},
        page=(query.limit, cursor_after),
        head={"event_id": event_id, "timestamp": seen_at, "currency": currency} | asked,
    )


@router.get(
    "/{listing_id}/history",
    **openapi.answering(
        listing_answers.ListingHistory, f"{_LISTINGS}/{listing_answers.LISTING_ID}/history?limit=100", 304, 404
    ),
)
async def get_listing_history(
    request: Request,
    event_id: EventIdInPath,
    listing_id: ListingIdInPath,
    query: Annotated[ListingHistoryQuery, Query()],
) -> Response:
    """Every state of one listing: from when until when it was for sale so."""
    (after,) = query_parameters.decode_cursor(query.cursor, 1) if query.cursor else (None,)
    etag, currency, _ = await _known(request, event_id, None)
    if client_has(request, etag):
        return not_modified(etag)
    return await table(
        request,
        _STATES,
        {"event_id": event_id, "listing_id": listing_id, "after_tick": after, "limit": query.limit},
        headers={"etag": etag, "cache-control": CACHE_CONTROL},
        page=(query.limit, lambda last: query_parameters.encode_cursor(last["from_tick"].isoformat())),
        head={"event_id": event_id, "listing_id": listing_id, "currency": currency},
    )


async def _known(
    request: Request, event_id: UUID, at: datetime | str | None
) -> tuple[str, str | None, datetime | None]:
    """The ETag of the response, the event's currency, and the tick that shows its listings. Raises Problem 404."""
    database: Database = request.app.state.database
    key: bytes = request.state.key_sha256
    cursor = await database.ask(
        key,
        """select api.data_version(events.id), events.currency,
               api.listings_seen_at(events.id, %(at)s::timestamptz)
           from market.events where events.id = %(event_id)s::uuid""",
        {"event_id": event_id, "at": at},
    )
    found = await cursor.fetchone()
    if found is None:
        raise no_such_event(event_id)
    version, currency, seen_at = found
    request.state.event_id = event_id
    return etag_of(key, version, [str(request.url), request.headers.get("accept"), seen_at]), currency, seen_at
