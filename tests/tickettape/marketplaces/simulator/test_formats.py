"""The simulated market in other formats: the same market, whoever asks, in this process or over HTTP."""

from dataclasses import replace

import pytest

from tests.support.loopback_servers import served
from tests.support.simulated_market import AT, marketplace
from tests.support.spoken_formats import run
from tickettape.marketplaces import Inventory, MarketplaceEvent
from tickettape.marketplaces.protocol import Marketplace
from tickettape.marketplaces.simulator import SIMULATED_FORMATS, market_in_process, served_market


async def everything(it: Marketplace) -> dict[MarketplaceEvent, Inventory]:
    """Each event with its inventory."""
    events = [one async for one in it.upcoming_events(query="simulated") if isinstance(one, MarketplaceEvent)]
    found = {}
    for one in events:
        answer = await it.listings(one.external_id, AT)
        assert answer.body is not None
        found[one] = it.read_listings(answer.body, one.external_id, 0.05)
    return found


@pytest.mark.parametrize("name", list(SIMULATED_FORMATS))
def test_a_format_tells_of_the_same_market_in_this_process_and_over_http(name: str) -> None:
    known = marketplace(events=6)
    in_process = market_in_process(name, known.market, source="s", clock=lambda: AT)
    with served(SIMULATED_FORMATS[name].build_app(known.market, lambda: AT)) as url:
        over_http = run(served_market(name, url, "tests", source="s"), everything)
    told = run(in_process, everything)
    assert told == over_http
    truth = run(known, everything)
    assert [(one.name, one.venue, one.date) for one in told] == [(one.name, one.venue, one.date) for one in truth]
    for spoken, original in zip(told.values(), truth.values(), strict=True):
        assert spoken.status == "ok"
        assert sorted(one.price_cents for one in spoken.listings) == sorted(
            one.price_cents for one in original.listings
        )
    assert (in_process.paced, in_process.knows_the_past) == (False, True)
    assert in_process.first_rule == ("search", "simulated")


@pytest.mark.parametrize("name", list(SIMULATED_FORMATS))
def test_an_event_is_known_alone_as_it_is_in_the_list(name: str) -> None:
    async def both(it: Marketplace) -> tuple[list[MarketplaceEvent], list[MarketplaceEvent]]:
        events = [one async for one in it.upcoming_events(query="simulated") if isinstance(one, MarketplaceEvent)]
        return events, [await it.event(one.external_id) for one in events]

    listed, alone = run(market_in_process(name, marketplace(events=6).market, source="s", clock=lambda: AT), both)
    assert [replace(one) for one in listed] == alone
