"""The simulated market in the format of Ticket Evolution: signed requests, ticket groups, totals apart.

It refuses an unsigned or wrongly signed request, as the exchange does. The list of an event has a parking row too,
which is left out if only admission is asked for.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tickettape.marketplaces.simulator import answers
from tickettape.marketplaces.simulator.app import (
    HEADERS,
    Clock,
    json_reply,
    known,
    number_of,
    refusal,
    time_of,
    wall_clock,
)
from tickettape.marketplaces.simulator.catalogue import SimulatedProduction
from tickettape.marketplaces.simulator.market import Market
from tickettape.marketplaces.simulator.split_rules import Rule, buyable
from tickettape.marketplaces.ticketevolution.signing import signature

TOKEN, SECRET = "simulated-token", "simulated-secret"
PAGE_SIZE = 100
_ROWS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Question = Callable[[Request, datetime], bytes]


def build_app(market: Market, clock: Clock = wall_clock) -> Starlette:
    """The application on `market`; `clock` (UTC) serves requests that name no time."""

    def listings(request: Request, at: datetime) -> bytes:
        asked = request.query_params
        if "page" in asked or "per_page" in asked:
            raise HTTPException(400, "/listings has no pages.")
        production = known(market, asked.get("event_id", ""), at)
        return msgspec.json.encode({"ticket_groups": ticket_groups(market, production, at, asked.get("type"))})

    def stats(request: Request, at: datetime) -> bytes:
        shelf = market.shelf(known(market, request.path_params["id"], at), at)
        return msgspec.json.encode(
            {"ticket_groups_count": len(shelf.slot), "tickets_count": int(shelf.quantity.sum())}
            | ({"retail_price_min": int(shelf.price_cents.min()) / 100} if len(shelf.slot) else {})
        )

    def details(request: Request, at: datetime) -> bytes:
        return msgspec.json.encode(event(known(market, request.path_params["id"], at)))

    def events(request: Request, at: datetime) -> bytes:
        asked = request.query_params
        found = answers.matching(
            market.productions(at),
            performer_id=asked.get("performer_id"),
            venue_id=asked.get("venue_id"),
            category_id=asked.get("category_id"),
            query=asked.get("q"),
        )
        size, number = min(number_of(asked.get("per_page"), PAGE_SIZE), PAGE_SIZE), number_of(asked.get("page"), 1)
        chosen = found[(number - 1) * size : number * size]
        return msgspec.json.encode(
            {"total_entries": len(found), "current_page": number, "per_page": size, "events": [*map(event, chosen)]}
        )

    def signed(answer: Question) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            wrong = _unsigned(request)
            return wrong or json_reply(answer(request, time_of(request, clock)))

        return endpoint

    return Starlette(
        routes=[
            Route("/v9/listings", signed(listings)),
            Route("/v9/events", signed(events)),
            Route("/v9/events/search", signed(events)),
            Route("/v9/events/{id}", signed(details)),
            Route("/v9/events/{id}/stats", signed(stats)),
        ],
        exception_handlers={HTTPException: refusal},
    )


def ticket_groups(
    market: Market, production: SimulatedProduction, at: datetime, asked_type: str | None
) -> list[dict[str, object]]:
    """The ticket groups of a production at `at` (UTC)."""
    stage, shelf = market.stage(production), market.shelf(production, at)
    common = {"type": "event", "event": _reference(production), "face_value": None, "view_type": None}
    rows = zip(
        shelf.listing_number.tolist(),
        shelf.section.tolist(),
        shelf.row.tolist(),
        shelf.quantity.tolist(),
        shelf.rule.tolist(),
        shelf.price_cents.tolist(),
        strict=True,
    )
    groups: list[dict[str, object]] = [
        {
            **common,
            "id": number,
            "section": stage.sections[section].section_id,
            "tevo_section_name": stage.sections[section].name.lower(),
            "row": _ROWS[row],
            "available_quantity": quantity,
            "splits": list(buyable(Rule(rule), quantity)),
            "retail_price": cents / 100,
            "wholesale_price": round(cents * 0.9) / 100,
            "format": "Eticket",
            "public_notes": "A simulated listing: nothing is for sale.",
        }
        for number, section, row, quantity, rule, cents in rows
    ]
    if asked_type != "event":
        groups.append(
            {**common, "type": "parking", "id": 1, "section": "Lot 1", "row": "GA", "available_quantity": 1,
             "splits": [1], "retail_price": 20, "wholesale_price": 18}
        )  # fmt: skip
    return groups


def event(production: SimulatedProduction) -> dict[str, object]:
    """An entry of `/events`."""
    venue, genre = production.venue, production.genre
    local = production.date.astimezone(ZoneInfo(venue.time_zone))
    last = len(production.performers) - 1
    return {
        "id": production.production_id,
        "name": production.name,
        "state": "shown",
        "occurs_at": f"{local:%Y-%m-%dT%H:%M:%S}Z",  # local, as the exchange writes it
        "occurs_at_local": local.isoformat(),
        "venue": {
            "id": venue.venue_id,
            "name": venue.name,
            "location": f"{venue.city}, {venue.state}",
            "time_zone": venue.time_zone,
            "address": {"locality": venue.city, "region": venue.state, "country_code": venue.country},
        },
        "performances": [
            {"primary": index == last, "performer": {"id": one.performer_id, "name": one.name}}
            for index, one in enumerate(production.performers)
        ],
        "category": {"id": str(genre.sub_category_id), "name": genre.sub_category},
    }


def _reference(production: SimulatedProduction) -> Mapping[str, object]:
    local = production.date.astimezone(ZoneInfo(production.venue.time_zone)).replace(tzinfo=UTC)
    number = production.production_id
    return {"id": number, "url": f"/events/{number}", "name": production.name, "occurs_at": local.isoformat()}


def _unsigned(request: Request) -> Response | None:
    """The refusal of a request without the right token or signature."""
    if request.headers.get("x-token") != TOKEN:
        return JSONResponse({"error": "Unauthorized"}, 401, HEADERS)
    address = request.headers["host"] + request.url.path
    if request.headers.get("x-signature") != signature(SECRET, address, dict(request.query_params)):
        error = "Your signature is incorrect. Please ensure you are generating it correctly"
        return JSONResponse({"error": error}, 401, HEADERS)
    return None
