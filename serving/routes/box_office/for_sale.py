"""Routes of what is for sale. They need no session. What is left is never cached."""

from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.answers import box_office as answers
from serving.openapi.box_office import selling
from serving.requests import query_parameters
from serving.requests.purchases import EventInPath, EventsOnSaleQuery, SectionInPath
from serving.responses.etags import client_has, etag_of
from serving.responses.problems import Problem
from serving.routes.box_office.replies import desk_of, reply, reply_cached
from serving.shared_work import SharedWork

router = APIRouter()

MOST_MAPS = 16  # seat maps that a process keeps, each with some kilobytes


def no_event(event_id: int) -> str:
    """The refusal of an event that is not there, or a draft."""
    return f"There is no event {event_id}. GET /api/box-office/events lists those on sale."


@router.get("/settings", **selling(answers.SellingRules))
async def get_selling_rules(request: Request) -> Response:
    """How long holds and orders last, who takes the money, and who is logged in."""
    desk = desk_of(request)
    rules = orjson.loads(await desk.one("select box_office.rules_answer()::text"))
    key = request.app.state.settings.stripe_publishable_key
    about = {"provider": desk.provider, "stripe_publishable_key": key or None, "user": await _user(request)}
    return await reply(request, orjson.dumps(about | rules))


async def _user(request: Request) -> orjson.Fragment | None:
    session: bytes | None = request.state.session_sha256
    if session is None:
        return None
    try:
        return orjson.Fragment(await desk_of(request).one("select box_office.user_answer()::text", session=session))
    except Problem as problem:
        if problem.status == HTTPStatus.UNAUTHORIZED:  # it has ended
            return None
        raise


@router.get("/events", **selling(answers.EventsOnSale))
async def list_events_on_sale(request: Request, query: Annotated[EventsOnSaleQuery, Query()]) -> Response:
    """Events that are on sale and still to come, the soonest first, with what is left of each."""
    after_start, after_id = query_parameters.decode_cursor(query.cursor, 2) if query.cursor else (None, None)
    rows = await desk_of(request).ask(
        """select event::text, start_time, id from box_office.events_answer(%(search)s, %(city)s, %(category)s,
               %(start_from)s::timestamptz, %(start_to)s::timestamptz, %(after_start)s::timestamptz,
               %(after_id)s::bigint, %(limit)s)""",
        query.model_dump() | {"after_start": after_start, "after_id": after_id},
    )
    next_cursor = None
    if len(rows) == query.limit:
        _, start_time, event_id = rows[-1]
        next_cursor = query_parameters.encode_cursor(start_time.isoformat(), str(event_id))
    data = [orjson.Fragment(event) for event, _, _ in rows]
    return await reply(request, orjson.dumps({"data": data, "next_cursor": next_cursor}))


@router.get("/events/{event_id}", **selling(answers.ForSale, 304, 404))
async def get_event_for_sale(request: Request, event_id: EventInPath) -> Response:
    """An event's details: what does not change as people buy."""
    told = await desk_of(request).one("select box_office.event_answer(%(event)s)::text", {"event": event_id})
    if told is None:
        raise Problem(404, no_event(event_id), kind="unknown")
    return await reply_cached(request, told, told.encode())


@router.get("/events/{event_id}/availability", **selling(answers.Availability, 404))
async def get_availability(request: Request, event_id: EventInPath) -> Response:
    """What is left of an event: its tiers, and the free seats of its sections."""
    desk, asked = desk_of(request), request.app.state.availability
    question = "select box_office.availability_answer(%(event)s)::text"
    # counting 80,000 seats takes some 20 ms: who asks at the same time is answered together, and nobody with the past
    shared = asked.setdefault(event_id, SharedWork(lambda: desk.one(question, {"event": event_id})))
    try:
        told = await shared.result()
    finally:
        if len(asked) > MOST_MAPS:
            asked.pop(next(iter(asked)))
    return await reply(request, told, no_event(event_id))


@router.get("/events/{event_id}/seat-map", **selling(answers.SeatMap, 304, 404))
async def get_seat_map(request: Request, event_id: EventInPath) -> Response:
    """The shape of an event's sections, to draw them before their seats are asked for."""
    desk, maps = desk_of(request), request.app.state.seat_maps
    version = await desk.one("select box_office.seat_map_version(%(event)s)", {"event": event_id})
    if version is None:
        raise Problem(404, no_event(event_id), kind="unknown")
    if version not in maps and not client_has(request, etag_of(b"box office", version, request.url.path)):
        told = await desk.one("select box_office.seat_map_answer(%(event)s)::text", {"event": event_id})
        maps[version] = told.encode()
        while len(maps) > MOST_MAPS:
            del maps[next(iter(maps))]
    return await reply_cached(request, version, maps.get(version, b""))


@router.get("/events/{event_id}/sections/{section}/seats", **selling(answers.SectionSeats, 404))
async def get_section_seats(request: Request, event_id: EventInPath, section: SectionInPath) -> Response:
    """The seats of a section, row by row, and whether they are free."""
    values: dict[str, Any] = {"event": event_id, "section": section}
    told = await desk_of(request).one("select box_office.section_answer(%(event)s, %(section)s)::text", values)
    return await reply(request, told, f"Event {event_id} has no section {section}.")
