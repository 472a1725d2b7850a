"""What the simulated market promises: it agrees with itself, repeats itself, and lives."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickettape.marketplaces import MarketplaceEvent, Missing
from tickettape.marketplaces.simulator import Market, SimulatedMarketplace, answers
from tickettape.marketplaces.simulator.catalogue import SimulatedProduction
from tickettape.marketplaces.simulator.market import Outcome, Shelf
from tickettape.marketplaces.simulator.split_rules import Rule, buyable
from tickettape.marketplaces.vividseats.read_listings import read_listings

AT = datetime(2026, 10, 31, 23, 50, tzinfo=UTC)
MARKET = Market(seed=3, events=24)
TEN_MINUTES = timedelta(minutes=10)

times = st.datetimes(datetime(2021, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def cents(text: str) -> int:
    return round(float(text) * 100)


@settings(max_examples=60, deadline=None)
@given(at=times, seed=st.integers(0, 5), which=st.integers(0, 11))
def test_every_answer_agrees_with_itself(at: datetime, seed: int, which: int) -> None:
    market = Market(seed=seed, events=12)
    production = market.productions(at)[which]
    body = answers.listings(market, production, at)
    answer = json.loads(body)
    tickets, totals = answer["tickets"], answer["global"][0]
    assert int(totals["listingCount"]) == len(tickets) == len({ticket["i"] for ticket in tickets})
    for kind, key in (("groups", "c"), ("sections", "d")):
        assert sum(int(one["q"]) for one in answer[kind]) == int(totals["ticketCount"])
        for one in answer[kind]:
            inside = [ticket for ticket in tickets if ticket[key] == one["i"]]
            assert int(one["q"]) == sum(int(ticket["q"]) for ticket in inside)
            assert one["a"] == ("1" if inside else "0")
            prices = [cents(ticket["p"]) for ticket in inside] or [0]
            assert (cents(one["l"]), cents(one["h"])) == (min(prices), max(prices))
    groups = {group["i"] for group in answer["groups"]}
    homes = {section["i"]: section["g"] for section in answer["sections"]}
    for ticket in tickets:
        assert homes[ticket["d"]] == ticket["c"] in groups
        assert int(ticket["q"]) > 0
        if "aip" in ticket:
            assert 1.19 < cents(ticket["aip"]) / cents(ticket["p"]) < 1.36
        if "m" in ticket:
            assert max(map(int, ticket["m"].split(","))) <= int(ticket["q"])
    if tickets:
        prices = [cents(ticket["p"]) for ticket in tickets]
        assert (cents(totals["lp"]), cents(totals["hp"])) == (min(prices), max(prices))
        assert cents(totals["atp"]) == pytest.approx(np.mean(prices), abs=1)
        assert cents(totals["mp"]) == pytest.approx(np.median(prices), abs=1)
    inventory = read_listings(body, str(production.production_id), tolerance=0.0)
    assert inventory.status == ("ok" if tickets else "empty")


def test_the_same_seed_production_and_time_give_the_same_bytes_in_any_order() -> None:
    production = MARKET.productions(AT)[5]
    first = answers.listings(MARKET, production, AT)
    other = Market(seed=3, events=500)
    answers.listings(other, other.productions(AT)[7], AT + timedelta(days=3))
    known = other.production(production.production_id, AT)
    assert known is not None
    assert answers.listings(other, known, AT) == first


def test_another_seed_is_another_market() -> None:
    assert answers.page(MARKET, MARKET.productions(AT), AT, 1, 5) != answers.page(
        Market(seed=4), Market(seed=4).productions(AT), AT, 1, 5
    )


@settings(max_examples=30, deadline=None)
@given(at=times)
def test_the_catalogue_is_always_full_and_its_ids_name_one_production_for_ever(at: datetime) -> None:
    offered = MARKET.productions(at)
    assert len({one.production_id for one in offered}) == 24
    assert all(at < one.date <= at + timedelta(days=121) for one in offered)
    assert all(MARKET.production(one.production_id, at) == one for one in offered)
    assert all(one.name.endswith(" (simulated)") for one in offered)


def test_a_past_production_and_one_not_yet_announced_are_unknown() -> None:
    production = MARKET.productions(AT)[0]
    second = timedelta(seconds=1)
    assert MARKET.production(production.production_id, production.date - second) == production
    assert MARKET.production(production.production_id, production.date) is None
    assert MARKET.production(production.production_id, production.on_sale_at) == production
    assert MARKET.production(production.production_id, production.on_sale_at - second) is None
    assert MARKET.production(5990417, AT) is None


def test_what_is_offered_today_was_known_for_four_months() -> None:
    for production in MARKET.productions(AT):
        assert production.on_sale_at <= AT - timedelta(days=118)


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


def test_thousands_of_productions_on_demand() -> None:
    market = Market(seed=1, events=5_000)
    offered = market.productions(AT)
    assert len({one.production_id for one in offered}) == 5_000
    assert len(market.shelf(offered[4_321], AT).slot) > 0


def faces(shelf: Shelf) -> dict[int, tuple[int, int]]:
    rows = zip(shelf.listing_number.tolist(), shelf.quantity.tolist(), shelf.price_cents.tolist(), strict=True)
    return {number: (quantity, price) for number, quantity, price in rows}


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


def test_listings_appear_vanish_are_repriced_and_shrink_as_their_split_rule_allows() -> None:
    births = ends = repriced = shrunk = 0
    for production in MARKET.productions(AT)[:8]:
        before = MARKET.shelf(production, AT)
        for hour in range(1, 25):
            after = MARKET.shelf(production, AT + timedelta(hours=hour))
            then, now = faces(before), faces(after)
            rules = dict(zip(before.listing_number.tolist(), before.rule.tolist(), strict=True))
            births += len(now.keys() - then.keys())
            ends += len(then.keys() - now.keys())
            for number in then.keys() & now.keys():
                (had, old), (has, new) = then[number], now[number]
                repriced += old != new
                assert has <= had
                if has < had:
                    shrunk += 1
                    assert rules[number] != Rule.WHOLE
                    assert has in left_by_sales(Rule(rules[number]), had)
            before = after
    assert min(births, ends, repriced, shrunk) > 20


def left_by_sales(rule: Rule, quantity: int) -> set[int]:
    once = {quantity - part for part in buyable(rule, quantity) if part < quantity}
    return once | {left - part for left in once for part in buyable(rule, left) if part < left}


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


def marketplace(**settings: Any) -> SimulatedMarketplace:
    return SimulatedMarketplace(seed=3, clock=lambda: AT, **settings)


async def all_of(market: SimulatedMarketplace, **rule: str) -> list[MarketplaceEvent]:
    return [production async for production in market.upcoming_events(**rule)]


def test_in_process_it_is_a_marketplace_that_knows_the_past() -> None:
    async def scenario() -> None:
        async with marketplace() as market:
            assert (market.source, market.knows_the_past) == ("simulator", True)
            offered = await all_of(market)
            assert len(offered) == 24
            chosen = offered[9]
            assert await market.event(chosen.external_id) == chosen
            now, past, again = [
                await market.listings(chosen.external_id, at)
                for at in (AT, AT - timedelta(days=30), AT - timedelta(days=30))
            ]
            assert now.status == past.status == "received"
            assert now.body != past.body == again.body
            assert past.body is not None
            assert market.read_listings(past.body, chosen.external_id, 0.0).status == "ok"

    asyncio.run(scenario())


def test_in_process_a_production_that_is_over_is_missing() -> None:
    async def scenario() -> None:
        async with marketplace() as market:
            first = (await all_of(market))[0]
            over = await market.listings(first.external_id, first.date)
            assert (over.status, over.http_status, over.body) == ("missing", 404, None)
            with pytest.raises(Missing):
                await market.event("5990417")
            nonsense = await market.listings("nonsense", AT)
            assert nonsense.body is not None
            with pytest.raises(Missing):
                market.read_listings(nonsense.body, "nonsense", 0.05)

    asyncio.run(scenario())


def test_the_catalogue_answers_every_rule_over_all_pages() -> None:
    async def scenario() -> None:
        async with marketplace(events=130) as market:
            offered = await all_of(market)
            assert len({one.external_id for one in offered}) == 130
            chosen = offered[40]
            assert chosen.performer_id is not None
            by_performer = await all_of(market, performer_id=chosen.performer_id)
            assert chosen in by_performer
            assert len(by_performer) < 130
            assert chosen in await all_of(market, query=chosen.name[3:12].upper())
            at_venue = await all_of(market, venue_id="401")
            assert {one.venue for one in at_venue} == {"Voyageur Field"}
            sports = await all_of(market, category_id="3")
            assert {one.category for one in sports} == {"NBA Basketball", "NFL Football", "Tennis"}
            assert await all_of(market, query="no such thing") == []

    asyncio.run(scenario())


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
