"""Agents leave the traces that they are made for, in full, by half or not at all."""

import numpy as np
import pandas as pd

from tests.support.listing_worlds import DAYS, FULL, HALF, NONE, SEEDS, drawn, gone, market
from tickettape.marketplaces.simulator.worlds.ranges import MARKET_RANGES


def mean_by_outcome(of: tuple[float, float], column: str) -> dict[str, float]:
    means = gone(*of).groupby("outcome")[column].mean()
    return {str(outcome): float(mean) for outcome, mean in means.items()}


def test_buyers_take_the_best_offer_they_see() -> None:
    full, half, none = (mean_by_outcome(one, "cheaper") for one in (FULL, HALF, NONE))
    assert full["sold"] < 0.25 < half["sold"] < 0.38 < none["sold"]
    assert all(0.4 < one["withdrawn"] < 0.55 for one in (full, half, none))
    assert abs(none["sold"] - none["withdrawn"]) < 0.06


def test_brokers_withdraw_in_batches_and_buyers_come_one_by_one() -> None:
    full, half, none = (mean_by_outcome(one, "together") for one in (FULL, HALF, NONE))
    assert full["withdrawn"] > half["withdrawn"] + 0.3 > none["withdrawn"] + 0.6
    assert max(full["sold"], none["sold"], none["withdrawn"]) < 1.2


def test_a_batch_is_one_brokers() -> None:
    whole = gone(*FULL)
    withdrawn = whole[(whole["outcome"] == "withdrawn") & (whole["together"] >= 4)]
    sellers = withdrawn.groupby(["event", "capture"])["seller"].agg(
        lambda all_: all_.value_counts().iloc[0] / len(all_)
    )
    assert sellers.mean() > 0.9
    assert (withdrawn["seller"] >= 0).mean() > 0.95


def test_brokers_relist_the_same_seats_under_a_new_id() -> None:
    for seed in SEEDS:
        history, truth = drawn(seed, *FULL)
        relisted = truth[truth["outcome"] == "relisted"]
        assert len(relisted) > 50
        assert (relisted["seller"] >= 0).all()
        back = relisted[relisted["relisted_as"] != ""]
        assert len(back) > 0.9 * len(relisted)
        of_listing = history.listings.groupby(["event", "listing_id"])
        seats = of_listing[["zone", "section", "row", "rule"]].first()
        old = seats.loc[list(zip(back["event"], back["listing_id"], strict=True))].to_numpy()
        ids = list(zip(back["event"], back["relisted_as"], strict=True))
        shown = [one in seats.index for one in ids]
        # One that is sold before any capture showed it is never seen again.
        assert np.mean(shown) > 0.98
        new = seats.loc[[one for one, known in zip(ids, shown, strict=True) if known]].to_numpy()
        assert (old[shown] == new).all()
        gap = of_listing["first_capture"].min().loc[[one for one, known in zip(ids, shown, strict=True) if known]]
        waited = gap.to_numpy() - back["capture"].to_numpy()[shown]
        assert waited.min() >= 0
        assert waited.max() <= MARKET_RANGES["relist_minutes"].most / 10


def test_brokers_undercut_the_cheapest_that_they_can_afford_to() -> None:
    def over_the_cheapest(of: tuple[float, float]) -> float:
        """The median of new prices of undercutting brokers over the cheapest of the zone, both for their worth."""
        lives = market(SEEDS[0], *of)._lives_of(20)
        states, offers = lives.states, lives.offers
        ratio = states.price_cents / offers.worth_cents.ravel()[states.slot]
        place = states.slot // lives.width * 1_000 + offers.zone.ravel()[states.slot]
        new = np.flatnonzero((states.first > 200) & offers.undercuts.ravel()[states.slot])[::20]
        found = []
        for row in new:
            at = states.first[row]
            beside = (states.first < at) & (states.until >= at) & (place == place[row])
            others = beside & (states.slot != states.slot[row])
            if others.any():
                found.append(ratio[row] / ratio[others].min())
        return float(np.median(found))

    full, half, none = map(over_the_cheapest, (FULL, HALF, NONE))
    assert 1 < full < half < none
    assert full < none - 0.1


def test_buyers_come_in_the_evening_and_near_the_event() -> None:
    def evening(of: tuple[float, float]) -> float:
        sold: list[pd.Series] = []
        for seed in SEEDS:
            history, truth = drawn(seed, *of)
            sales = truth[truth["outcome"] == "sold"].merge(history.events, on="event")
            at = sales["starts_at"] + sales["capture"] * history.interval
            # Around 20 o'clock in the time zones of the venues, which lie four to eight hours behind UTC.
            sold.append(at.dt.hour.isin([22, 23, 0, 1, 2, 3, 4, 5, 6]))
        return float(pd.concat(sold).mean())

    assert evening(FULL) > evening(NONE) + 0.1
    sales = gone(*FULL)
    captures = sales[sales["outcome"] == "sold"]["capture"]
    assert (captures > DAYS * 72).mean() > 0.52


def test_a_third_to_a_half_of_whole_departures_are_sales() -> None:
    for of in (FULL, HALF, NONE):
        assert 0.25 < (gone(*of)["outcome"] == "sold").mean() < 0.6
