"""Billetterie: a marketplace that is none of ours. Its own wire, prices in euros, no totals, no deal score.

A folder like those of `tickettape.marketplaces`: `client` asks, `wire` reads. The line in the registry is the test's.
"""

from tests.support.toy_marketplace.client import Billetterie

__all__ = ["Billetterie"]
