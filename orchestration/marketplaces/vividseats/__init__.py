"""Vivid Seats: `client` asks, `wire` reads. Both also serve whatever speaks the same format."""

from orchestration.marketplaces.vividseats.client import VividSeats

__all__ = ["VividSeats"]
