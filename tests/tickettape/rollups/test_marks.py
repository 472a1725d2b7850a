"""Marks: whatever changes a fact leaves the hours it touched to be recomputed, in the same transaction."""

from datetime import timedelta

import psycopg
import pytest

from tests.support.markets import NOON, TEN, Section, add_event, observe, observe_ranges, price_range
from tickettape.database import Connection
from tickettape.rollups import mark_hours_between, oldest_mark, pending_buckets
from tickettape.rollups.registry import MARKED_BY


def marked_hours(connection: Connection) -> list[int]:
    rows = connection.execute(
        "select distinct extract(hour from bucket at time zone 'UTC')::int from market.dirty_buckets"
        " where rollup = 'event_hours' order by 1"
    ).fetchall()
    return [hour for (hour,) in rows]


@pytest.fixture
def event(connection: Connection) -> int:
    event = add_event(connection)
    observe(connection, event, NOON, Section("A", "101"))
    connection.execute("delete from market.dirty_buckets")
    return event


def test_an_insert_a_delete_and_an_update_mark_their_hour(connection: Connection, event: int) -> None:
    observe(connection, event, NOON + timedelta(hours=1), Section("A", "101"))
    assert marked_hours(connection) == [13]
    for statement in (
        "update market.section_snapshots set total_tickets = 4 where tick = %s",
        "delete from market.section_snapshots where tick = %s",
        "update market.captures set status = 'empty' where tick = %s",
        "delete from market.captures where tick = %s",
    ):
        connection.execute("delete from market.dirty_buckets")
        connection.execute(statement, [NOON])
        assert marked_hours(connection) == [12]


def test_a_row_that_moves_to_another_hour_marks_both(connection: Connection, event: int) -> None:
    connection.execute("update market.section_snapshots set tick = %s", [NOON + timedelta(hours=2)])
    assert marked_hours(connection) == [12, 14]


def test_a_row_that_moves_to_another_month_marks_both(connection: Connection, event: int) -> None:
    observe(connection, event, NOON + timedelta(days=20))
    connection.execute("delete from market.dirty_buckets")
    connection.execute("update market.section_snapshots set tick = %s", [NOON + timedelta(days=20, hours=5)])
    assert marked_hours(connection) == [12, 17]


def test_a_write_straight_into_a_partition_marks_its_hour_once(connection: Connection, event: int) -> None:
    connection.execute("update market.section_snapshots_2026_11 set total_listings = 1")
    rows = connection.execute("select distinct event_key, bucket from market.dirty_buckets").fetchall()
    assert len(rows) == 1


def test_a_rolled_back_change_leaves_no_mark(connection: Connection, event: int) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute("delete from market.section_snapshots")
    assert marked_hours(connection) == []


def test_truncate_is_refused_because_no_trigger_would_see_the_rows(connection: Connection, event: int) -> None:
    for table in ("section_snapshots", "section_snapshots_2026_11", "captures"):
        with pytest.raises(psycopg.errors.RaiseException, match="DELETE instead"):
            connection.execute(f"truncate market.{table}")


def test_a_tick_on_the_hour_belongs_to_the_hour_it_begins(connection: Connection, event: int) -> None:
    observe(connection, event, NOON + timedelta(hours=1))
    observe(connection, event, NOON + timedelta(hours=2) - TEN)
    assert marked_hours(connection) == [13]


def test_the_hours_of_a_window_can_be_marked_whole(connection: Connection, event: int) -> None:
    observe(connection, event, NOON + timedelta(hours=1))
    connection.execute("delete from market.dirty_buckets")
    assert mark_hours_between(connection, NOON, NOON + timedelta(hours=1)) == 1
    assert marked_hours(connection) == [12]
    assert pending_buckets(connection) == dict.fromkeys(("event_hours", *MARKED_BY["listing_changes"]), 1)


def test_the_hours_of_price_ranges_can_be_marked_too(connection: Connection, event: int) -> None:
    observe_ranges(connection, *(price_range(event, NOON + number * TEN) for number in range(7)))
    connection.execute("delete from market.dirty_buckets")
    assert mark_hours_between(connection, NOON + timedelta(hours=1), NOON + timedelta(hours=2)) == 1
    assert pending_buckets(connection) == {"range_hours": 1}


def test_the_registry_and_the_triggers_agree_on_which_facts_mark_which_rollup(
    connection: Connection, event: int
) -> None:
    marked = {}
    for facts in MARKED_BY:
        observe_ranges(connection, price_range(event, NOON))
        connection.execute("delete from market.dirty_buckets")
        connection.execute(f"delete from market.{facts} where tick = %s", [NOON])
        marked[facts] = set(pending_buckets(connection))
    assert marked == {facts: set(rollups) for facts, rollups in MARKED_BY.items()}


def test_the_oldest_mark_says_since_when_something_waits(connection: Connection) -> None:
    assert oldest_mark(connection) is None
    event = add_event(connection)
    observe(connection, event, NOON, Section("Lower", "101"))
    connection.execute("update market.dirty_buckets set marked_at = %s where rollup = 'event_hours'", [NOON])
    assert oldest_mark(connection) == NOON
