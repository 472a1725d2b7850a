"""The simulated market in the Vivid Seats wire format: the same keys, types and sums as the real thing.

Pure functions to bytes. Values are strings wherever the real ones are, and an unknown key is absent.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from tickettape.marketplaces.simulator import catalogue
from tickettape.marketplaces.simulator.catalogue import SimulatedProduction
from tickettape.marketplaces.simulator.draws import Ints
from tickettape.marketplaces.simulator.market import Market, Shelf, Stage
from tickettape.marketplaces.simulator.split_rules import Rule, buyable

_WIRE_RULES = ("0", "1", "2", "3", "2")  # by `market.Rule`
_ROWS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NO_PRICE = "0.00"
_USD = {"from": "USD", "to": "USD", "rate": 1, "applyCurrencyConversion": False}


class _Ticket(msgspec.Struct, gc=False):
    s: str
    r: str
    q: str
    p: str
    i: str
    d: str
    l: str  # noqa: E741 - the wire's name
    c: str
    z: str
    t: str
    m: str | msgspec.UnsetType
    vs: str | msgspec.UnsetType
    aip: str | msgspec.UnsetType
    ls: str
    hs: str
    faceValue: str  # noqa: N815
    di: bool
    fdi: str
    pdi: str
    sectionName: str  # noqa: N815
    stp: str
    n: str
    badges: list[str]
    perks: list[str]


def listings(market: Market, production: SimulatedProduction, at: datetime) -> bytes:
    """The answer of `/listings` about a production at `at` (UTC)."""
    stage, shelf = market.stage(production), market.shelf(production, at)
    return msgspec.json.encode(
        {
            "global": [_totals(production, shelf, at)],
            "tickets": _tickets(stage, shelf),
            "groups": _groups(stage, shelf),
            "sections": _sections(stage, shelf),
            "i18n": _USD,
        }
    )


def unknown_listings() -> bytes:
    """The answer of `/listings` about something that is no production id."""
    return msgspec.json.encode({"global": [], "tickets": [], "groups": [], "sections": [], "i18n": _USD})


def details(market: Market, production: SimulatedProduction, at: datetime) -> bytes:
    """The answer of `/productions/{id}/details` at `at` (UTC)."""
    return msgspec.json.encode(_item(market, production, at))


def page(market: Market, matching: list[SimulatedProduction], at: datetime, number: int, size: int) -> bytes:
    """Page `number` (from 1) of `/productions`, `size` of the matching ones a page, at `at` (UTC)."""
    chosen = matching[(number - 1) * size : number * size]
    return msgspec.json.encode(
        {
            "page": number,
            "total": len(matching),
            "numberOfPages": -(-len(matching) // size),
            "items": [_item(market, production, at) for production in chosen],
            "i18n": _USD,
        }
    )


def _tickets(stage: Stage, shelf: Shelf) -> list[_Ticket]:
    rows = zip(
        shelf.listing_number.tolist(),
        shelf.section.tolist(),
        shelf.zone.tolist(),
        shelf.row.tolist(),
        shelf.first_seat.tolist(),
        shelf.quantity.tolist(),
        shelf.rule.tolist(),
        shelf.states_quantities.tolist(),
        shelf.price_cents.tolist(),
        shelf.all_in_cents.tolist(),
        shelf.score_tenths.tolist(),
        strict=True,
    )
    lists = {
        (int(rule), quantity): ",".join(map(str, buyable(rule, quantity)))
        for rule in Rule
        for quantity in np.unique(shelf.quantity).tolist()
    }
    tickets = []
    for number, section, zone, row, seat, quantity, rule, states, cents, all_in, score in rows:
        block = stage.sections[section]
        tells_seats = number % 3 == 0
        tickets.append(
            _Ticket(
                s=block.name,
                r=_ROWS[row],
                q=str(quantity),
                p=_price(cents),
                i=f"VB{number}",
                d=block.section_id,
                l=block.name,
                c=stage.zone_ids[zone],
                z="0",
                t=_WIRE_RULES[rule],
                m=lists[rule, quantity] if states else msgspec.UNSET,
                vs=f"{score // 10}.{score % 10}" if score >= 0 else msgspec.UNSET,
                aip=_price(all_in) if all_in else msgspec.UNSET,
                ls=str(seat) if tells_seats else "",
                hs=str(seat + quantity - 1) if tells_seats else "",
                faceValue=_NO_PRICE,
                di=False,
                fdi="",
                pdi="",
                sectionName=block.name,
                stp="Simulated Transfer",
                n="A simulated listing: nothing is for sale.",
                badges=[],
                perks=[],
            )
        )
    return tickets


def _totals(production: SimulatedProduction, shelf: Shelf, at: datetime) -> dict[str, object]:
    tickets = int(shelf.quantity.sum())
    lowest, highest, average, median = _spread(shelf.price_cents)
    all_in = _spread(shelf.all_in_cents[shelf.all_in_cents > 0])
    venue = production.venue
    return {
        "listingCount": str(len(shelf.slot)),
        "ticketCount": str(tickets),
        "venueCapacity": str(venue.capacity),
        "mapTitle": venue.name,
        "productionId": str(production.production_id),
        "productionName": production.name,
        "venueId": str(venue.venue_id),
        "venueState": venue.state,
        "venueTimeZone": venue.time_zone,
        "dte": str((production.date - at).days),
        "lp": _price(lowest),
        "hp": _price(highest),
        "atp": _price(average),
        "mp": _price(median),
        "lowestAip": _price(all_in[0]),
        "highestAip": _price(all_in[1]),
        "averageAip": _price(all_in[2]),
        "medianAip": _price(all_in[3]),
        "countryCode": venue.country,
        "productionCategory": production.genre.sub_category,
        "percentRemaining": round(100 * tickets / venue.capacity),
        "localPrices": None,
    }


def _groups(stage: Stage, shelf: Shelf) -> list[dict[str, object]]:
    low, high, _, tickets = _by(shelf.zone, len(stage.zone_ids), shelf)
    return [
        {
            "productionId": stage.production.production_id,
            "i": zone_id,
            "n": name,
            "a": "1" if tickets[zone] else "0",
            "h": _price(high[zone]),
            "l": _price(low[zone]),
            "q": str(tickets[zone]),
            "localPrices": None,
        }
        for zone, (zone_id, name) in enumerate(zip(stage.zone_ids, stage.zone_names, strict=True))
    ]


def _sections(stage: Stage, shelf: Shelf) -> list[dict[str, object]]:
    low, high, low_all_in, tickets = _by(shelf.section, len(stage.sections), shelf)
    return [
        {
            "productionId": stage.production.production_id,
            "i": block.section_id,
            "g": stage.zone_ids[block.zone],
            "a": "1" if tickets[index] else "0",
            "h": _price(high[index]),
            "l": _price(low[index]),
            "q": str(tickets[index]),
            "n": block.name,
            "laip": _price(low_all_in[index]),
            "localPrices": None,
        }
        for index, block in enumerate(stage.sections)
    ]


def _by(index: Ints, size: int, shelf: Shelf) -> tuple[list[int], list[int], list[int], list[int]]:
    """Lowest and highest price, lowest all-in price and tickets by `index`; 0 where there are none."""
    beyond = np.iinfo(np.int64).max
    low, low_all_in = np.full(size, beyond), np.full(size, beyond)
    high, tickets = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    np.minimum.at(low, index, shelf.price_cents)
    np.maximum.at(high, index, shelf.price_cents)
    np.minimum.at(low_all_in, index, np.where(shelf.all_in_cents > 0, shelf.all_in_cents, beyond))
    np.add.at(tickets, index, shelf.quantity)
    low[low == beyond] = 0
    low_all_in[low_all_in == beyond] = 0
    return low.tolist(), high.tolist(), low_all_in.tolist(), tickets.tolist()


def _item(market: Market, production: SimulatedProduction, at: datetime) -> dict[str, object]:
    shelf = market.shelf(production, at)
    lowest, highest, average, median = _spread(shelf.price_cents)
    venue, genre = production.venue, production.genre
    local = production.date.astimezone(ZoneInfo(venue.time_zone)).isoformat()
    category = {
        "id": genre.category_id,
        "name": genre.category,
        "subCategories": [{"id": genre.sub_category_id, "name": genre.sub_category}],
    }
    last = len(production.performers) - 1
    return {
        "id": production.production_id,
        "localDate": f"{local}[{venue.time_zone}]",
        "utcDate": production.date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "name": production.name,
        "venue": {
            "id": venue.venue_id,
            "name": venue.name,
            "city": venue.city,
            "state": venue.state,
            "countryCode": venue.country,
            "capacity": venue.capacity,
            "timezone": venue.time_zone,
        },
        "minPrice": lowest / 100,
        "maxPrice": highest / 100,
        "avgPrice": average / 100,
        "medianPrice": median / 100,
        "listingCount": len(shelf.slot),
        "ticketCount": int(shelf.quantity.sum()),
        "categoryId": genre.category_id,
        "subCategoryId": genre.sub_category_id,
        "dateTbd": False,
        "timeTbd": False,
        "hidden": False,
        "performers": [
            {"id": one.performer_id, "name": one.name, "category": category, "master": index == last}
            for index, one in enumerate(production.performers)
        ],
        "localPrices": None,
    }


def matching(
    productions: list[SimulatedProduction],
    *,
    performer_id: str | None,
    venue_id: str | None,
    category_id: str | None,
    query: str | None,
) -> list[SimulatedProduction]:
    """Those that fit every filter given; `query` is looked for in names, venues and cities."""
    text = (query or "").casefold()

    def fits(one: SimulatedProduction) -> bool:
        return (
            (performer_id is None or performer_id in {str(p.performer_id) for p in one.performers})
            and (venue_id is None or venue_id == str(one.venue.venue_id))
            and (category_id is None or category_id == str(one.genre.category_id))
            and text in f"{one.name} {one.venue.name} {one.venue.city}".casefold()
        )

    return [one for one in productions if fits(one)]


def is_production_id(text: str) -> bool:
    """Whether it has the shape of an id; anything else is answered with `global: []`."""
    return text.isascii() and text.isdigit() and len(text) <= len(str(catalogue.FIRST_ID)) + 3


def _spread(cents: Ints) -> tuple[int, int, int, int]:
    """Lowest, highest, average and median in cents; zeros where there is nothing."""
    if not len(cents):
        return 0, 0, 0, 0
    return int(cents.min()), int(cents.max()), round(float(cents.mean())), round(float(np.median(cents)))


def _price(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
