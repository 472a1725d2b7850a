"""The simulated market in the format of Gametime: flat rows, labels for zones, and no totals."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tickettape.marketplaces.simulator import answers
from tickettape.marketplaces.simulator.app import Clock, json_reply, known, number_of, refusal, time_of, wall_clock
from tickettape.marketplaces.simulator.catalogue import SimulatedProduction
from tickettape.marketplaces.simulator.market import Market, Shelf
from tickettape.marketplaces.simulator.split_rules import Rule, buyable

PAGE_SIZE = 100
_ROWS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PREFIX = "51"  # of every id, which is 24 hexadecimal digits


def build_app(market: Market, clock: Clock = wall_clock) -> Starlette:
    """The application on `market`; `clock` (UTC) serves requests that name no time."""

    def listings(request: Request, at: datetime) -> bytes:
        production = known(market, _number(request.query_params.get("event_id", "")), at)
        return msgspec.json.encode({"listings": rows(market, production, at)})

    def events(request: Request, at: datetime) -> bytes:
        asked = request.query_params
        if "id" in asked:
            found = [known(market, _number(asked["id"]), at)]
        else:
            found = answers.matching(
                market.productions(at),
                performer_id=_number(asked["performer_id"]) if "performer_id" in asked else None,
                venue_id=_number(asked["venue_id"]) if "venue_id" in asked else None,
                category_id=None,
                query=asked.get("q"),
            )
        size, number = number_of(asked.get("per_page"), PAGE_SIZE), number_of(asked.get("page"), 1)
        chosen = found[(number - 1) * size : number * size]
        return msgspec.json.encode(
            {
                "events": [event(market, one, at) for one in chosen],
                "more": number * size < len(found),
                "page": number,
                "per_page": size,
            }
        )

    def answered(answer: Callable[[Request, datetime], bytes]) -> Callable[[Request], Response]:
        return lambda request: json_reply(answer(request, time_of(request, clock)))

    return Starlette(
        routes=[Route("/v1/listings", answered(listings)), Route("/v1/events", answered(events))],
        exception_handlers={HTTPException: refusal},
    )


def id_of(number: int) -> str:
    """An id of 24 hexadecimal digits."""
    return f"{_PREFIX}{number:022x}"


def rows(market: Market, production: SimulatedProduction, at: datetime) -> list[dict[str, object]]:
    """The listings of a production at `at` (UTC), and one of its car park."""
    stage, shelf = market.stage(production), market.shelf(production, at)
    columns = zip(
        shelf.listing_number.tolist(),
        shelf.section.tolist(),
        shelf.zone.tolist(),
        shelf.row.tolist(),
        shelf.quantity.tolist(),
        shelf.rule.tolist(),
        shelf.price_cents.tolist(),
        _totals(shelf),
        strict=True,
    )
    event_id = id_of(production.production_id)
    found: list[dict[str, object]] = [
        {
            "id": id_of(number),
            "event_id": event_id,
            "section": stage.sections[section].section_id,
            "section_group": stage.zone_names[zone],
            "row": _ROWS[row],
            "lots": list(buyable(Rule(rule), quantity)),
            "price": {"prefee": cents, "total": total, "face_value": None, "sales_tax": 0},
            "disclosures": [],
            "display_savings": {"amount": 0, "percent": 0},
        }
        for number, section, zone, row, quantity, rule, cents, total in columns
    ]
    if found:
        found.append(
            found[0] | {"id": id_of(1), "section": "Parking Lot A", "section_group": "Parking", "row": "GA",
                        "price": {"prefee": 400, "total": 500}}
        )  # fmt: skip
    return found


def event(market: Market, production: SimulatedProduction, at: datetime) -> dict[str, object]:
    """An entry of `/v1/events`."""
    shelf, venue, genre = market.shelf(production, at), production.venue, production.genre
    totals = _totals(shelf)
    local = production.date.astimezone(ZoneInfo(venue.time_zone))
    last = len(production.performers) - 1
    lowest = {"total": min(totals, default=0), "prefee": int(shelf.price_cents.min()) if totals else 0}
    return {
        "event": {
            "id": id_of(production.production_id),
            "name": f"{production.name} ",  # blanks at the end occur
            "datetime_local": f"{local:%Y-%m-%dT%H:%M:%S}",
            "datetime_utc": f"{production.date:%Y-%m-%dT%H:%M:%S}",
            "tbd": False,
            "time_tbd": False,
            "date_tbd": False,
            "min_price": lowest,
            "category": genre.sub_category.lower(),
            "performers": [
                {"id": id_of(one.performer_id), "primary": index == last}
                for index, one in enumerate(production.performers)
            ],
        },
        "performers": [
            {"id": id_of(one.performer_id), "name": one.name, "hero_image_url": None} for one in production.performers
        ],
        "venue": {
            "id": id_of(venue.venue_id),
            "name": venue.name,
            "city": venue.city,
            "state": venue.state,
            "timezone": venue.time_zone,
            "show_currency": False,
        },
    }


def _totals(shelf: Shelf) -> list[int]:
    """All-in prices, in whole dollars and above the price before fees; every listing states one here."""
    stated = zip(shelf.all_in_cents.tolist(), shelf.price_cents.tolist(), strict=True)
    return [-(-max(all_in, cents * 27 // 20) // 100) * 100 for all_in, cents in stated]


def _number(text: str) -> str:
    """The market's own number behind an id; nothing that is known if it is no id."""
    try:
        return str(int(text.removeprefix(_PREFIX), 16)) if text.startswith(_PREFIX) else ""
    except ValueError:
        return ""
