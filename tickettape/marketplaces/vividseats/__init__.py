"""Vivid Seats: `client` asks, `wire` reads. Both also serve whatever speaks the same format."""

from tickettape.marketplaces.vividseats.client import VividSeats

__all__ = ["VividSeats"]
