"""Worlds for testing forecasts and estimated sales, each drawn by a seed from written ranges, with its truth apart.

`ranges` has the ranges and their reasons, `price_worlds` series of prices by event and day. `agents_market` is a market
of agents: `offers` and `plans` draw what they want, `agents` lets them meet, `random_world` is the market without
traces, and `changes` is what both leave behind. Only tests and benchmarks use the worlds: nothing else of the product
may import them, and no answer of the simulator shows a truth.
"""

from tickettape.marketplaces.simulator.worlds.agents_market import AgentsMarket, ListingHistory, draw_listings
from tickettape.marketplaces.simulator.worlds.price_worlds import PriceSeries, PriceTruth, draw_prices
from tickettape.marketplaces.simulator.worlds.ranges import World

__all__ = ["AgentsMarket", "ListingHistory", "PriceSeries", "PriceTruth", "World", "draw_listings", "draw_prices"]
