"""What is known at an origin, and that nothing later changes it."""

from datetime import timedelta
from math import log
from typing import Any

import pytest

from tests.support.forecast_history import DAY, FIRST, add_events, observe_days, observe_hour, random_history
from tickettape.database import Connection
from tickettape.forecasts.inputs import make_inputs, make_pairs


def inputs(connection: Connection, **more: Any) -> list[tuple[Any, ...]]:
    with connection.transaction():
        connection.execute("set local search_path = market, analytics, pg_temp")
        make_inputs(connection, "get_in", **more)
        return connection.execute(
            """select event_key, day, value, days_to_event, deviation, volatility from forecast_inputs
               order by event_key, day"""
        ).fetchall()


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


def test_the_daily_prices_of_one_event_are_made_of_its_hours_alone(connection: Connection) -> None:
    random_history(connection, events=3)
    (event_id,) = connection.execute("select id from market.events limit 1").fetchone() or (None,)
    plan = connection.execute("explain select * from analytics.get_in_days where event_id = %s", [event_id]).fetchall()
    assert not [line for (line,) in plan if "CTE" in line]  # one would be made of the hours of all events first
