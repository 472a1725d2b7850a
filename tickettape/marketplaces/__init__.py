"""Where ticket prices come from: answers in, listings out.

Everything about asking a marketplace and understanding its answers, behind the protocol in `base`.
Neither Dagster nor SQL belongs here, nor anything that decides when to ask about what: this package
can be lifted out and used alone.
"""

from tickettape.marketplaces.pacing import DEADLINE_SECONDS
from tickettape.marketplaces.protocol import Marketplace
from tickettape.marketplaces.rate_limiter import Turns
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.marketplaces.vividseats import VividSeats

__all__ = ["Marketplace", "open_marketplace"]


def open_marketplace(
    url: str | None,
    *,
    source: str | None,
    user_agent: str,
    turns: Turns | None = None,
    deadline_seconds: float = DEADLINE_SECONDS,
    simulator_seed: int,
    simulator_productions: int,
) -> Marketplace:
    """The marketplace that the settings name, to be used as `async with`.

    Without `url` it is the simulator in-process, whose source is always "simulator". With one it is
    whatever speaks the Vivid Seats format there, filed under `source` (default "vividseats"; give
    "simulator" for a simulator that is served over HTTP); `turns` is the budget it is asked by. Raises
    ValueError for settings that contradict each other.
    """
    if url is None:
        if source not in (None, "simulator"):
            raise ValueError(
                f"MARKETPLACE_SOURCE is {source!r} and MARKETPLACE_URL is unset, which means the simulator: "
                "set the URL, or leave the source unset."
            )
        return SimulatedMarketplace(seed=simulator_seed, productions=simulator_productions)
    return VividSeats(url, user_agent, source=source or "vividseats", turns=turns, deadline_seconds=deadline_seconds)
