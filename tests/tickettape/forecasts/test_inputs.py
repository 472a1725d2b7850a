"""What is known at an origin, and that nothing later changes it."""

from datetime import timedelta
from math import log
from typing import Any

import pytest

from tests.support.forecast_history import (
    DAY,
    FIRST,
    add_events,
    observe_days,
    observe_hour,
    observe_zones,
    random_history,
    sell,
)
from tickettape.database import Connection
from tickettape.forecasts.inputs import make_inputs, make_pairs
from tickettape.forecasts.method import Measure


def inputs(
    connection: Connection,
    columns: str = "event_key, day, value, days_to_event, deviation, volatility",
    measure: Measure = "get_in",
    **more: Any,
) -> list[tuple[Any, ...]]:
    with connection.transaction():
        connection.execute("set local search_path = market, analytics, pg_temp")
        make_inputs(connection, measure, **more)
        return connection.execute(f"select {columns} from forecast_inputs order by event_key, zone_key, day").fetchall()


def test_a_value_that_arrives_later_changes_no_past_origin(connection: Connection) -> None:
    keys = random_history(connection, events=5)
    before = inputs(connection)
    cut = FIRST + 10 * DAY
    for number, key in enumerate(keys):
        for later in range(8):  # also within the day that begins at the origin, whose hours are not known at its start
            for hours in (0, 23):
                observe_hour(connection, key, cut + later * DAY + timedelta(hours=hours), 1 + number, minutes=0)
    after = inputs(connection)
    assert [row for row in after if row[1] <= cut.date()] == [row for row in before if row[1] <= cut.date()]
    assert after != before  # control: the later origins do know it


def test_inputs_of_two_weeks_are_those_of_all_history(connection: Connection) -> None:
    keys = random_history(connection, events=5, days=30)
    origin = (FIRST + 25 * DAY).date()
    lately = inputs(connection, events=keys[1:3], since=origin - timedelta(days=14), until=origin)
    of_all = [row for row in inputs(connection) if row[0] in keys[1:3] and row[1] == origin]
    assert len(of_all) == 2
    assert [row for row in lately if row[1] == origin] == [pytest.approx(row) for row in of_all]


def test_volatility_and_deviation_are_of_the_events_own_days(connection: Connection) -> None:
    (key,) = add_events(connection, [FIRST + 20 * DAY])
    # a missing day: the step over two days counts as two smaller ones
    prices = {0: 100.0, 1: 110.0, 2: 100.0, 4: 120.0}
    observe_days(connection, [(key, FIRST + day * DAY, price, 9) for day, price in prices.items()])
    *_, last = inputs(connection)
    assert last[3] == 16
    assert last[4] == pytest.approx(log(120 / 107.5))
    assert last[5] == pytest.approx((log(1.1) * 2 + log(1.2) / 2**0.5) / 3)
    first = inputs(connection)[0]
    assert first[4:] == (None, None)


def test_a_target_that_was_not_observed_is_no_target_and_none_lies_after_the_event(connection: Connection) -> None:
    (key,) = add_events(connection, [FIRST + 5 * DAY + timedelta(hours=1)])
    observe_days(connection, [(key, FIRST + day * DAY, 100 + day, 9) for day in (0, 1, 3, 4, 5, 6)])
    with connection.transaction():
        connection.execute("set local search_path = market, analytics, pg_temp")
        make_inputs(connection, "get_in")
        assert make_pairs(connection) == 5
        pairs = connection.execute(
            "select day - %s, horizon_days, phase from forecast_pairs order by 1, 2", [FIRST.date()]
        ).fetchall()
    assert pairs == [(0, 1, "4-7"), (0, 3, "4-7"), (1, 3, "4-7"), (3, 1, "0-3"), (4, 1, "0-3")]


def test_a_days_sales_are_told_from_six_days_whose_verdicts_are_final(connection: Connection) -> None:
    listed, ranged = add_events(connection, [FIRST + 20 * DAY] * 2)
    observe_days(connection, [(listed, FIRST + day * DAY, 100, 9) for day in range(10)])
    for day in range(9):
        sell(connection, listed, FIRST + day * DAY + timedelta(hours=20), 2 + day)
        sell(connection, listed, FIRST + day * DAY + timedelta(hours=21), 50, verdict="withdrawn")
    sell(connection, ranged, FIRST, 5)  # nothing is known of its listings
    columns = "(day - date '2026-01-05'), value, outcome, volatility, deviation"
    found = inputs(connection, columns, "sales")
    # origin 7 knows the days 0 to 5, whose last hour is over for a day; it is compared with the day before it, day 6
    assert found[7] == (7, pytest.approx((2 + 3 + 4 + 5 + 6) / 6 + 7 / 6 + 0.5), 8 + 0.5, None, None)
    assert [row[1] for row in found[:4]] == [None, None, None, pytest.approx((0 + 2 + 3) / 3 + 0.5)]
    assert len(found) == 10
    since = (FIRST + 9 * DAY).date() - timedelta(days=8)
    assert inputs(connection, columns, "sales", events=[listed], since=since)[-1] == pytest.approx(found[-1])
    # what happens on the day before an origin, whose verdicts may still change, does not touch it
    sell(connection, listed, FIRST + 6 * DAY + timedelta(hours=1), 100)
    assert inputs(connection, columns, "sales")[7][1] == found[7][1]
    assert inputs(connection, columns, "sales")[8][1] > found[8][1]  # control: the next origin knows it


def test_each_zone_has_a_history_of_its_own(connection: Connection) -> None:
    (key,) = add_events(connection, [FIRST + 5 * DAY + timedelta(hours=1)])
    floor = [(key, "Floor", FIRST + day * DAY, 100 * 1.1**day) for day in range(5)]
    observe_zones(connection, [*floor, (key, "Balcony", FIRST + DAY, 40), (key, "Balcony", FIRST + 2 * DAY, 20)])
    found = inputs(connection, "zone_key, value, volatility", "zones")
    assert [round(value) for _, value, _ in found] in (
        [100, 110, 121, 133, 146, 40, 20],
        [40, 20, 100, 110, 121, 133, 146],
    )
    assert max(volatility for *_, volatility in found if volatility is not None) == pytest.approx(log(1.1), rel=1e-3)
    with connection.transaction():
        connection.execute("set local search_path = market, analytics, pg_temp")
        make_inputs(connection, "zones")
        make_pairs(connection)
        rows = connection.execute("select exp(move) from forecast_pairs where horizon_days = 1")
        assert sorted(move for (move,) in rows) == [pytest.approx(each, rel=1e-3) for each in (0.5, 1.1, 1.1, 1.1, 1.1)]


def test_the_daily_prices_of_one_event_are_made_of_its_hours_alone(connection: Connection) -> None:
    random_history(connection, events=3)
    (event_id,) = connection.execute("select id from market.events limit 1").fetchone() or (None,)
    plan = connection.execute("explain select * from analytics.get_in_days where event_id = %s", [event_id]).fetchall()
    assert not [line for (line,) in plan if "CTE" in line]  # one would be made of the hours of all events first
