"""The loop of refreshes ends when nothing is marked, when its time is over, or when others mark faster."""

from datetime import timedelta

import pytest

from tests.support.markets import NOON, TEN, Section, add_event, observe
from tests.support.recorded_refresh import Refresh
from tickettape.database import Connection
from tickettape.rollups import pending_buckets, refresh_rollups


@pytest.fixture
def event(connection: Connection) -> int:
    """An event with marks in two hours."""
    key = add_event(connection)
    for tick in (NOON, NOON + 6 * TEN):
        observe(connection, key, tick, Section("Lower", "101"))
    return key


@pytest.mark.usefixtures("event")
def test_it_refreshes_until_nothing_is_left_and_then_not_at_all(connection: Connection, refresh: Refresh) -> None:
    said: list[str] = []
    assert refresh_rollups(connection, lambda: refresh.run_all(connection), said.append) == 0
    assert said[-1] == "0 buckets are still to be recomputed."
    assert not any(pending_buckets(connection).values())
    assert refresh_rollups(connection, lambda: pytest.fail("nothing is marked"), said.append) == 0


def test_it_ends_where_others_mark_as_fast_as_it_refreshes(
    connection: Connection, refresh: Refresh, event: int
) -> None:
    calls: list[int] = []

    def others() -> None:
        calls.append(1)
        refresh.run_all(connection)
        for hour in range(4):
            observe(connection, event, NOON + (hour * 6 + len(calls)) * TEN, Section("Lower", "101"))

    assert refresh_rollups(connection, others, lambda _: None) > 0
    assert len(calls) == 1


@pytest.mark.usefixtures("event")
def test_it_leaves_what_may_be_left_and_begins_nothing_after_its_time(connection: Connection) -> None:
    said: list[str] = []

    def never() -> None:
        pytest.fail("it is not to refresh")

    most = max(pending_buckets(connection).values())
    assert refresh_rollups(connection, never, said.append, until=most) == most
    assert refresh_rollups(connection, never, said.append, for_at_most=timedelta(seconds=-1)) == most
    assert said == [f"{most:,} buckets are left to the next refresh."]


def test_a_live_ticks_refresh_leaves_an_older_backlog_alone_and_the_backlogs_own_takes_it(
    connection: Connection, refresh: Refresh
) -> None:
    event = add_event(connection)
    live, old = NOON, NOON - timedelta(days=3)
    observe(connection, event, old, Section("Lower", "101", [500]))
    observe(connection, event, live, Section("Lower", "101", [700]))
    since = live - timedelta(hours=25)
    assert pending_buckets(connection, since)["event_hours"] == 1
    connection.execute("select set_config('tickettape.claim_from', %s, false)", [since.isoformat()])
    refresh.run_all(connection)
    assert hours(connection) == [live]
    latest = connection.execute("select last_price from analytics.latest_prices").fetchall()
    assert latest == [(7,)]
    assert not any(pending_buckets(connection, since).values())
    assert pending_buckets(connection)["event_hours"] == 1
    connection.execute("select set_config('tickettape.claim_from', '', false)")
    refresh.run_until_clean(connection)
    assert hours(connection) == [old, live]


def hours(connection: Connection) -> list[object]:
    return [hour for (hour,) in connection.execute("select hour from analytics.event_hours order by hour").fetchall()]
