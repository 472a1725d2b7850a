"""The hours of price ranges: what each of their numbers is, in small numbers."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.support.markets import NOON, TEN, Section, add_event, observe, observe_ranges, price_range
from tests.support.oracle import assert_exact
from tests.support.recorded_refresh import Refresh
from tickettape.database import Connection
from tickettape.rollups import pending_buckets


@pytest.fixture
def event(connection: Connection) -> int:
    return add_event(connection)


def hours(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        """select market, price_basis, currency, lowest_price::text, average_price::text, highest_price::text,
               first_lowest_price::text, last_lowest_price::text, last_priced_at, listings, tickets, observation_count
           from analytics.range_hours order by hour, market, price_basis"""
    ).fetchall()


def test_an_hour_is_of_its_observations_each_the_same_weight_and_rounded_once_half_up(
    connection: Connection, refresh: Refresh, event: int
) -> None:
    silent = {"lowest_price_cents": None, "average_price_cents": None, "highest_price_cents": None}
    observe_ranges(
        connection,
        price_range(event, NOON, lowest_price_cents=1200, average_price_cents=2000, listings=9, tickets=None),
        price_range(event, NOON + TEN, lowest_price_cents=1000, average_price_cents=2005, listings=8, tickets=20),
        price_range(event, NOON + 2 * TEN, lowest_price_cents=1100, average_price_cents=None, highest_price_cents=9001,
                    listings=None, tickets=18),
        price_range(event, NOON + 3 * TEN, **silent, listings=7, tickets=None),
        price_range(event, NOON + timedelta(hours=1), **silent, listings=0, tickets=0),
    )  # fmt: skip
    refresh.run_until_clean(connection)
    assert_exact(connection)
    # (20.00 + 20.05) / 2 = 20.025
    assert hours(connection) == [
        ("resale", "all_in", "USD", "10.00", "20.03", "90.01", "12.00", "11.00", NOON + 2 * TEN, 7, 18, 4),
        ("resale", "all_in", "USD", None, None, None, None, None, None, 0, 0, 1),
    ]


def test_a_market_or_a_basis_that_changes_within_an_hour_is_another_series(
    connection: Connection, refresh: Refresh, event: int
) -> None:
    observe_ranges(
        connection,
        price_range(event, NOON, market="primary", price_basis="unknown"),
        price_range(event, NOON + TEN, lowest_price_cents=1500),
        price_range(event, NOON + 2 * TEN, lowest_price_cents=1400, price_basis="before_fees"),
    )
    refresh.run_until_clean(connection)
    assert_exact(connection)
    assert [(*row[:4], row[-1]) for row in hours(connection)] == [
        ("primary", "unknown", "USD", "10.00", 1),
        ("resale", "all_in", "USD", "15.00", 1),
        ("resale", "before_fees", "USD", "14.00", 1),
    ]
    # the series that an hour no longer has goes with the hour's refresh
    observe_ranges(connection, price_range(event, NOON + 2 * TEN, lowest_price_cents=1400))
    refresh.run_until_clean(connection)
    assert_exact(connection)
    assert [(row[1], row[3], row[-1]) for row in hours(connection)] == [("unknown", "10.00", 1), ("all_in", "14.00", 2)]


def test_price_ranges_leave_the_rollups_of_listings_as_they_are_and_the_other_way_round(
    connection: Connection, refresh: Refresh, event: int
) -> None:
    observe(connection, event, NOON, Section("A", "101"))
    observe_ranges(connection, price_range(event, NOON))
    refresh.run_until_clean(connection)
    versions = """select 'a', xmin::text from analytics.aggregated_analytics
                  union all select 'r', xmin::text from analytics.range_hours"""
    before: dict[Any, Any] = dict(connection.execute(versions).fetchall())
    observe_ranges(connection, price_range(event, NOON + TEN))
    assert pending_buckets(connection) == {"range_hours": 1}
    refresh.run_until_clean(connection)
    between: dict[Any, Any] = dict(connection.execute(versions).fetchall())
    assert (between["a"] == before["a"], between["r"] == before["r"]) == (True, False)
    observe(connection, event, NOON + TEN, Section("A", "101", [900]))
    assert "range_hours" not in pending_buckets(connection)
    refresh.run_until_clean(connection)
    after: dict[Any, Any] = dict(connection.execute(versions).fetchall())
    assert (after["a"] == between["a"], after["r"] == between["r"]) == (False, True)


def test_a_refresh_reads_no_month_while_it_is_detached(
    connection: Connection, second: Connection, refresh: Refresh, event: int
) -> None:
    """Between the claim and the read of the facts a month must not go: its hours would be emptied."""
    observe_ranges(connection, price_range(event, NOON))
    held = []

    def try_to_detach(statement: str) -> None:
        if statement.startswith("create temporary"):
            with pytest.raises(psycopg.errors.LockNotAvailable):
                second.execute("alter table market.price_ranges detach partition market.price_ranges_2026_11")
            held.append(statement)

    second.execute("set lock_timeout = '100ms'")
    refresh.run(connection, "range_hours", between=try_to_detach)
    assert len(held) == 1
    refresh.run_until_clean(connection)
    assert_exact(connection)
