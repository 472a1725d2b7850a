"""The worlds are frozen: a small draw of each is what it was when no method existed yet.

Forecasts and estimated sales are measured on these worlds. If one changes, every figure measured on it is void: so a
new world is added under a new name, and none of these checksums is edited.
"""

from hashlib import sha256

import numpy as np
import pandas as pd
import pytest

from tickettape.marketplaces.simulator.worlds import AgentsMarket, World, draw_listings, draw_prices
from tickettape.marketplaces.simulator.worlds.ranges import (
    FAR_MOVE,
    MARKET_RANGES,
    OWN_RANGES,
    PHASES,
    PRICE_RANGES,
    RANDOM_SOLD_SHARE,
)

RANGES = "1e8da8d2b03a821f"
PRICES = {
    World.MARTINGALE: "6a8ac400d462ebde",
    World.QUOTE_NOISE: "eecb0f1ed1b987be",
    World.LATE_COLLAPSE: "a8fe4492d171fad6",
    World.LATE_SPIKE: "e0d961b30327399d",
    World.REGIME_CHANGE: "c117f88baac190b2",
    World.COMMON_SHOCKS: "d0c1e4e6086b25b6",
}
LISTINGS = {
    (1.0, 0.0): "67541fdc1a8cb185",
    (0.5, 0.0): "79f4c3916039b104",
    (0.0, 0.0): "9b78e34363cd4ea4",
    (1.0, 0.5): "352ad7562e418fb3",
    (1.0, 1.0): "b7d3aa403e7b29ca",
}
"""By strength and random share."""


def checksum(*frames: pd.DataFrame) -> str:
    digest = sha256()
    for frame in frames:
        digest.update(frame.to_csv(index=False, lineterminator="\n").encode())
    return digest.hexdigest()[:16]


def checksum_of_ranges() -> str:
    values = [
        [(one.least, one.most) for one in ranges.values()]
        for ranges in (PRICE_RANGES, MARKET_RANGES, *OWN_RANGES.values())
    ]
    return sha256(repr((values, PHASES, FAR_MOVE, RANDOM_SOLD_SHARE)).encode()).hexdigest()[:16]


def test_the_ranges_are_what_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checksum_of_ranges() == RANGES
    fall = OWN_RANGES[World.LATE_COLLAPSE]["fall"]
    monkeypatch.setitem(OWN_RANGES[World.LATE_COLLAPSE], "fall", fall._replace(most=fall.most + 0.001))
    assert checksum_of_ranges() != RANGES


@pytest.mark.parametrize("world", World)
def test_a_world_of_prices_is_what_it_was(world: World) -> None:
    series, truth = draw_prices(world, 7, events=20, days=30)
    true = pd.DataFrame({"fair": np.rint(truth.fair_cents).ravel(), "expected": truth.expected_moves.round(6).ravel()})
    assert checksum(series.rows(), true.astype({"fair": np.int64})) == PRICES[world]


@pytest.mark.parametrize(("strength", "random_share"), LISTINGS)
def test_a_market_of_agents_is_what_it_was(strength: float, random_share: float) -> None:
    market = AgentsMarket(7, 6, strength=strength, random_share=random_share, days=3)
    history, truth = draw_listings(market)
    assert len(truth) > 50
    assert checksum(history.listings, truth) == LISTINGS[strength, random_share]
