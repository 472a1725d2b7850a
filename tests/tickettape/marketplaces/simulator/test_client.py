"""The simulator in process is a marketplace like any other."""

import asyncio
from datetime import timedelta

import pytest

from tests.support.simulated_market import AT, all_of, marketplace
from tickettape.marketplaces import (
    Missing,
)


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
            assert first.date is not None
            over = await market.listings(first.external_id, first.date)
            assert (over.status, over.http_status, over.body) == ("missing", 404, None)
            with pytest.raises(Missing):
                await market.event("5990417")
            nonsense = await market.listings("nonsense", AT)
            assert nonsense.body is not None
            with pytest.raises(Missing):
                market.read_listings(nonsense.body, "nonsense", 0.05)

    asyncio.run(scenario())
