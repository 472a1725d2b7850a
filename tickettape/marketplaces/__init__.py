"""Where ticket prices come from: answers in, listings out.

`protocol` says what a marketplace promises, `registry` which there are; one folder a marketplace. `http_client` asks,
`pacing` retries; `rate_limiter` and `breaker` decide when a request may be made, and are shared by all processes
through the database. Nothing here decides which event is asked for, or when.
"""

from tickettape.marketplaces.breaker import Breaker
from tickettape.marketplaces.breaker_store import describe_breaker, load_breaker
from tickettape.marketplaces.protocol import (
    HIGHEST_COUNT,
    HIGHEST_PRICE_CENTS,
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
    open_marketplace,
    open_marketplaces,
)
from tickettape.marketplaces.request_budget import current_slowdown
from tickettape.marketplaces.storable import storable_event, storable_inventory

__all__ = [
    "FORMATS",
    "HIGHEST_COUNT",
    "HIGHEST_PRICE_CENTS",
    "Breaker",
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
    "is_simulated",
    "load_breaker",
    "open_marketplace",
    "open_marketplaces",
    "storable_event",
    "storable_inventory",
]
