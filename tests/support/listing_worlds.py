"""Markets of agents that several tests look at, made once, and what a look before each departure shows."""

from functools import cache

import numpy as np
import pandas as pd

from tickettape.marketplaces.simulator.worlds import AgentsMarket, ListingHistory, draw_listings

EVENTS, DAYS, SEEDS = 8, 10, (2,)
FULL, HALF, NONE, RANDOM, MIXED = (1.0, 0.0), (0.5, 0.0), (0.0, 0.0), (1.0, 1.0), (1.0, 0.5)


@cache
def market(seed: int, strength: float, random_share: float) -> AgentsMarket:
    return AgentsMarket(seed, EVENTS, strength=strength, random_share=random_share, days=DAYS)


@cache
def drawn(seed: int, strength: float, random_share: float) -> tuple[ListingHistory, pd.DataFrame]:
    return draw_listings(market(seed, strength, random_share))


@cache
def gone(strength: float, random_share: float) -> pd.DataFrame:
    """Whole listings that went for good, of all seeds, with the share of their zone that was cheaper, and how many went
    together."""
    parts = []
    for seed in SEEDS:
        history, truth = drawn(seed, strength, random_share)
        whole = truth[(truth["what"] == "went") & (truth["outcome"] != "relisted")].copy()
        whole["together"] = whole.groupby(["event", "capture"])["listing_id"].transform("size")
        shown = dict(iter(history.listings.groupby("event")))
        whole["cheaper"] = [
            cheaper(shown[event], listing_id, capture)
            for event, listing_id, capture in whole[["event", "listing_id", "capture"]].to_numpy()
        ]
        parts.append(whole)
    return pd.concat(parts)


def cheaper(rows: pd.DataFrame, listing_id: str, capture: int) -> float:
    """The share of its zone that was cheaper at the last capture that showed a listing; `rows` are its event's."""
    first, until = rows["first_capture"].to_numpy(), rows["until_capture"].to_numpy()
    here = np.flatnonzero((first < capture) & (capture <= until))
    zone, price = rows["zone"].to_numpy()[here], rows["all_in_price_cents"].to_numpy()[here]
    mine = np.flatnonzero(rows["listing_id"].to_numpy()[here] == listing_id)[0]
    return float(np.mean(price[zone == zone[mine]] < price[mine]))
