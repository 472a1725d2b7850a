"""Where an ordinary query is off by a cent, or fails: found by the property test and by thinking of thirds."""

from datetime import timedelta

import pytest

from tests.support.markets import NOON, TEN, Section, add_event, observe
from tests.support.oracle import assert_exact
from tests.support.recorded_refresh import Refresh
from tickettape.database import Connection

HOUR = timedelta(hours=1)


def test_r11_a_daily_mean_that_ends_on_half_a_hundredth_is_rounded_up_though_its_hours_are_thirds(
    connection: Connection, refresh: Refresh
) -> None:
    event = add_event(connection)
    # hourly means of 100/3, 1/6, 0 and 0 tickets: 8.375 over the day; 8.3749999… of quotients cut at 16 digits
    for hour, captures, listings in ((0, 3, 50), (1, 12, 1), (2, 1, 0), (3, 1, 0)):
        for number in range(captures):
            sections = [Section("A", "101", [1000] * listings)] if listings and number == 0 else []
            observe(connection, event, NOON + hour * HOUR + number * TEN / 2, *sections)
    refresh.run_until_clean(connection)
    assert connection.execute("select avg_tickets::text from daily_analytics").fetchall() == [("8.38",)]
    assert_exact(connection)


def test_r11_of_two_captures_within_a_second_the_later_has_the_last_price(
    connection: Connection, refresh: Refresh
) -> None:
    event = add_event(connection)
    for microseconds, price in ((1, 2000), (2, 1000)):
        observe(connection, event, NOON + timedelta(microseconds=microseconds), Section("A", "101", [price]))
    refresh.run_until_clean(connection)
    for table in ("aggregated_analytics", "daily_analytics", "latest_prices"):
        assert connection.execute(f"select last_price::text from {table}").fetchall() == [("10.00",)]
    assert_exact(connection)


def test_an_event_whose_captures_are_gone_leaves_the_latest_prices_before_its_days_are_refreshed(
    connection: Connection, refresh: Refresh
) -> None:
    event = add_event(connection)
    observe(connection, event, NOON, Section("A", "101"))
    refresh.run_until_clean(connection)
    connection.execute("delete from market.section_snapshots")
    connection.execute("delete from market.captures")
    for rollup in ("event_hours", "event_days"):
        refresh.run(connection, rollup)
    connection.execute("insert into market.dirty_buckets values ('-infinity', now(), %s, 'latest_prices')", [event])
    refresh.run(connection, "latest_prices")
    assert connection.execute("select * from latest_prices").fetchall() == []
    refresh.run_until_clean(connection)
    assert_exact(connection)


@pytest.mark.parametrize("status", ["ok", "empty", "partial", "received", "missed", "failed"])
def test_rows_that_a_hand_has_left_under_another_status_do_not_stop_the_tick_that_is_read_again(
    connection: Connection, refresh: Refresh, status: str
) -> None:
    event = add_event(connection)
    observe(connection, event, NOON, Section("A", "101", [1000]))
    connection.execute("update market.captures set status = %s", [status])
    observe(connection, event, NOON, Section("A", "101", [2500]))
    refresh.run_until_clean(connection)
    assert connection.execute("select last_price::text from latest_prices").fetchall() == [("25.00",)]
    assert_exact(connection)
