"""The events of the simulated market in the format of Ticketmaster's Discovery API: a catalogue, no listings.

Like the original it answers with a thousand events of a search at most, hides events without a date, and wants a key.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tickettape.marketplaces.simulator import answers
from tickettape.marketplaces.simulator.app import HEADERS, Clock, json_reply, known, refusal, time_of, wall_clock
from tickettape.marketplaces.simulator.catalogue import SimulatedProduction
from tickettape.marketplaces.simulator.market import Market

KEY = "simulated-key"
MOST_EVENTS = 1_000
LARGEST_SIZE = 200


def build_app(market: Market, clock: Clock = wall_clock) -> Starlette:
    """The application on `market`; `clock` (UTC) serves requests that name no time."""

    def details(request: Request) -> Response:
        wrong = _without_key(request)
        at = time_of(request, clock)
        return wrong or json_reply(msgspec.json.encode(event(known(market, request.path_params["id"], at))))

    def events(request: Request) -> Response:
        asked = request.query_params
        if (wrong := _without_key(request)) is not None:
            return wrong
        found = answers.matching(
            market.productions(time_of(request, clock)),
            performer_id=asked.get("attractionId"),
            venue_id=asked.get("venueId"),
            category_id=asked.get("classificationId"),
            query=asked.get("keyword"),
        )
        start, end = (_instant(asked.get(name)) for name in ("startDateTime", "endDateTime"))
        found = [one for one in found if (not start or one.date >= start) and (not end or one.date <= end)]
        if "only" in (asked.get("includeTBA"), asked.get("includeTBD")):
            found = []  # every event has a date here
        size, number = int(asked.get("size", "20")), int(asked.get("page", "0"))
        if size > LARGEST_SIZE or size * number >= MOST_EVENTS:
            return JSONResponse({"errors": [{"code": "DIS1035", "status": "400 BAD_REQUEST"}]}, 400, HEADERS)
        chosen = sorted(found, key=lambda one: one.production_id)[number * size : (number + 1) * size]
        page = {"size": size, "totalElements": len(found), "totalPages": -(-len(found) // size), "number": number}
        embedded = {"_embedded": {"events": [*map(event, chosen)]}} if chosen else {}
        return json_reply(msgspec.json.encode({**embedded, "page": page}))

    return Starlette(
        routes=[Route("/events.json", events), Route("/events/{id}.json", details)],
        exception_handlers={HTTPException: refusal},
    )


def event(production: SimulatedProduction) -> dict[str, object]:
    """An event, with the range of its prices at the first sale."""
    venue, genre = production.venue, production.genre
    local = production.date.astimezone(ZoneInfo(venue.time_zone))
    return {
        "id": str(production.production_id),
        "name": production.name,
        "type": "event",
        "test": False,
        "dates": {
            "start": {
                "localDate": f"{local:%Y-%m-%d}",
                "localTime": f"{local:%H:%M:%S}",
                "dateTime": f"{production.date:%Y-%m-%dT%H:%M:%SZ}",
                "dateTBD": False,
                "dateTBA": False,
                "timeTBA": False,
                "noSpecificTime": False,
            },
            "timezone": venue.time_zone,
            "status": {"code": "onsale"},
        },
        "sales": {"public": {"startDateTime": f"{production.on_sale_at:%Y-%m-%dT%H:%M:%SZ}"}},
        "priceRanges": [
            {"type": "standard", "currency": "USD", "min": genre.price_dollars / 4, "max": genre.price_dollars}
        ],
        "classifications": [{"primary": True, "segment": {"name": genre.category}}],
        "_embedded": {
            "venues": [
                {
                    "id": str(venue.venue_id),
                    "name": venue.name,
                    "timezone": venue.time_zone,
                    "city": {"name": venue.city},
                    "state": {"stateCode": venue.state},
                    "country": {"countryCode": venue.country},
                }
            ],
            "attractions": [{"id": str(one.performer_id), "name": one.name} for one in reversed(production.performers)],
        },
    }


def _without_key(request: Request) -> Response | None:
    if request.query_params.get("apikey") == KEY:
        return None
    fault = {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "oauth.v2.InvalidApiKey"}}
    return JSONResponse({"fault": fault}, 401, HEADERS)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
