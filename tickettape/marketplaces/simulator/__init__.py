"""A ticket market that is made up: reproducible, self-consistent, and it knows its past.

It speaks the Vivid Seats wire format and is asked through the very client that asks the real one, so
what runs on it runs there. `catalogue` names the events, `market` decides what is for sale, `answers`
writes it in the wire format, `app` serves it. Nothing real is for sale here, and every production says
so in its name.
"""

import httpx

from tickettape.marketplaces.simulator.app import Clock, build_app, wall_clock
from tickettape.marketplaces.simulator.market import CHANGE_SHARE, Market
from tickettape.marketplaces.vividseats.client import SIMULATED, VividSeats

__all__ = ["Market", "SimulatedMarketplace", "build_app"]


class SimulatedMarketplace(VividSeats):
    """A `Marketplace` without a network: source "simulator", knows the past, needs no pacing.

    `clock` (UTC) is the market's now, for its catalogue; listings are asked at their tick.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        events: int = 24,
        change_share: float = CHANGE_SHARE,
        clock: Clock = wall_clock,
    ) -> None:
        self.market = Market(seed=seed, events=events, change_share=change_share)
        super().__init__(
            "http://simulator",
            "Tickettape (in-process)",
            source=SIMULATED,
            requests_per_second=None,
            transport=httpx.ASGITransport(build_app(self.market, clock)),
        )
