"""The simulated market as a `Marketplace`: in this process, or served over HTTP elsewhere."""

from typing import Any

import httpx

from tickettape.marketplaces.simulator.app import Clock, build_app, wall_clock
from tickettape.marketplaces.simulator.market import CHANGE_SHARE, Market
from tickettape.marketplaces.vividseats import VividSeats

FIRST_RULE = ("search", "simulated")  # all simulated events carry this word in their names


class ServedSimulator(VividSeats):
    """A `Marketplace` that `python -m tickettape.marketplaces.simulator` serves; only a simulator may answer it."""

    first_rule: tuple[str, str] | None = FIRST_RULE

    def __init__(self, base_url: str, user_agent: str, *, source: str = "simulator", **more: Any) -> None:
        super().__init__(base_url, user_agent, source=source, simulated=True, **more)


class SimulatedMarketplace(VividSeats):
    """A `Marketplace` without a network: it knows the past and needs no pacing.

    `clock` (UTC) is the market's now, for its catalogue; listings are asked at their tick. `market` is another market
    than the one that `seed`, `events` and `change_share` make: one of agents, for tests.
    """

    first_rule: tuple[str, str] | None = FIRST_RULE
    paced = False

    def __init__(
        self,
        *,
        source: str = "simulator",
        seed: int = 1,
        events: int = 24,
        change_share: float = CHANGE_SHARE,
        clock: Clock = wall_clock,
        market: Market | None = None,
    ) -> None:
        self.market = market or Market(seed=seed, events=events, change_share=change_share)
        super().__init__(
            "http://simulator",
            "Tickettape (in-process)",
            source=source,
            simulated=True,
            requests_per_second=None,
            transport=httpx.ASGITransport(build_app(self.market, clock)),
        )
