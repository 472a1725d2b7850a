"""What the board shows of an event: always relative to its newest ok capture, and never frozen."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.markets import NOON, TEN, Section, add_event, observe, observe_ranges, price_range
from tests.support.oracle import assert_exact
from tests.support.recorded_refresh import Refresh
from tickettape.database import Connection
from tickettape.observations import undo_void, void_capture
from tickettape.rollups import pending_buckets

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def event(connection: Connection) -> int:
    return add_event(connection)


def shown(connection: Connection, refresh: Refresh) -> dict[str, Any]:
    """The only event's row, after a refresh that leaves everything exact."""
    refresh.run_until_clean(connection)
    assert_exact(connection)
    cursor = connection.execute("select * from analytics.event_board")
    (row,) = cursor.fetchall()
    return dict(zip([column.name for column in cursor.description or ()], row, strict=True))


def week(row: dict[str, Any]) -> dict[int, int]:
    """The prices of the week in cents, by how many times 3 hours ago they were."""
    return {n: cents for n, cents in enumerate(reversed(row["week_min_price_2tickets_cents"])) if cents is not None}


def test_prices_are_compared_with_the_last_observed_hour_at_most_a_day_older(
    connection: Connection, refresh: Refresh, event: int
) -> None:
    newest = NOON + 20 * TEN  # 15:20
    for ago, cents in (
        (31 * DAY - 20 * TEN, 3000), (30 * DAY - TEN, 1), (8 * DAY, 2), (7 * DAY + HOUR, 700), (3 * DAY, 300),
        (DAY + 23 * HOUR, 200), (2 * HOUR, 120), (2 * HOUR - TEN, 110), (timedelta(0), 100),
    ):  # fmt: skip
        observe(connection, event, newest - ago, Section("A", "101", [cents, 5000]), Section("B", "201", [cents + 50]))
    row = shown(connection, refresh)
    assert (row["kind"], row["timestamp"], row["hour"]) == ("listings", newest, NOON + 3 * HOUR)
    assert (row["min_price_1ticket"], str(row["min_price_2tickets"])) == (None, "1.00")
    # 30 days ago: the hour of 30 days less 10 minutes ago begins 30 days and 10 minutes ago
    assert row["earlier_hours"] == [
        NOON - 2 * DAY + 4 * HOUR, NOON - 7 * DAY + 2 * HOUR, NOON - 30 * DAY + 3 * HOUR
    ]  # fmt: skip
    assert [str(price) for price in row["earlier_min_price_2tickets"]] == ["2.00", "7.00", "0.01"]
    # the hour's last capture gives its price: 2 hours ago it fell from 120 to 110
    assert week(row) == {0: 100, 15: 200, 24: 300}
    assert (row["total_tickets"], row["total_listings"]) == (6, 3)


def test_what_comes_late_or_is_voided_changes_the_row(connection: Connection, refresh: Refresh, event: int) -> None:
    observe(connection, event, NOON, Section("A", "101", [1000]))
    row = shown(connection, refresh)
    assert row["earlier_min_price_2tickets"] == [None, None, None]
    observe(connection, event, NOON - DAY, Section("A", "101", [800]))  # late
    assert str(shown(connection, refresh)["earlier_min_price_2tickets"][0]) == "8.00"
    observe(connection, event, NOON + HOUR)  # sold out
    row = shown(connection, refresh)
    assert (row["timestamp"], row["min_price_2tickets"], row["total_tickets"]) == (NOON + HOUR, None, 0)
    assert week(row) == {8: 800}
    void_capture(connection, event, NOON + HOUR, reason="wrong", by="a test")
    row = shown(connection, refresh)
    assert (row["timestamp"], str(row["min_price_2tickets"]), week(row)) == (NOON, "10.00", {0: 1000, 8: 800})
    undo_void(connection, event, NOON + HOUR)
    assert shown(connection, refresh)["timestamp"] == NOON + HOUR


def test_an_event_without_captures_shows_its_newest_series_of_price_ranges(
    connection: Connection, refresh: Refresh, event: int
) -> None:
    observe_ranges(
        connection,
        price_range(event, NOON - 7 * DAY, lowest_price_cents=2000),
        price_range(event, NOON - DAY, lowest_price_cents=1, price_basis="unknown"),  # another series
        price_range(event, NOON - HOUR, lowest_price_cents=1500, tickets=None),
        price_range(event, NOON, lowest_price_cents=None, tickets=9),
        price_range(event, NOON + TEN, lowest_price_cents=1200, listings=None, tickets=None),
    )
    row = shown(connection, refresh)
    assert (row["kind"], row["market"], row["price_basis"], row["timestamp"]) == (
        "price_range", "resale", "all_in", NOON + TEN
    )  # fmt: skip
    assert (str(row["min_all_in_price_1ticket"]), row["min_price_1ticket"]) == ("12.00", None)
    assert [price and str(price) for price in row["earlier_min_all_in_price_1ticket"]] == [None, "20.00", None]
    assert row["week_min_all_in_price_1ticket_cents"][-1] == 1200
    assert (row["total_tickets"], row["total_listings"], row["sold_tickets_1day"]) == (9, 12, 0)
    # listings and price ranges are never mixed: from the first ok capture on, it is the listings'
    observe(connection, event, NOON - 2 * DAY, Section("A", "101", [1000]))
    row = shown(connection, refresh)
    assert (row["kind"], row["market"], row["timestamp"], row["min_all_in_price_1ticket"]) == (
        "listings", None, NOON - 2 * DAY, None
    )  # fmt: skip
    assert row["earlier_min_all_in_price_1ticket"] == [None, None, None]
    void_capture(connection, event, NOON - 2 * DAY, reason="wrong", by="a test")
    assert shown(connection, refresh)["kind"] == "price_range"


def test_an_event_that_is_moved_nearer_has_its_last_sales_judged_again(
    connection: Connection, refresh: Refresh, event: int
) -> None:
    observe(connection, event, NOON, Section("A", "101", [1000, 2000]))
    for number in range(1, 5):  # absent from enough ok captures
        observe(connection, event, NOON + number * TEN, Section("A", "101", [1000]))
    assert shown(connection, refresh)["sold_tickets_1day"] == 2
    connection.execute("update market.events set date = %s, name = 'Sooner'", [NOON + HOUR])
    assert pending_buckets(connection) == {"event_board": 1}
    assert shown(connection, refresh)["sold_tickets_1day"] == 0
    connection.execute("update market.events set date = date, name = 'The same'")
    assert pending_buckets(connection) == {}
