"""The marketplaces: request their answers, and read these into listings and events.

`protocol` defines what a marketplace does, and `registry` lists them; each has its own folder. `http_client` sends
requests, and `pacing` retries them. `rate_limiter` and `breaker` decide when a request may be sent; all processes share
them through the database. Nothing here decides which event is polled, or when.
"""

from tickettape.marketplaces.breaker import Breaker
from tickettape.marketplaces.breaker_store import describe_breaker, load_breaker
from tickettape.marketplaces.passes import is_pass
from tickettape.marketplaces.protocol import (
    HIGHEST_COUNT,
    HIGHEST_PRICE_CENTS,
    Catalogue,
    Inventory,
    Listing,
    Marketplace,
    MarketplaceError,
    MarketplaceEvent,
    Missing,
    Refused,
    Zone,
)
from tickettape.marketplaces.registry import (
    FORMATS,
    Marketplaces,
    WatchedMarketplace,
    is_simulated,
    open_catalogue,
    open_marketplace,
    open_marketplaces,
    simulated_sources,
)
from tickettape.marketplaces.request_budget import current_slowdown
from tickettape.marketplaces.simulator import FirstHandSale, FirstHandSales
from tickettape.marketplaces.storable import storable_event, storable_inventory

__all__ = [
    "FORMATS",
    "HIGHEST_COUNT",
    "HIGHEST_PRICE_CENTS",
    "Breaker",
    "Catalogue",
    "FirstHandSale",
    "FirstHandSales",
    "Inventory",
    "Listing",
    "Marketplace",
    "MarketplaceError",
    "MarketplaceEvent",
    "Marketplaces",
    "Missing",
    "Refused",
    "WatchedMarketplace",
    "Zone",
    "current_slowdown",
    "describe_breaker",
    "is_pass",
    "is_simulated",
    "load_breaker",
    "open_catalogue",
    "open_marketplace",
    "open_marketplaces",
    "simulated_sources",
    "storable_event",
    "storable_inventory",
]
