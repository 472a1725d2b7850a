"""Which events a rule stands for, asked of the simulated marketplace."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.markets import NOON
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection
from tickettape.marketplaces import MarketplaceEvent, Missing, Refused
from tickettape.marketplaces.simulator import SimulatedMarketplace

MARKET = SimulatedMarketplace(seed=7, events=12, clock=lambda: NOON)


def found(kind: str, value: str) -> list[str]:
    return [event.external_id for event in asyncio.run(discover_events(MARKET, kind, value)).events]


def test_a_search_finds_by_words_and_an_event_is_itself() -> None:
    everything = found("search", "simulated")
    assert len(everything) == len(set(everything)) == 12
    assert found("event", everything[3]) == [everything[3]]
    assert found("search", "no such words") == []


def test_a_performer_is_found_by_id_with_no_other_performers_events() -> None:
    events = asyncio.run(discover_events(MARKET, "search", "simulated")).events
    performer = events[0].performer_id
    assert performer is not None
    assert found("performer", performer) == [one.external_id for one in events if one.performer_id == performer]


class Careless(SimulatedMarketplace):
    """A market that lists what no column can hold, as another marketplace's reader might give it."""

    said: tuple[dict[str, Any], ...] = ()

    async def upcoming_events(self, **rule: Any) -> AsyncIterator[MarketplaceEvent | Refused]:
        listed = [one async for one in super().upcoming_events(**rule)]
        for number, one in enumerate(listed):
            changes = self.said[number] if number < len(self.said) else {}
            if "refused" in changes:
                yield Refused(changes["refused"])
            elif isinstance(one, MarketplaceEvent):
                yield replace(one, **changes)


@pytest.mark.parametrize(
    "bad",
    [
        {"venue": None},
        {"state": "x" * 51},
        {"name": "An\0 evening"},
        {"date": datetime(1, 1, 1, tzinfo=UTC)},
        {"date": datetime(9999, 12, 31, tzinfo=UTC)},
        {"date": None, "date_status": "postponed"},
        {"venue_time_zone": "Nowhere/Atall", "date_status": "time_tbd"},
        {"performer_name": "\ud83d", "category": "c" * 101, "city": "c" * 101, "country": "c" * 101},
    ],
)
def test_an_event_that_says_what_no_column_can_hold_is_stored_with_what_is_known(
    connection: Connection, bad: dict[str, Any]
) -> None:
    market = Careless(seed=7, events=12)
    market.said = ({}, bad)
    events = asyncio.run(discover_events(market, "search", "simulated")).events
    assert upsert_events(connection, "simulator", map(asdict, events)) == (12, 0)
    assert upsert_events(connection, "simulator", map(asdict, events)) == (0, 0)


@pytest.mark.parametrize("bad", [{"name": "\0"}, {"external_id": "1" * 256}, {"refused": "Production 2 is none."}])
def test_an_entry_that_is_no_event_costs_itself_alone_and_is_named(connection: Connection, bad: dict[str, Any]) -> None:
    market = Careless(seed=7, events=12)
    market.said = ({}, bad)
    found = asyncio.run(discover_events(market, "search", "simulated"))
    assert (len(found.events), len(found.refused)) == (11, 1)
    assert upsert_events(connection, "simulator", map(asdict, found.events)) == (11, 0)


def test_an_event_that_is_unknown_is_an_error_and_not_an_empty_list() -> None:
    with pytest.raises(Missing):
        found("event", "1")
