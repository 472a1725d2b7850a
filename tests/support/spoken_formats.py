"""The formats of all marketplaces with listings, for the tests that hold for each of them."""

import asyncio
import json
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tickettape.marketplaces.gametime import Gametime
from tickettape.marketplaces.protocol import Marketplace
from tickettape.marketplaces.simulator import (
    SIMULATED_FORMATS,
    Market,
    ServedSimulator,
    build_app,
    market_in_process,
    served_market,
)
from tickettape.marketplaces.simulator.app import Clock
from tickettape.marketplaces.simulator.gametime import id_of
from tickettape.marketplaces.ticketevolution import TicketEvolution
from tickettape.marketplaces.vividseats import VividSeats

Row = tuple[Decimal, Decimal, Decimal, Decimal | None, Decimal | None, Decimal | None, Decimal | None, int, int]
"""Lowest, sum, highest, lowest for 1, 2 and 4, lowest all-in, tickets, listings."""
Result = TypeVar("Result")
AT = datetime(2026, 10, 31, 23, 50, tzinfo=UTC)


@dataclass(frozen=True)
class Spoken:
    """A format: the client of a real marketplace, and the simulator that speaks it."""

    name: str
    client: Callable[..., Marketplace]
    served: Callable[..., Marketplace]
    build_app: Callable[[Market, Clock], ASGIApp]
    id_of: Callable[[int], str] = str
    base_path: str = ""

    def __str__(self) -> str:
        return self.name


def _simulated(name: str) -> Callable[..., Marketplace]:
    return lambda url, **options: served_market(name, url, "tests", source="simulator", **options)


def _vividseats(url: str, **options: Any) -> Marketplace:
    return VividSeats(url, "tests", requests_per_second=None, **options)


TICKET_EVOLUTION: dict[str, Any] = {"token": "t", "secret": "xyz", "price_basis": "retail_price", "source": "tevo"}
FORMATS_SPOKEN = [
    Spoken(
        "vividseats",
        _vividseats,
        lambda url, **options: ServedSimulator(url, "tests", requests_per_second=None, **options),
        build_app,
    ),
    Spoken(
        "ticketevolution",
        lambda url, **options: TicketEvolution(url, "tests", **TICKET_EVOLUTION, **options),
        _simulated("ticketevolution"),
        SIMULATED_FORMATS["ticketevolution"].build_app,
        base_path="/v9",
    ),
    Spoken(
        "gametime",
        lambda url, **options: Gametime(url, "tests", source="gametime", **options),
        _simulated("gametime"),
        SIMULATED_FORMATS["gametime"].build_app,
        id_of,
    ),
]


def run(marketplace: Marketplace, scenario: Callable[[Marketplace], Awaitable[Result]]) -> Result:
    """The scenario's result with an open client."""

    async def inside() -> Result:
        async with marketplace:
            return await scenario(marketplace)

    return asyncio.run(inside())


@dataclass
class RecordedEvent:
    """One event of a marketplace: what it answers on each path, and what that says by a calculation of its own.

    `replies` may be changed. `offers` are those of `replies` when it was made.
    """

    spoken: Spoken
    event_id: str
    replies: dict[str, Any] = field(repr=False)
    name: str = "simulated"

    @property
    def app(self) -> ASGIApp:
        """What answers with the replies, and 404 elsewhere."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            document = self.replies.get(scope["path"])
            body = json.dumps(document, default=_number).encode()
            response = Response(status_code=404) if document is None else Response(body, media_type="application/json")
            await response(scope, receive, send)

        return app

    @property
    def rows(self) -> dict[str, Row]:
        """The numbers of each section (by zone and section id), calculated here."""
        return rows_of(_OFFERS[self.spoken.name](self.replies))

    def __str__(self) -> str:
        return f"{self.spoken.name}-{self.name}"


@dataclass(frozen=True)
class Offer:
    """One listing as a test reads it, in dollars."""

    zone: str
    section: str
    price: Decimal
    all_in: Decimal | None
    quantity: int
    sells: tuple[int, ...]


def rows_of(offers: list[Offer]) -> dict[str, Row]:
    """The numbers of each section, without any code of the program."""
    groups: dict[str, list[Offer]] = defaultdict(list)
    for offer in offers:
        groups[f"{offer.zone}|{offer.section}"].append(offer)

    def lowest(some: list[Offer], size: int) -> Decimal | None:
        return min((one.price for one in some if size in one.sells), default=None)

    return {
        place: (
            min(one.price for one in some),
            sum((one.price for one in some), Decimal(0)),
            max(one.price for one in some),
            lowest(some, 1),
            lowest(some, 2),
            lowest(some, 4),
            min((one.all_in for one in some if one.all_in is not None), default=None),
            sum(one.quantity for one in some),
            len(some),
        )
        for place, some in groups.items()
    }


def _ticketevolution_offers(replies: dict[str, Any]) -> list[Offer]:
    return [
        Offer(
            "all", one["section"], Decimal(str(one["retail_price"])), None, one["available_quantity"],
            tuple(one["splits"]),
        )
        for one in replies["/v9/listings"]["ticket_groups"]
        if one["type"] == "event" and one["available_quantity"] > 0
    ]  # fmt: skip


def _gametime_offers(replies: dict[str, Any]) -> list[Offer]:
    return [
        Offer(
            one["section_group"] or "(no group)", one["section"], Decimal(one["price"]["prefee"]) / 100,
            Decimal(one["price"]["total"]) / 100, max(one["lots"]), tuple(one["lots"]),
        )
        for one in replies["/v1/listings"]["listings"]
        if "Parking" not in one["section_group"]
    ]  # fmt: skip


_OFFERS: dict[str, Callable[[dict[str, Any]], list[Offer]]] = {
    "ticketevolution": _ticketevolution_offers,
    "gametime": _gametime_offers,
}


def simulated_event(spoken: Spoken, seed: int = 5) -> RecordedEvent:
    """An event of the simulated market, as a marketplace with this format answers about it."""
    market = Market(seed=seed, events=6)
    production = market.productions(AT)[2]
    event_id = spoken.id_of(production.production_id)
    paths = {
        "ticketevolution": {
            f"/v9/events/{event_id}": {},
            f"/v9/events/{event_id}/stats": {"inventory_type": "event"},
            "/v9/listings": {"event_id": event_id, "type": "event"},
        },
        "gametime": {"/v1/events": {"id": event_id}, "/v1/listings": {"event_id": event_id}},
    }[spoken.name]
    client: Any = market_in_process(spoken.name, market, source="simulator", clock=lambda: AT)

    async def asked(_: Marketplace) -> dict[str, Any]:
        ask = getattr(client, "_ask", client._http.ask)
        replies = {}
        for path, params in paths.items():
            reply = await ask("it", path.removeprefix(spoken.base_path), params)
            replies[path] = json.loads(reply.body, parse_float=Decimal)
        return replies

    return RecordedEvent(spoken, event_id, run(client, asked))


def recorded_events() -> list[RecordedEvent]:
    """Simulated events of each format, and what was recorded, if RECORDED_ANSWERS names a folder of such files."""
    spoken = {one.name: one for one in FORMATS_SPOKEN if one.name != "vividseats"}
    events = [simulated_event(one) for one in spoken.values()]
    folder = os.environ.get("RECORDED_ANSWERS")
    if folder:
        load = partial(json.loads, parse_float=Decimal)
        for path in sorted(Path(folder).glob("ticketevolution_ticket_groups_[0-9]*.json")):
            groups = load(path.read_text())
            event_id = str(groups[0]["event"]["id"])
            stats = {"ticket_groups_count": len(groups), "tickets_count": sum(one["quantity"] for one in groups)}
            replies = {"/v9/listings": {"ticket_groups": groups}, f"/v9/events/{event_id}/stats": stats}
            events.append(RecordedEvent(spoken["ticketevolution"], event_id, replies, path.stem))
        for path in sorted(Path(folder).glob("gametime_listings_v2_*.json")):
            listings = list(load(path.read_text())["listings"].values())  # in /v1 it is a list
            page = load((Path(folder) / "gametime_events.json").read_text())
            page["events"][0]["venue"]["show_currency"] = False  # as it is, it is refused
            replies = {"/v1/listings": {"listings": listings}, "/v1/events": page}
            events.append(RecordedEvent(spoken["gametime"], listings[0]["event_id"], replies, path.stem))
    return events


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
