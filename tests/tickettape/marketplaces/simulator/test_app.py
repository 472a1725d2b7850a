"""The simulator over HTTP."""

import asyncio
from datetime import timedelta

from tests.support.loopback_servers import served
from tests.support.scripted_client import AT, run
from tests.support.simulated_market import all_of, marketplace
from tickettape.marketplaces import (
    Marketplace,
    MarketplaceEvent,
)
from tickettape.marketplaces.simulator import Market, SimulatedMarketplace, build_app


def test_a_simulator_over_http_is_the_same_market_as_in_process() -> None:
    market = Market(seed=1, events=3)
    chosen = str(market.productions(AT)[1].production_id)
    past = AT - timedelta(days=20)

    async def scenario(marketplace: Marketplace) -> tuple[bytes | None, list[MarketplaceEvent]]:
        answer = await marketplace.listings(chosen, past)
        return answer.body, [one async for one in marketplace.upcoming_events() if isinstance(one, MarketplaceEvent)]

    async def in_process() -> tuple[bytes | None, list[MarketplaceEvent]]:
        async with SimulatedMarketplace(seed=1, events=3, clock=lambda: AT) as marketplace:
            return await scenario(marketplace)

    with served(build_app(market, clock=lambda: AT)) as url:
        over_http, _ = run(url, scenario, source="simulator", simulated=True)
    assert over_http == asyncio.run(in_process())
    assert len(over_http[1]) == 3


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
