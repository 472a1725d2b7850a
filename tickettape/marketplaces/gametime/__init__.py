"""Gametime: `client` asks, the two `read_` modules read. Undocumented, so off by default; docs/sources says why."""

from tickettape.marketplaces.gametime.client import NOT_KNOWN, Gametime

__all__ = ["NOT_KNOWN", "Gametime"]
