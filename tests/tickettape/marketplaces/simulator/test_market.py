"""A market that moves: what appears, vanishes, is sold, repriced and comes back."""

import asyncio
from datetime import timedelta

import numpy as np
import pytest

from tests.support.simulated_market import AT, faces, marketplace
from tickettape.marketplaces.simulator import Market, answers
from tickettape.marketplaces.simulator.catalogue import SimulatedProduction
from tickettape.marketplaces.simulator.market import Outcome

MARKET = Market(seed=3, events=24)
TEN_MINUTES = timedelta(minutes=10)


def test_another_seed_is_another_market() -> None:
    assert answers.page(MARKET, MARKET.productions(AT), AT, 1, 5) != answers.page(
        Market(seed=4), Market(seed=4).productions(AT), AT, 1, 5
    )


def test_the_market_is_varied() -> None:
    offered = MARKET.productions(AT)
    assert len({one.genre.sub_category for one in offered}) >= 5
    assert len({one.venue.venue_id for one in offered}) >= 6
    full = [MARKET.shelf(one, one.date - timedelta(days=40)) for one in offered]
    assert all(150 <= len(shelf.slot) <= 800 for shelf in full)
    assert all(40 <= len(MARKET.stage(one).sections) <= 80 for one in offered)
    names = [MARKET.stage(one).zone_names for one in offered]
    assert any("" in zones for zones in names)
    assert any(len(set(zones)) < len(zones) for zones in names)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3])
def test_the_share_of_listings_that_change_is_what_was_asked(share: float) -> None:
    market = Market(seed=2, events=24, change_share=share)
    changed = total = 0
    for production in market.productions(AT):
        for hour in range(6):
            at = AT - timedelta(days=1, hours=hour)
            before = faces(market.shelf(production, at))
            after = faces(market.shelf(production, at + TEN_MINUTES))
            changed += sum(before.get(number) != after.get(number) for number in before | after)
            total += len(before)
    assert changed / total == pytest.approx(share, rel=0.15)


def test_zones_sell_out_and_come_back() -> None:
    emptied = returned = 0
    for production in MARKET.productions(AT):
        zones = len(MARKET.stage(production).zone_ids)
        was = None
        for step in range(20):
            at = min(AT, production.date) - timedelta(hours=12 * (20 - step))
            now = np.bincount(MARKET.shelf(production, at).zone, minlength=zones) > 0
            if was is not None:
                emptied += int((was & ~now).sum())
                returned += int((~was & now).sum())
            was = now
    assert emptied > 0
    assert returned > 0


def average_dollars(production: SimulatedProduction, days: float) -> float:
    shelf = MARKET.shelf(production, production.date - timedelta(days=days))
    return float(np.median(shelf.price_cents)) / 100


def test_prices_move_towards_the_date_up_for_some_and_down_for_others() -> None:
    moves = [average_dollars(one, 1) / average_dollars(one, 100) for one in MARKET.productions(AT)]
    assert min(moves) < 0.85
    assert max(moves) > 1.15


def test_the_truth_about_a_listing_matches_what_is_for_sale() -> None:
    production = MARKET.productions(AT)[4]
    stage = MARKET.stage(production)
    shelf = MARKET.shelf(production, AT)
    now = (AT - production.on_sale_at).total_seconds()
    lives = MARKET.lives(stage, shelf.slot, shelf.cycle)
    assert bool((lives.occupied & (lives.born <= now) & (now < lives.ends)).all())
    sold = np.where(lives.partial_at <= now, lives.partial_sold, 0).sum(axis=1)
    assert (lives.quantity - sold).tolist() == shelf.quantity.tolist()
    assert bool(((lives.born < lives.partial_at.T) & (lives.ends > lives.partial_at.T)).all())


def test_every_way_to_end_happens_and_more_sells_near_the_date() -> None:
    production = MARKET.productions(AT)[4]
    stage = MARKET.stage(production)

    def sold_share(days: float) -> float:
        now = (production.date - production.on_sale_at - timedelta(days=days)).total_seconds()
        lives = MARKET.lives(stage, stage.slots, MARKET.cycle_at(stage, stage.slots, now))
        outcomes = lives.outcome[lives.occupied]
        assert set(outcomes.tolist()) == set(Outcome)
        return float((outcomes == Outcome.SOLD).mean())

    assert sold_share(3) > sold_share(100) + 0.1


def test_a_relisted_listing_comes_back_under_another_number_with_what_was_left() -> None:
    production = MARKET.productions(AT)[4]
    stage = MARKET.stage(production)
    cycle = MARKET.cycle_at(stage, stage.slots, 100 * 86_400.0)
    cycle -= cycle % 2
    lives, later = (MARKET.lives(stage, stage.slots, cycle + step) for step in (0, 1))
    back = lives.occupied & (lives.outcome == Outcome.RELISTED)
    assert int(back.sum()) > 10
    assert bool(later.occupied[back].all())
    assert bool((later.root[back] == cycle[back]).all())
    left = (lives.quantity - lives.partial_sold.sum(axis=1))[back]
    assert later.quantity[back].tolist() == left.tolist()
    assert bool((later.born[back] >= lives.ends[back]).all())


def test_a_time_without_an_offset_is_refused() -> None:
    async def scenario() -> None:
        async with marketplace() as market:
            http = market._http._http
            assert http is not None
            response = await http.get(
                "http://simulator/productions", headers={"x-simulator-time": "2026-10-31T23:50:00"}
            )
            assert response.status_code == 400
            assert "Give it a UTC offset" in response.json()["error"]
            assert response.headers["x-tickettape-simulator"] == "1"

    asyncio.run(scenario())
