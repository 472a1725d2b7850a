"""Worlds for testing forecasts and estimated sales, each drawn by a seed from written ranges, with its truth apart.

`ranges` has the ranges and their reasons, `price_worlds` series of prices by event and day.
"""

from tickettape.marketplaces.simulator.worlds.price_worlds import PriceSeries, PriceTruth, draw_prices
from tickettape.marketplaces.simulator.worlds.ranges import World

__all__ = ["PriceSeries", "PriceTruth", "World", "draw_prices"]
