"""Routes of promoters: their events, tiers, seats and prices."""

from typing import Any, LiteralString

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from serving.answers import promoters as answers
from serving.middleware import MOST_FILE_BYTES
from serving.openapi.box_office import WRITES, selling, taking_a_file
from serving.requests.bodies import lines_of
from serving.requests.promotions import ChangedEvent, ChangedTier, NewEvent, NewPrices, NewTier
from serving.requests.purchases import EventInPath, IdempotencyKey, TierInPath
from serving.responses.problems import Problem
from serving.routes.box_office.replies import ask_as_promoter, only_one, reply
from tickettape.box_office import RefusedError, WrongLinesError, parse_seats

router = APIRouter(prefix="/promoter")

FILE_SECONDS = 60.0


@router.get("/events", **selling(answers.PromoterEvents, 401, 403, session="promoter"))
async def list_promoter_events(request: Request) -> Response:
    """The promoter's events, also drafts and past ones, with their sales."""
    return await reply(request, await ask_as_promoter(request, "select box_office.promoter_events_answer()::text"))


@router.post("/events", **selling(answers.PromoterEvent, 401, 403, 409, status=201, session="promoter"))
async def create_event(request: Request, body: NewEvent, idempotency_key: IdempotencyKey) -> Response:
    """Create an event. It is a draft until it is put on sale."""
    question: LiteralString = "box_office.create_promoter_event(%(fields)s::jsonb, %(key)s)"
    return await _event(request, question, {"fields": _fields(body), "key": idempotency_key}, 201)


@router.get("/events/{event_id}", **selling(answers.PromoterEvent, 401, 403, 404, session="promoter"))
async def get_promoter_event(request: Request, event_id: EventInPath) -> Response:
    """One of the promoter's events, with its sales."""
    question = "select box_office.promoter_events_answer(%(event)s)::text"
    told = await ask_as_promoter(request, question, {"event": event_id})
    return await reply(request, only_one(told, f"You have no event {event_id}."))


@router.patch("/events/{event_id}", **selling(answers.PromoterEvent, *WRITES, session="promoter"))
async def change_event(
    request: Request, event_id: EventInPath, body: ChangedEvent, idempotency_key: IdempotencyKey
) -> Response:
    """Change an event, or put it on sale or off."""
    question: LiteralString = "box_office.change_promoter_event(%(event)s, %(fields)s::jsonb, %(key)s)"
    return await _event(request, question, {"event": event_id, "fields": _fields(body), "key": idempotency_key})


@router.get("/events/{event_id}/tiers", **selling(answers.PromoterTiers, 401, 403, 404, session="promoter"))
async def list_promoter_tiers(request: Request, event_id: EventInPath) -> Response:
    """An event's tiers with their stock."""
    question = "select box_office.promoter_tiers_answer(%(event)s)::text"
    return await reply(request, await ask_as_promoter(request, question, {"event": event_id}))


@router.post("/events/{event_id}/tiers", **selling(answers.PromoterTier, *WRITES, status=201, session="promoter"))
async def add_tier(request: Request, event_id: EventInPath, body: NewTier, idempotency_key: IdempotencyKey) -> Response:
    """Add tickets that are sold by quantity."""
    question: LiteralString = "box_office.add_promoter_tier(%(event)s, %(fields)s::jsonb, %(key)s)"
    return await _tier(request, question, {"event": event_id, "fields": _fields(body), "key": idempotency_key}, 201)


@router.patch("/events/{event_id}/tiers/{tier_id}", **selling(answers.PromoterTier, *WRITES, session="promoter"))
async def change_tier(
    request: Request, event_id: EventInPath, tier_id: TierInPath, body: ChangedTier, idempotency_key: IdempotencyKey
) -> Response:
    """Change a tier's price or quantity, or take it off sale. Orders that exist keep their price."""
    question: LiteralString = """box_office.change_promoter_tier(%(event)s, %(tier)s, %(price)s::numeric,
        %(quantity)s::integer, %(is_active)s::boolean, %(reason)s, %(key)s)"""
    values = body.model_dump() | {"event": event_id, "tier": tier_id, "key": idempotency_key}
    return await _tier(request, question, values)


@router.post("/events/{event_id}/seats", **taking_a_file(answers.SeatsAdded, *WRITES))
async def add_seats(request: Request, event_id: EventInPath, idempotency_key: IdempotencyKey) -> Response:
    """Add the seats of a CSV file, all of them or none."""
    await ask_as_promoter(request, "select box_office.check_seller(%(event)s)", {"event": event_id})
    lines = await lines_of(request, MOST_FILE_BYTES, FILE_SECONDS)
    try:
        seats = parse_seats(lines, "The file")
    except WrongLinesError as error:
        wrong = [{"parameter": f"line {line}", "message": message} for line, message in error.lines]
        raise Problem(422, str(error), kind=error.kind, errors=wrong) from None
    except RefusedError as error:
        raise Problem(422, str(error), kind=error.kind) from None
    if not seats:
        raise Problem(422, "The file has no seats.", kind="limit")
    added = await ask_as_promoter(
        request,
        """select box_office.add_promoter_seats(
               %(event)s, %(sections)s::text[], %(rows)s::text[], %(numbers)s::text[], %(prices)s::numeric[],
               %(key)s)""",
        {
            "event": event_id,
            "sections": [seat.section for seat in seats],
            "rows": [seat.row_number for seat in seats],
            "numbers": [seat.seat_number for seat in seats],
            "prices": [seat.price for seat in seats],
            "key": idempotency_key,
        },
        write=True,
    )
    return await reply(request, orjson.dumps({"seats_added": added}), status=201)


@router.post("/events/{event_id}/prices", **selling(answers.SeatsRepriced, *WRITES, session="promoter"))
async def change_prices(
    request: Request, event_id: EventInPath, body: NewPrices, idempotency_key: IdempotencyKey
) -> Response:
    """Multiply the base prices of free seats. What is held or sold keeps its price."""
    changed = await ask_as_promoter(
        request,
        "select box_office.change_promoter_prices(%(event)s, %(multiplier)s, %(section)s, %(reason)s, %(key)s)",
        body.model_dump() | {"event": event_id, "key": idempotency_key},
        write=True,
    )
    return await reply(request, orjson.dumps({"seats_changed": changed}))


def _fields(body: NewEvent | ChangedEvent | NewTier) -> str:
    """A body as JSON. Of a change, only what the client has named."""
    return orjson.dumps(body.model_dump(mode="json", exclude_unset=isinstance(body, ChangedEvent))).decode()


async def _event(request: Request, made: LiteralString, values: dict[str, Any], status: int = 200) -> Response:
    question: LiteralString = f"select box_office.promoter_events_answer({made})::text"
    told = await ask_as_promoter(request, question, values, write=True)
    return await reply(request, only_one(told, ""), status=status)


async def _tier(request: Request, made: LiteralString, values: dict[str, Any], status: int = 200) -> Response:
    question: LiteralString = f"select box_office.promoter_tiers_answer(%(event)s, {made})::text"
    told = await ask_as_promoter(request, question, values, write=True)
    return await reply(request, only_one(told, ""), status=status)
