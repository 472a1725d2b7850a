"""A ticket market that is made up: reproducible, self-consistent, and it knows its past.

It speaks the Vivid Seats wire format and is asked through the very client that asks the real one, so what runs on it
runs there. `catalogue` names the events, `market` decides what is for sale, `answers` writes it in the wire format,
`app` serves it. `first_hand` is the primary market of some events, whose buyers resell there. `formats` has the formats
of the other marketplaces. Nothing real is for sale here, and every production says so in its name.
"""

from tickettape.marketplaces.simulator.app import build_app
from tickettape.marketplaces.simulator.client import ServedSimulator, SimulatedMarketplace
from tickettape.marketplaces.simulator.first_hand import FedMarket, FirstHandSale, FirstHandSales
from tickettape.marketplaces.simulator.formats import (
    SIMULATED_FORMATS,
    catalogue_in_process,
    market_in_process,
    served_market,
)
from tickettape.marketplaces.simulator.market import Market

__all__ = [
    "SIMULATED_FORMATS",
    "FedMarket",
    "FirstHandSale",
    "FirstHandSales",
    "Market",
    "ServedSimulator",
    "SimulatedMarketplace",
    "build_app",
    "catalogue_in_process",
    "market_in_process",
    "served_market",
]
