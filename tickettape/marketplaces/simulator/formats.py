"""The other formats that the simulated market speaks, so that every adapter runs without a credential.

Each line names the application that answers, the client that asks, and what precedes its paths.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import httpx
from starlette.types import ASGIApp

from tickettape.marketplaces.gametime import Gametime
from tickettape.marketplaces.protocol import Catalogue, Marketplace
from tickettape.marketplaces.simulator import gametime, ticketevolution, ticketmaster
from tickettape.marketplaces.simulator.app import Clock, wall_clock
from tickettape.marketplaces.simulator.client import FIRST_RULE
from tickettape.marketplaces.simulator.market import Market
from tickettape.marketplaces.ticketevolution import TicketEvolution
from tickettape.marketplaces.ticketmaster import Ticketmaster


@dataclass(frozen=True)
class SimulatedFormat:
    """A marketplace's format, as the simulated market speaks it. `base_path` precedes the paths of its client."""

    build_app: Callable[[Market, Clock], ASGIApp]
    client: Callable[..., Any]
    base_path: str = ""


SIMULATED_FORMATS: dict[str, SimulatedFormat] = {
    "ticketevolution": SimulatedFormat(
        ticketevolution.build_app,
        partial(
            TicketEvolution,
            token=ticketevolution.TOKEN,
            secret=ticketevolution.SECRET,
            price_basis="retail_price",
        ),
        "/v9",
    ),
    "gametime": SimulatedFormat(gametime.build_app, Gametime),
}


def served_market(name: str, url: str, user_agent: str, *, source: str, **options: Any) -> Marketplace:
    """The client of a market that `python -m tickettape.marketplaces.simulator --format …` serves at `url`."""
    spoken = SIMULATED_FORMATS[name]
    marketplace = spoken.client(url + spoken.base_path, user_agent, source=source, simulated=True, **options)
    marketplace.first_rule = FIRST_RULE
    return cast("Marketplace", marketplace)


def market_in_process(name: str, market: Market, *, source: str, clock: Clock = wall_clock) -> Marketplace:
    """A simulated market without a network, in this format; it knows the past and needs no pacing."""
    transport = httpx.ASGITransport(SIMULATED_FORMATS[name].build_app(market, clock))
    marketplace = served_market(name, "http://simulator", "Tickettape (in-process)", source=source, transport=transport)
    marketplace.paced = False
    return marketplace


def catalogue_in_process(market: Market, *, source: str, clock: Clock = wall_clock) -> Catalogue:
    """The events of a simulated market as Ticketmaster lists them, without a network."""
    return Ticketmaster(
        "http://simulator",
        "Tickettape (in-process)",
        key=ticketmaster.KEY,
        source=source,
        simulated=True,
        transport=httpx.ASGITransport(ticketmaster.build_app(market, clock)),
    )
