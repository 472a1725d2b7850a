"""Ticketmaster's Discovery API: a catalogue without listings. Off by default; docs/sources says what its terms are."""

from tickettape.marketplaces.ticketmaster.client import NOT_KNOWN, Ticketmaster

__all__ = ["NOT_KNOWN", "Ticketmaster"]
