"""Which events a rule stands for, asked of the simulated marketplace."""

import asyncio

import pytest

from tests.support.markets import NOON
from tickettape.catalogue import discover_events
from tickettape.marketplaces import Missing
from tickettape.marketplaces.simulator import SimulatedMarketplace

MARKET = SimulatedMarketplace(seed=7, events=12, clock=lambda: NOON)


def found(kind: str, value: str) -> list[str]:
    return [event.external_id for event in asyncio.run(discover_events(MARKET, kind, value))]


def test_a_search_finds_by_words_and_an_event_is_itself() -> None:
    everything = found("search", "simulated")
    assert len(everything) == len(set(everything)) == 12
    assert found("event", everything[3]) == [everything[3]]
    assert found("search", "no such words") == []


def test_a_performer_is_found_by_id_with_no_other_performers_events() -> None:
    events = asyncio.run(discover_events(MARKET, "search", "simulated"))
    performer = events[0].performer_id
    assert performer is not None
    assert found("performer", performer) == [one.external_id for one in events if one.performer_id == performer]


def test_an_event_that_is_unknown_is_an_error_and_not_an_empty_list() -> None:
    with pytest.raises(Missing):
        found("event", "1")
