"""R10: hours and days are UTC, whatever the clocks of a venue, a session or a year do."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.dbt_observations import contents
from tests.support.markets import Section, add_event, observe
from tests.support.oracle import assert_exact
from tests.support.recorded_refresh import Refresh
from tickettape.database import Warehouse

HALF_HOUR = timedelta(minutes=30)


@pytest.mark.parametrize(
    "day",
    [
        pytest.param(datetime(2026, 3, 8, tzinfo=UTC), id="23_local_hours"),
        pytest.param(datetime(2026, 11, 1, tzinfo=UTC), id="25_local_hours"),
        pytest.param(datetime(2028, 2, 29, tzinfo=UTC), id="29_february"),
        pytest.param(datetime(2027, 1, 1, tzinfo=UTC), id="the_years_edge"),
    ],
)
def test_r10_a_day_has_24_utc_hours_whatever_the_sessions_time_zone(
    warehouse: Warehouse, refresh: Refresh, day: datetime
) -> None:
    in_zones = []
    ticks = [day - 4 * HALF_HOUR + number * HALF_HOUR for number in range(2 * 24 + 8)]
    with warehouse.connection() as connection:
        connection.execute("set time zone 'America/New_York'")
        event = add_event(connection)
        for number, tick in enumerate(ticks):
            observe(connection, event, tick, Section("A", "101", [1000 + 10 * number]))
        for zone in ("America/New_York", "UTC", "Asia/Kathmandu"):
            connection.execute("select set_config('timezone', %s, false)", [zone])
            connection.execute("update market.captures set note = %s", [zone])
            refresh.run_until_clean(connection)
            assert_exact(connection)
            connection.execute("set time zone 'UTC'")
            in_zones.append(contents(connection))
        assert in_zones[1:] == in_zones[:-1]
        days = connection.execute(
            "select date, observed_hours, ok_captures from analytics.event_days order by date"
        ).fetchall()
        assert days == [
            ((day - timedelta(days=1)).date(), 2, 4),
            (day.date(), 24, 48),
            ((day + timedelta(days=1)).date(), 2, 4),
        ]
        hours = connection.execute("select count(*), count(distinct hour) from analytics.event_hours").fetchone()
        assert hours == (28, 28)
