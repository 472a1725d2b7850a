"""Which marketplace the settings name."""

from tickettape.database import Warehouse
from tickettape.marketplaces.protocol import Marketplace
from tickettape.marketplaces.shared_rate_limiter import SharedRateLimiter, rate_limits_of
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.marketplaces.vividseats import VividSeats
from tickettape.settings import Settings


def open_marketplace(settings: Settings, warehouse: Warehouse | None = None) -> Marketplace:
    """The marketplace that the settings name, to be used as `async with`; all processes share its rate limiter.

    Without MARKETPLACE_URL it is the simulator in this process, whose source is always "simulator". With one it is
    whatever speaks the Vivid Seats format there, filed under MARKETPLACE_SOURCE ("vividseats" unless set; set
    "simulator" for a simulator that is served over HTTP). Raises ValueError for settings that contradict each other.
    """
    url, source = settings.marketplace_url, settings.marketplace_source
    if url is None:
        if source not in (None, "simulator"):
            raise ValueError(
                f"MARKETPLACE_SOURCE is {source!r} and MARKETPLACE_URL is unset, which means the simulator: "
                "set the URL, or leave the source unset."
            )
        return SimulatedMarketplace(seed=settings.simulator_seed, events=settings.simulator_events)
    return VividSeats(
        url,
        settings.user_agent,
        source=source or "vividseats",
        limiter=SharedRateLimiter((warehouse or Warehouse()).connect_to, settings.source, rate_limits_of(settings)),
        deadline_seconds=settings.event_deadline_seconds,
    )
