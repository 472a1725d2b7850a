"""In the random world nothing tells a sale from a withdrawal."""

import pytest

from tests.support.listing_worlds import MIXED, RANDOM, SEEDS, drawn, gone
from tickettape.marketplaces.simulator.worlds import AgentsMarket, draw_listings


def test_a_coin_sells_one_whole_departure_in_three() -> None:
    _, truth = draw_listings(AgentsMarket(1, 40, random_share=1, days=20))
    assert len(truth) > 3_000
    assert set(truth["what"]) == {"went"}
    assert set(truth["outcome"]) == {"sold", "withdrawn"}
    assert (truth["outcome"] == "sold").mean() == pytest.approx(1 / 3, abs=0.025)
    for column in ("tickets", "seller"):
        means = truth.groupby("outcome")[column].agg(["mean", "sem"])
        assert abs(means["mean"].diff().iloc[1]) < 4 * means["sem"].max()


def test_departures_carry_no_trace() -> None:
    whole = gone(*RANDOM)
    for column in ("cheaper", "together", "capture"):
        means = whole.groupby("outcome")[column].agg(["mean", "sem"])
        assert abs(means["mean"].diff().iloc[1]) < 4 * means["sem"].max()
    assert whole["together"].mean() < 1.1


def test_a_mixed_market_has_events_of_both_kinds() -> None:
    shares = []
    for seed in SEEDS:
        _, truth = drawn(seed, *MIXED)
        kinds = truth.groupby("event")["random"].agg(["min", "max"])
        assert (kinds["min"] == kinds["max"]).all()
        shares.append(kinds["min"].mean())
        assert not truth[truth["random"]]["outcome"].eq("relisted").any()
        assert truth[~truth["random"]]["outcome"].eq("relisted").any()
    assert 0.1 < sum(shares) / len(shares) < 0.9
