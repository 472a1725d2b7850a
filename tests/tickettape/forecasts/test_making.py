"""Forecasts as they are made and kept, and the record of them."""

from datetime import datetime, timedelta
from math import log
from typing import Any

import psycopg
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
from tickettape.database import Connection, Warehouse
from tickettape.forecasts import after_tick, measures, origin_of, refit
from tickettape.forecasts.nightly import _LOCK
from tickettape.settings import Settings

ORIGIN = FIRST + 70 * DAY
SOON = timedelta(minutes=3)


def forecasts(connection: Connection, columns: str = "*") -> list[tuple[Any, ...]]:
    return connection.execute(
        f"select {columns} from market.forecasts where measure = 'get_in' order by event_key, origin, horizon_days"
    ).fetchall()


@pytest.fixture
def coming(connection: Connection) -> list[int]:
    """Two events that begin in 10 and 2 days, after 120 that are over."""
    random_history(connection, events=120, drop=0.1)
    keys = add_events(
        connection, [ORIGIN + timedelta(days=10, hours=19), ORIGIN + timedelta(days=2, hours=19)], source="live"
    )
    rows = [(key, ORIGIN - day * DAY, 80.0 + day, 30) for key in keys for day in range(20)]
    observe_days(connection, rows)
    return keys


def test_a_forecast_is_made_at_midnight_within_the_hour_and_once(connection: Connection, coming: list[int]) -> None:
    refit(connection, ORIGIN - timedelta(hours=20))
    ten = timedelta(minutes=10)
    assert after_tick(connection, "live", ORIGIN + ten, ORIGIN + ten + SOON) == {}
    assert after_tick(connection, "live", ORIGIN, ORIGIN + timedelta(minutes=61)) == {}  # the tick was run too late
    assert after_tick(connection, "another", ORIGIN, ORIGIN + SOON) == {"get_in": 0, "listings": 0, "sales": 0}
    assert after_tick(connection, "live", ORIGIN, ORIGIN + SOON) == {"get_in": 4, "listings": 4, "sales": 4}
    made = forecasts(connection)
    assert after_tick(connection, "live", ORIGIN, ORIGIN + 2 * SOON) == {"get_in": 0, "listings": 0, "sales": 0}
    assert forecasts(connection) == made
    assert [row[:2] for row in forecasts(connection, "event_key, horizon_days")] == [
        (coming[0], 1), (coming[0], 3), (coming[0], 7), (coming[1], 1),
    ]  # fmt: skip
    for low, low_50, mid, high_50, high, version in forecasts(connection, "low, low_50, mid, high_50, high, version"):
        assert low < low_50 < mid == 80 <= high_50 <= high  # the gate is shut: the last price
        assert version is not None


def test_zones_are_forecast_only_where_a_setting_asks_for_them(connection: Connection, coming: list[int]) -> None:
    assert measures(Settings()) == ("get_in", "listings", "sales")
    of = measures(Settings(forecast_zones=True))
    observe_zones(connection, [(coming[0], zone, ORIGIN, price) for zone, price in (("Floor", 120), ("Balcony", 40))])
    refit(connection, ORIGIN - timedelta(hours=20), of)
    made = after_tick(connection, "live", ORIGIN, ORIGIN + SOON, of)
    assert made == {"get_in": 4, "listings": 4, "sales": 4, "zones": 6}
    rows = connection.execute(
        """select zones.name, count(*), min(mid), max(mid) from market.forecasts
           inner join market.zones as zones using (event_key, zone_key) group by zones.name order by 1"""
    ).fetchall()
    assert rows == [("Balcony", 3, 40, 40), ("Floor", 3, 120, 120)]


def test_a_nights_record_of_sales_is_of_the_days_that_came(connection: Connection, coming: list[int]) -> None:
    for day in range(1, 9):
        sell(connection, coming[0], ORIGIN - day * DAY + timedelta(hours=9), 4)
    refit(connection, ORIGIN - timedelta(hours=20))
    assert after_tick(connection, "live", ORIGIN, ORIGIN + SOON)["sales"] == 4
    said = connection.execute(
        """select origin_value, mid, version is not null from market.forecasts
           where measure = 'sales' and event_key = %s""",
        [coming[0]],
    ).fetchall()
    assert said == [(4.5, 4.5, True)] * 3
    observe_days(connection, [(coming[0], ORIGIN + DAY, 88.0, 30)])
    sell(connection, coming[0], ORIGIN + timedelta(hours=9), 8)
    (*_, sales) = refit(connection, ORIGIN + DAY + timedelta(hours=4))
    assert (sales.measure, sales.records[1].forecasts) == ("sales", 1)
    shown = connection.execute(
        "select shown_error_ratio, forecasts from market.forecast_looks where measure = 'sales' and forecasts > 0"
    ).fetchall()
    assert shown == [(pytest.approx(1), 1)]


@pytest.mark.usefixtures("coming")
def test_a_tick_does_not_wait_for_a_refit(connection: Connection, warehouse: Warehouse) -> None:
    with warehouse.connection() as other, other.transaction():
        other.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        connection.execute("set statement_timeout = '500ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):  # control: the lock is the one that a refit takes
            refit(connection, ORIGIN - timedelta(hours=20))
        connection.execute("set statement_timeout = '20s'")
        assert after_tick(connection, "live", ORIGIN, ORIGIN + SOON) == {"get_in": 4, "listings": 4, "sales": 4}


def test_with_fewer_than_100_events_over_it_says_the_last_price_and_no_range(connection: Connection) -> None:
    (key,) = add_events(connection, [ORIGIN + 4 * DAY], source="live")
    observe_days(connection, [(key, ORIGIN, 80.0, 30)])
    assert [one.version for one in refit(connection, ORIGIN - timedelta(hours=20))] == [None, None, None]
    after_tick(connection, "live", ORIGIN, ORIGIN + SOON)
    assert forecasts(connection, "horizon_days, mid, low, high, n, version") == [
        (1, 80.0, None, None, 0, None), (3, 80.0, None, None, 0, None)
    ]  # fmt: skip


@pytest.mark.parametrize("statement", ["update market.forecasts set mid = 1", "delete from market.forecasts"])
@pytest.mark.usefixtures("coming")
def test_a_forecast_is_never_changed(connection: Connection, statement: str) -> None:
    after_tick(connection, "live", ORIGIN, ORIGIN + SOON)
    with pytest.raises(psycopg.errors.RaiseException, match="kept as they were made"):
        connection.execute(statement.encode())


def looks(connection: Connection, day: datetime, columns: str) -> tuple[Any, ...]:
    row = connection.execute(
        f"""select {columns} from market.forecast_looks
            where measure = 'get_in' and looked_on = %s and horizon_days = 1 and phase = '8-14'""",
        [day.date()],
    ).fetchone()
    assert row
    return row


def test_the_score_is_of_the_price_as_known_now_and_leaves_out_what_was_voided(
    connection: Connection, coming: list[int]
) -> None:
    refit(connection, ORIGIN - timedelta(hours=20))
    after_tick(connection, "live", ORIGIN, ORIGIN + SOON)
    made = forecasts(connection)
    observe_days(connection, [(coming[0], ORIGIN + DAY, 88.0, 30)])
    refit(connection, ORIGIN + DAY + timedelta(hours=4))
    seen = "forecasts, events, left_out, error_ratio, shown_error_ratio"
    (table,) = connection.execute(
        "select quantiles[3] from market.forecasts where event_key = %s and measure = 'get_in' and horizon_days = 1",
        [coming[0]],
    ).fetchone() or (None,)
    move = log(88 / 80)
    assert looks(connection, ORIGIN + DAY, seen) == (1, 1, 0, pytest.approx(abs(move - table) / move), pytest.approx(1))
    # the target is corrected: scored anew
    observe_hour(connection, coming[0], ORIGIN + timedelta(hours=23), 72.0)
    refit(connection, ORIGIN + 2 * DAY + timedelta(hours=4))
    corrected = abs(log(72 / 80) - table) / abs(log(72 / 80))
    assert looks(connection, ORIGIN + 2 * DAY, seen)[3] == pytest.approx(corrected)
    # the origin is voided: left out, and counted
    connection.execute(
        """insert into market.voids (event_key, tick, reason, voided_by, capture_status)
           select event_key, observed_at, 'wrong', 'a test', 'ok' from market.forecasts
           where event_key = %s and measure = 'get_in' and horizon_days = 1""",
        [coming[0]],
    )
    refit(connection, ORIGIN + 3 * DAY + timedelta(hours=4))
    assert looks(connection, ORIGIN + 3 * DAY, seen) == (0, 0, 1, None, None)
    assert forecasts(connection) == made


def test_a_night_keeps_its_record_where_its_elasticities_fail(connection: Connection) -> None:
    connection.execute("alter table market.price_elasticities rename to lost")
    with pytest.raises(psycopg.errors.UndefinedTable):
        refit(connection, ORIGIN)
    rows = connection.execute("select measure, count(*) from market.forecast_looks group by 1 order by 1").fetchall()
    assert rows == [("get_in", 20), ("listings", 20), ("sales", 20)]
    assert connection.execute("select to_regclass('pg_temp.get_in_days')").fetchone() == (None,)  # no copy is left


def test_gates_move_at_the_first_run_of_a_week_only(connection: Connection) -> None:
    days = [FIRST, FIRST + DAY, FIRST + 7 * DAY, FIRST + 9 * DAY]
    for day in days:
        refit(connection, day + timedelta(hours=4))
    rows = connection.execute("select distinct looked_on, weekly from market.forecast_looks order by 1").fetchall()
    assert rows == [(day.date(), weekly) for day, weekly in zip(days, (True, False, True, False), strict=True)]


def test_base_rates_are_shares_of_past_cases(connection: Connection) -> None:
    random_history(connection, events=120, drop=0.3)
    refit(connection, ORIGIN)
    (cheaper_10, cheaper_5, dearer_5, events, pairs) = (
        connection.execute(
            """select cheaper_10, cheaper_5, dearer_5, events, pairs from market.forecast_base_rates
           where phase = '0-3' and horizon_days = 1"""
        ).fetchone()
        or (None,) * 5
    )
    assert (events, pairs) == (120, 360)  # from 3, 2 and 1 days before to the day after
    assert 0.95 < cheaper_10 <= cheaper_5 <= 1
    assert dearer_5 == 0


def test_an_origin_is_midnight_in_utc() -> None:
    assert origin_of(ORIGIN) == ORIGIN
    assert origin_of(ORIGIN + timedelta(minutes=10)) is None
    assert origin_of(datetime.fromisoformat("2026-03-16T01:00+01:00")) == ORIGIN
