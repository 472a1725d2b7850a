"""Vivid Seats: `client` asks, the two `read_` modules read. Both serve whatever speaks the same format."""

from tickettape.marketplaces.vividseats.client import VividSeats

__all__ = ["VividSeats"]
