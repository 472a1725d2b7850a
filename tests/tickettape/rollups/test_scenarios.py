"""R1 to R9, R11 and R17: whatever happens to the facts, the rollups are what a recomputation says.

The refresh is dbt's own SQL, recorded (tests/support/recorded_refresh.py).
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import psycopg
import pytest

from tests.support.dbt_observations import contents, limit_claims, marks_of, versions
from tests.support.markets import NOON, TEN, Section, add_event, observe, observe_ranges, price_range
from tests.support.oracle import assert_exact, differences
from tests.support.recorded_refresh import Refresh
from tickettape.database import Connection, Warehouse
from tickettape.listing_history import write_observation
from tickettape.rollups import ROLLUP_NAMES, mark_hours_between
from tickettape.rollups.registry import MARKED_BY

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CLAIM = "with wanted"
PATIENCE_SECONDS = 20


class KilledError(Exception):
    """A refresh's process died."""


def two_sections(connection: Connection, event: int, tick: datetime, price: int = 1000) -> None:
    """Two sections and their listings, and a price range beside them: something for every rollup."""
    observe(connection, event, tick, Section("A", "101", [price, 3 * price]), Section("B", "201", [2 * price]))
    observe_ranges(connection, price_range(event, tick, lowest_price_cents=price))


def some_hours(connection: Connection, event: int) -> None:
    """Two looks in each of three hours, three days ago, yesterday and today."""
    for number, start in enumerate((NOON - 3 * DAY, NOON - DAY, NOON)):
        for hour in range(3):
            two_sections(connection, event, start + hour * HOUR, 1000 + 100 * hour + number)
            observe(connection, event, start + hour * HOUR + TEN, Section("A", "102", [900 + number]))


@pytest.fixture
def event(connection: Connection) -> int:
    return add_event(connection)


@pytest.fixture
def exact(connection: Connection, refresh: Refresh, event: int) -> int:
    """An event with some hours, all rolled up."""
    some_hours(connection, event)
    refresh.run_until_clean(connection)
    assert_exact(connection)
    return event


def test_r1_a_row_days_late_lands_in_its_bucket_and_its_neighbours_stay_untouched(
    connection: Connection, refresh: Refresh, exact: int
) -> None:
    late = NOON - 3 * DAY + HOUR
    elsewhere = {
        "event_hours": f"hour != '{late}'",
        "aggregated_analytics": f"hour != '{late}'",
        "event_days": f"date != '{late.date()}'",
        "daily_analytics": f"date != '{late.date()}'",
    }
    before = {rollup: versions(connection, rollup, where) for rollup, where in elsewhere.items()}
    observe(connection, exact, late + 3 * TEN, Section("A", "101", [50]))
    refresh.run_until_clean(connection)
    assert_exact(connection)
    assert {rollup: versions(connection, rollup, where) for rollup, where in elsewhere.items()} == before
    row = connection.execute(
        "select min_price, capture_count from analytics.aggregated_analytics where hour = %s and zone = 'A'", [late]
    ).fetchone()
    assert row == (pytest.approx(0.5), 3)


def test_r2_a_row_exactly_on_a_buckets_start_belongs_to_the_bucket_it_begins(
    connection: Connection, refresh: Refresh, event: int
) -> None:
    for edge in (NOON, NOON.replace(hour=0), datetime(2026, 12, 1, tzinfo=UTC)):
        two_sections(connection, event, edge - timedelta(microseconds=1))
        two_sections(connection, event, edge)
    refresh.run_until_clean(connection)
    assert_exact(connection)
    hours = connection.execute(
        "select to_char(hour at time zone 'UTC', 'MM-DD HH24'), ok_captures from analytics.event_hours order by hour"
    ).fetchall()
    assert hours == [
        (hour, 1) for hour in ("11-19 23", "11-20 00", "11-20 11", "11-20 12", "11-30 23", "12-01 00")
    ]  # fmt: skip
    days = connection.execute("select date::text, ok_captures from analytics.event_days order by date").fetchall()
    assert days == [("2026-11-19", 1), ("2026-11-20", 3), ("2026-11-30", 1), ("2026-12-01", 1)]


def test_r3_an_update_that_moves_rows_to_another_hour_recomputes_both(
    connection: Connection, refresh: Refresh, exact: int
) -> None:
    with connection.transaction():
        for table in ("captures", "section_snapshots"):
            connection.execute(
                f"update market.{table} set tick = tick - interval '25 hours 30 minutes' where tick = %s", [NOON + HOUR]
            )
    assert len(marks_of(connection, "event_hours")) == 2
    refresh.run_until_clean(connection)
    assert_exact(connection)


def test_r3_deleting_a_zones_last_row_removes_its_row_and_deleting_a_bucket_removes_it_all(
    connection: Connection, refresh: Refresh, exact: int
) -> None:
    def zones(hour: datetime) -> list[Any]:
        return connection.execute(
            "select zone from analytics.aggregated_analytics where hour = %s order by zone", [hour]
        ).fetchall()

    assert zones(NOON) == [("A",), ("B",)]
    connection.execute(
        """delete from market.section_snapshots where tick = %s and section_key in (
               select section_key from market.sections where external_id = '201')""",
        [NOON],
    )
    refresh.run_until_clean(connection)
    assert_exact(connection)
    assert zones(NOON) == [("A",)]

    for (tick,) in connection.execute("select tick from market.captures where tick >= %s", [NOON]).fetchall():
        write_observation(connection, tick, exact, None)
    for table in ("section_snapshots", "captures"):
        connection.execute(f"delete from market.{table} where tick >= %s", [NOON])
    refresh.run_until_clean(connection)
    assert_exact(connection)
    for rollup, since in (
        ("aggregated_analytics", "hour"), ("event_hours", "hour"), ("event_days", "date"), ("daily_analytics", "date"),
    ):  # fmt: skip
        left = connection.execute(f"select count(*) from analytics.{rollup} where {since} >= %s", [NOON.date()])
        assert left.fetchone() == (0,)
    assert connection.execute("select distinct timestamp from analytics.latest_prices").fetchall() == [
        (NOON - DAY + 2 * HOUR + TEN,)
    ]

    for table in ("section_snapshots", "listing_changes", "captures", "price_ranges"):
        connection.execute(f"delete from market.{table}")
    refresh.run_until_clean(connection)
    assert contents(connection) == {rollup: [] for rollup in ROLLUP_NAMES}


def test_r4_a_refresh_of_part_of_what_is_dirty_leaves_the_rest_dirty(
    connection: Connection, refresh: Refresh, event: int
) -> None:
    some_hours(connection, event)
    waiting = sorted(marks_of(connection, "event_hours"), reverse=True)
    limit_claims(connection, 2)
    while waiting:
        assert refresh.run(connection, "event_hours") == min(2, len(waiting))
        waiting = waiting[2:]
        assert sorted(marks_of(connection, "event_hours"), reverse=True) == waiting
    refresh.run_until_clean(connection)
    assert_exact(connection)


def test_r5_a_second_refresh_with_nothing_dirty_writes_nothing(
    connection: Connection, refresh: Refresh, exact: int
) -> None:
    before = {rollup: versions(connection, rollup) for rollup in ROLLUP_NAMES}
    assert refresh.run_all(connection) == dict.fromkeys(ROLLUP_NAMES, 0)
    assert {rollup: versions(connection, rollup) for rollup in ROLLUP_NAMES} == before


def test_r6_one_pass_equals_many_and_newest_first_equals_oldest_first(
    connection: Connection, refresh: Refresh, exact: int
) -> None:
    one_pass = contents(connection)
    oldest_first = Refresh(
        {
            rollup: tuple(s.replace("order by bucket desc", "order by bucket") for s in statements)
            for rollup, statements in refresh.statements.items()
        }
    )
    assert oldest_first != refresh
    limit_claims(connection, 1)
    for way in (refresh, oldest_first):
        for rollup in ROLLUP_NAMES:
            connection.execute(f"delete from analytics.{rollup}")
        mark_hours_between(connection, NOON - 4 * DAY, NOON + DAY)
        assert way.run_until_clean(connection) >= 9
        assert contents(connection) == one_pass


@pytest.mark.parametrize("rollup", ROLLUP_NAMES)
def test_r7_killed_at_any_statement_a_refresh_leaves_its_marks_and_the_next_completes(
    warehouse: Warehouse, connection: Connection, refresh: Refresh, exact: int, rollup: str
) -> None:
    two_sections(connection, exact, NOON + HOUR + 2 * TEN, 700)
    refresh.run_all(connection, ROLLUP_NAMES[: ROLLUP_NAMES.index(rollup)])
    waiting, before = marks_of(connection), contents(connection)
    assert {marked for marked, *_ in waiting} >= {rollup}
    phases = [*refresh.statements[rollup], "commit"]
    for number in range(len(phases)):
        passed = iter(range(len(phases)))

        def die(statement: str, number: int = number, passed: Any = passed) -> None:
            if next(passed) == number:
                raise KilledError

        with pytest.raises(KilledError):
            refresh.run(connection, rollup, between=die)
        assert marks_of(connection) == waiting, phases[number]
        assert contents(connection) == before, phases[number]

    # and as an operator's kill does it: the server ends the session before its commit
    with warehouse.connection() as doomed:
        pid = doomed.info.backend_pid

        def terminate(statement: str) -> None:
            if statement == "commit":
                connection.execute("select pg_terminate_backend(%s, 5000)", [pid])

        with pytest.raises(psycopg.OperationalError):
            refresh.run(doomed, rollup, between=terminate)
    assert marks_of(connection) == waiting
    refresh.run_until_clean(connection)
    assert_exact(connection)


@pytest.mark.parametrize("rollup", ROLLUP_NAMES)
@pytest.mark.race
def test_r8_a_writer_open_across_a_refresh_that_commits_after_it_loses_no_mark(
    connection: Connection, second: Connection, refresh: Refresh, exact: int, rollup: str
) -> None:
    # the hour has a mark already: the refresh takes that one, and must not take the open writer's with it
    two_sections(connection, exact, NOON + 2 * TEN, 800)
    refresh.run_all(connection, ROLLUP_NAMES[: ROLLUP_NAMES.index(rollup)])
    with second.transaction():
        two_sections(second, exact, NOON + 3 * TEN, 100)
        refresh.run(connection, rollup)
        refresh.run_until_clean(connection)
        assert_exact(connection)
    assert marks_of(connection) != set()
    refresh.run_until_clean(connection)
    assert_exact(connection)
    cheapest = "select min(min_price) from analytics.aggregated_analytics where hour = %s"
    assert connection.execute(cheapest, [NOON]).fetchone() == (1,)


@pytest.mark.parametrize("after", [CLAIM, "analyze", "create temporary", "delete from", "insert into", "commit"])
@pytest.mark.race
def test_r8_a_writer_that_commits_in_the_middle_of_a_refresh_is_in_it_or_in_the_next(
    connection: Connection, second: Connection, refresh: Refresh, exact: int, after: str
) -> None:
    for rollup in ROLLUP_NAMES:
        two_sections(connection, exact, NOON + 2 * TEN, 800)
        refresh.run_all(connection, ROLLUP_NAMES[: ROLLUP_NAMES.index(rollup)])
        wrote: list[str] = []

        def write(statement: str, wrote: list[str] = wrote) -> None:
            if statement.startswith(after) and not wrote:
                wrote.append(statement)
                two_sections(second, exact, NOON + 3 * TEN, 100)

        refresh.run(connection, rollup, between=write)
        assert wrote
        refresh.run_until_clean(connection)
        assert_exact(connection)
        connection.execute("delete from market.section_snapshots where tick = %s", [NOON + 3 * TEN])
        refresh.run_until_clean(connection)
        assert_exact(connection)


@pytest.mark.parametrize("rollup", ROLLUP_NAMES)
@pytest.mark.race
def test_r9_two_refreshers_at_once_make_no_bucket_twice_and_do_not_deadlock(
    warehouse: Warehouse, connection: Connection, second: Connection, refresh: Refresh, exact: int, rollup: str
) -> None:
    two_sections(connection, exact, NOON + 2 * TEN, 800)
    refresh.run_all(connection, ROLLUP_NAMES[: ROLLUP_NAMES.index(rollup)])
    claimed, go_on = Event(), Event()

    def wait_after_the_claim(statement: str) -> None:
        if statement.startswith("create temporary"):
            claimed.set()
            assert go_on.wait(PATIENCE_SECONDS)

    with warehouse.connection() as writer, ThreadPoolExecutor(2) as threads:
        try:
            first = threads.submit(refresh.run, connection, rollup, wait_after_the_claim)
            assert claimed.wait(PATIENCE_SECONDS)
            other = threads.submit(refresh.run, second, rollup)
            _wait_until_blocked(writer, second)
            two_sections(writer, exact, NOON + 3 * TEN, 100)
        finally:
            go_on.set()
        assert first.result(PATIENCE_SECONDS) > 0
        rewritten = other.result(PATIENCE_SECONDS)
        # only what was written while the first had its claim is left to the second: nothing but what writers mark
        assert rewritten > 0 if rollup in sum(MARKED_BY.values(), ()) else rewritten == 0
        both = [threads.submit(refresh.run_until_clean, one) for one in (connection, second)]
        for one in both:
            one.result(PATIENCE_SECONDS)
    assert_exact(connection)


def _wait_until_blocked(observer: Connection, blocked: Connection) -> None:
    for _ in range(PATIENCE_SECONDS * 100):
        row = observer.execute(
            "select cardinality(pg_blocking_pids(%s)) > 0, pg_sleep(0.01)", [blocked.info.backend_pid]
        ).fetchone()
        if row and row[0]:
            return
    raise AssertionError("the second refresher did not wait for the first")


def test_r11_hours_days_and_latest_equal_the_direct_queries_and_empty_buckets_are_absent(
    connection: Connection, refresh: Refresh, exact: int
) -> None:
    other = add_event(connection, "2")
    two_sections(connection, other, NOON)
    observe(connection, other, NOON + HOUR)  # sold out
    observe(connection, other, NOON + 2 * HOUR, Section("A", "101"), status="partial")
    connection.execute(
        "insert into market.captures (event_key, tick, status) values (%s, %s, 'received'), (%s, %s, 'failed')",
        [other, NOON + 3 * HOUR, other, NOON + 4 * HOUR],
    )
    refresh.run_until_clean(connection)
    assert_exact(connection)
    of_other = "event_id = (select id from market.events where external_id = '2')"

    def hours_in(rollup: str) -> list[int]:
        rows = connection.execute(
            f"select distinct extract(hour from hour at time zone 'UTC')::int from {rollup} where {of_other} order by 1"
        ).fetchall()
        return [hour for (hour,) in rows]

    assert hours_in("event_hours") == [12, 13, 14, 16]
    assert hours_in("aggregated_analytics") == [12]
    latest = connection.execute(
        f"select zone, available, lowest_price, last_price, timestamp, last_priced_at from latest_prices"
        f" where {of_other} order by zone"
    ).fetchall()
    assert latest == [
        ("A", False, None, 10, NOON + HOUR, NOON),
        ("B", False, None, 20, NOON + HOUR, NOON),
    ]


def test_r17_a_live_tick_is_fresh_while_the_marks_of_an_import_wait(
    connection: Connection, refresh: Refresh, exact: int
) -> None:
    connection.execute(
        """insert into market.dirty_buckets (rollup, event_key, bucket)
           select rollup, %s, bucket
           from generate_series(%s::timestamptz - interval '3000 hours', %s, interval '1 hour') as imported (bucket)
           cross join unnest(array['event_hours', 'aggregated_analytics']) as rollup""",
        [exact, NOON, NOON + 2 * HOUR],
    )
    for month in range(6, 11):  # the import's months: open, as it made them
        connection.execute("insert into market.months (month) values (%s)", [datetime(2026, month, 1, tzinfo=UTC)])
    limit_claims(connection, 50)
    live = NOON + 5 * HOUR
    two_sections(connection, exact, live, 100)
    refresh.run_all(connection)
    assert len(marks_of(connection, "event_hours")) > 2900
    assert connection.execute("select distinct timestamp, last_price from latest_prices order by 2").fetchall() == [
        (live, 1),
        (live, 2),
    ]
    live_hour = "select count(*) from aggregated_analytics where hour = %s"
    assert connection.execute(live_hour, [live]).fetchone() == (2,)
    assert differences(connection) == dict.fromkeys(ROLLUP_NAMES, 0)
    limit_claims(connection, 5000)
    refresh.run_until_clean(connection)
    assert_exact(connection)
