"""A zone that is gone from one answer of a marketplace that states no totals."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from tests.support.markets import TEN
from tests.support.packed_history import LAST, packed, past_days
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces.simulator import Market, market_in_process
from tickettape.observations import capture_tick, floor_to_grid, read_tick
from tickettape.observations.captures import Capture, store_captures
from tickettape.observations.vanished_zones import zones_before

FIRST = floor_to_grid(TEN, datetime.now(UTC)) - 5 * TEN


def statuses(connection: Connection, name: str) -> list[tuple[str, bool]]:
    """A market of which a zone is gone from the second to the fourth answer; the status of each, and whether its note
    names the zone."""
    marketplace: Any = market_in_process(name, Market(seed=5, events=1), source="simulator", clock=lambda: FIRST)
    found = asyncio.run(discover_events(marketplace, "search", "simulated"))
    upsert_events(connection, "simulator", map(asdict, found.events))
    ticks = [FIRST + number * TEN for number in range(5)]
    ensure_partitions(connection, ticks)
    read_listings = marketplace.read_listings

    def without(body: bytes, external_id: str, tolerance: float) -> Any:
        inventory = read_listings(body, external_id, tolerance)
        zone = inventory.zones[0].zone_id
        inventory.listings = [one for one in inventory.listings if one.zone_id != zone]
        inventory.status = "ok" if inventory.listings else "empty"
        return inventory

    for number, tick in enumerate(ticks):
        marketplace.read_listings = without if number in (1, 2, 3) else read_listings
        capture_tick(connection, marketplace, tick, None, "a-test")
        read_tick(connection, marketplace, tick, 0.05, "a-test", only_received=True)
    rows = connection.execute("select status, note from market.captures order by tick").fetchall()
    return [(status, "one answer alone is no evidence" in (note or "")) for status, note in rows]


def test_the_first_answer_without_a_zone_is_partial_and_the_second_one_counts(connection: Connection) -> None:
    assert statuses(connection, "gametime") == [
        ("ok", False),
        ("partial", True),
        ("ok", False),
        ("ok", False),
        ("ok", False),
    ]


def test_control_where_totals_are_stated_one_answer_is_enough(connection: Connection) -> None:
    assert [status for status, _ in statuses(connection, "ticketevolution")] == ["ok", "empty", "empty", "empty", "ok"]


def test_a_failure_between_two_answers_changes_nothing(connection: Connection) -> None:
    marketplace: Any = market_in_process("gametime", Market(seed=5, events=1), source="simulator", clock=lambda: FIRST)
    found = asyncio.run(discover_events(marketplace, "search", "simulated"))
    upsert_events(connection, "simulator", map(asdict, found.events))
    key = connection.execute("select event_key from market.events").fetchone()
    assert key is not None
    ensure_partitions(connection, [FIRST, FIRST + TEN, FIRST + 2 * TEN])
    capture_tick(connection, marketplace, FIRST, None, "a-test")
    read_tick(connection, marketplace, FIRST, 0.05, "a-test", only_received=True)
    store_captures(connection, [Capture(key[0], FIRST + TEN, "failed")], None)
    read_listings = marketplace.read_listings

    def emptied(body: bytes, external_id: str, tolerance: float) -> Any:
        inventory = read_listings(body, external_id, tolerance)
        inventory.listings, inventory.status = [], "empty"
        return inventory

    marketplace.read_listings = emptied
    capture_tick(connection, marketplace, FIRST + 2 * TEN, None, "a-test")
    read_tick(connection, marketplace, FIRST + 2 * TEN, 0.05, "a-test", only_received=True)
    rows = connection.execute("select status from market.captures order by tick").fetchall()
    assert [status for (status,) in rows] == ["ok", "failed", "partial"]


def test_the_zones_before_are_found_in_packed_days_too(connection: Connection) -> None:
    keys = past_days(connection)
    before = zones_before(connection, keys, LAST)
    packed(connection, keys)
    assert zones_before(connection, keys, LAST) == before
    assert list(before.values()) == [{"A", "B"}, {"A", "B"}]
