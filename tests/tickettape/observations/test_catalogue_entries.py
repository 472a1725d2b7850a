"""What a catalogue says: stored on demand, never watched, forgotten after some days."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.markets import TEN
from tickettape.catalogue import discover_events, events_watched_at
from tickettape.database import Connection
from tickettape.marketplaces.simulator import Market, catalogue_in_process
from tickettape.observations import floor_to_grid, forget_catalogue_entries, store_catalogue_entries

NOW = floor_to_grid(TEN, datetime.now(UTC))
DAY = timedelta(days=1)


def listed(count: int = 3) -> list[Any]:
    catalogue = catalogue_in_process(Market(events=count), source="ticketmaster", clock=lambda: NOW)
    return asyncio.run(discover_events(catalogue, "search", "simulated")).events


def counts(connection: Connection) -> tuple[int, int]:
    row = connection.execute(
        "select (select count(*) from market.price_ranges), (select count(*) from market.events)"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_events_and_their_first_prices_are_stored_and_nobody_watches_them(connection: Connection) -> None:
    assert store_catalogue_entries(connection, "ticketmaster", listed(), NOW) == 3
    assert events_watched_at(connection, "ticketmaster", NOW) == []
    rows = connection.execute(
        """select market, price_basis, price_ranges.currency, lowest_price_cents, highest_price_cents,
               sales_state, venue_external_id
           from market.price_ranges inner join market.events using (event_key) order by event_key"""
    ).fetchall()
    assert [(*row[:3], row[4], row[5]) for row in rows] == [
        ("primary", "unknown", "USD", one.price_range.highest_price_cents, "onsale") for one in listed()
    ]
    assert [row[6] for row in rows] == [one.venue_id for one in listed()]
    captures = connection.execute("select count(*) from market.captures").fetchone()
    assert captures == (0,)  # no empty inventory, which would read as sold out


def test_a_second_asking_adds_prices_of_its_time_and_the_event_stays_one(connection: Connection) -> None:
    store_catalogue_entries(connection, "ticketmaster", listed(), NOW - TEN)
    store_catalogue_entries(connection, "ticketmaster", listed(), NOW)
    assert counts(connection) == (6, 3)


def test_what_is_older_than_the_retention_is_deleted_and_newer_and_watched_events_stay(connection: Connection) -> None:
    first, *others = listed()
    store_catalogue_entries(connection, "ticketmaster", [first, *others], NOW - 3 * DAY)
    store_catalogue_entries(connection, "ticketmaster", [first], NOW)
    assert forget_catalogue_entries(connection, "another", NOW) == (0, 0)
    assert forget_catalogue_entries(connection, "ticketmaster", NOW - 2 * DAY) == (3, 2)
    assert counts(connection) == (1, 1)


def test_an_event_whose_hours_are_not_yet_refreshed_stays_until_they_are(connection: Connection) -> None:
    store_catalogue_entries(connection, "ticketmaster", listed(), NOW - 3 * DAY)
    connection.execute(
        "create table analytics.range_hours as select id as event_id from market.events order by event_key limit 1"
    )
    assert forget_catalogue_entries(connection, "ticketmaster", NOW - 2 * DAY) == (3, 2)
    connection.execute("delete from analytics.range_hours")
    assert forget_catalogue_entries(connection, "ticketmaster", NOW - 2 * DAY) == (0, 1)
