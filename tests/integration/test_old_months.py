"""Months that leave and come back beside their rollups (R13, R15), by real dbt runs; and what waited for them."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from tests.support.dbt_runs import run_dbt
from tests.support.markets import Section, add_event, observe, price_range
from tests.support.old_months import (
    AUGUST,
    FACTS,
    JULY,
    cold,
    copies,
    differences,
    fill,
    run_archive,
    run_restore,
    state,
)
from tickettape.archive import replay_archived_month
from tickettape.archive.archived_month_replay import ticks_waiting_for_month
from tickettape.catalogue import discover_events
from tickettape.database import Connection
from tickettape.file_storage import Storage
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import AnswerVerdict, Capture, replace_snapshots, store_captures, store_price_ranges
from tickettape.rollups import HOURLY_ROLLUPS, ROLLUP_NAMES, ROLLUPS_ALONE, mark_hours_between, pending_buckets

SEPTEMBER = AUGUST.replace(month=9)
DAY = datetime(2026, 7, 1, tzinfo=UTC)
LATE = DAY + timedelta(hours=15)


def refresh(*arguments: str) -> None:
    run_dbt(*ROLLUPS_ALONE, *arguments)


def refresh_all(connection: Connection) -> None:
    for _ in range(3):
        refresh()
        if not pending_buckets(connection):
            return
    raise AssertionError(f"marks are left: {pending_buckets(connection)}")


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return cold(tmp_path)


@pytest.fixture
def events(connection: Connection, storage: Storage) -> list[int]:
    """Three events watched in July, two of them in August and September too; July and August are archived."""
    keys = fill(connection, JULY, events=3)
    fill(connection, AUGUST)
    fill(connection, SEPTEMBER)
    refresh_all(connection)
    remember(connection)
    for month in (JULY, AUGUST):
        run_archive(connection, storage, month, refresh=refresh)
    return keys


def remember(connection: Connection) -> None:
    copies(connection, *(f"analytics.{rollup}" for rollup in ROLLUP_NAMES))


def changed(connection: Connection) -> dict[str, int]:
    """Rows that differ from those remembered, by rollup; empty where none does."""
    found = {rollup: len(differences(connection, f"analytics.{rollup}", but="created_at")) for rollup in ROLLUP_NAMES}
    return {rollup: count for rollup, count in found.items() if count}


def day_of(connection: Connection, event: int) -> dict[str, tuple[int, ...]]:
    """Of the late row's day: observed hours, ok captures; and of its zones: peak, lowest price in cents."""
    row = connection.execute(
        """select observed_hours, ok_captures from analytics.event_days as d
           join market.events as e on e.id = d.event_id where event_key = %s and d.date = %s""",
        [event, DAY.date()],
    ).fetchone()
    zones = connection.execute(
        """select zone, peak_tickets, (daily_min_price * 100)::integer from analytics.daily_analytics as d
           join market.events as e on e.id = d.event_id where event_key = %s and d.date = %s""",
        [event, DAY.date()],
    ).fetchall()
    assert row
    return {"event": row, **{zone: tuple(rest) for zone, *rest in zones}}


def test_r13_late_rows_backfills_and_full_refreshes_of_an_archived_month_change_no_rollup(
    connection: Connection, events: list[int]
) -> None:
    assert changed(connection) == {}
    with connection.transaction():
        assert store_captures(connection, [Capture(events[0], LATE, "received", answer=b"{}")], None) == 1
    mark_hours_between(connection, DAY, DAY + timedelta(days=2))
    refresh_all(connection)
    assert changed(connection) == {}
    refused = connection.execute(
        "select count(*), min(reason) from market.refused_buckets where bucket < '2026-08-01 00:00Z'"
    ).fetchone()
    # of two days: event_hours and three rollups of listings for three events, price ranges for four
    assert refused == (4 * 6 + 8, "its month is in cold storage")
    refresh("--full-refresh")
    assert changed(connection) == {}
    assert pending_buckets(connection) == {}
    assert connection.execute("select count(*) from market.quarantine where held_for = %s", [JULY]).fetchone() == (1,)


def test_r15_a_late_row_into_a_restored_month_whose_hours_are_gone_loses_no_row(
    connection: Connection, events: list[int], storage: Storage
) -> None:
    for rollup in HOURLY_ROLLUPS:  # as their retention does
        connection.execute(f"delete from analytics.{rollup} where hour < '2026-08-01 00:00Z'")
    remember(connection)
    run_restore(connection, storage, JULY)  # behind August, which stays archived
    refresh_all(connection)
    assert changed(connection) == {}
    before = day_of(connection, events[0])
    assert before["event"] == (1, 3)

    observe(connection, events[0], LATE, Section("Lower", "101", [900, 950, 990]))
    refresh_all(connection)
    assert day_of(connection, events[0]) == {"event": (2, 4), "Lower": (6, 900), "Upper": before["Upper"]}
    assert day_of(connection, events[1])["event"] == (1, 3)
    # of the rollups by day: that day of that event alone, its old rows against its new; the hours are those of the
    # day, and of listings those that came, went or stood until the next look
    assert changed(connection) == {
        "event_hours": 2,
        "aggregated_analytics": 3,
        "event_days": 2,
        "daily_analytics": 4,
        "get_in_hours": 2,
        "price_distribution": 5,
        "inventory_changes": 7,
        "listing_departures": 5,
    }
    (late_event,) = (
        connection.execute("select id from market.events where event_key = %s", [events[0]]).fetchone() or ()
    )
    for rollup in ROLLUP_NAMES:
        rows = differences(connection, f"analytics.{rollup}", but="created_at")
        assert {row["event_id"] for _, row in rows} <= {str(late_event)}
    assert pending_buckets(connection) == {}

    observe(connection, events[2], LATE, Section("Lower", "101"))
    remember(connection)
    run_archive(connection, storage, JULY, refresh=refresh)  # refreshes what is marked, closed as the month is
    assert day_of(connection, events[2])["event"] == (2, 4)
    assert state(connection, JULY) == ("archived", "dropped")


def test_r15_control_without_the_whole_day_the_day_is_rebuilt_from_a_part(
    connection: Connection, events: list[int], storage: Storage
) -> None:
    connection.execute(
        """create or replace function market.month_came_back(instant timestamptz) returns boolean
           language sql as 'select false'"""
    )
    connection.execute("delete from analytics.event_hours where hour < '2026-08-01 00:00Z'")
    run_restore(connection, storage, JULY)
    observe(connection, events[0], LATE, Section("Lower", "101"))
    refresh_all(connection)
    assert day_of(connection, events[0])["event"] == (1, 1)


@pytest.mark.parametrize("rollup", ["latest_prices", "event_board"])
def test_an_event_whose_newest_capture_is_in_cold_storage_keeps_its_latest_prices(
    connection: Connection, events: list[int], storage: Storage, rollup: str
) -> None:
    """A late row in an older month that is back must not make it look sold out."""
    older = JULY.replace(month=6)
    copies(connection, f"analytics.{rollup}")
    observe(connection, events[2], datetime(2026, 6, 9, tzinfo=UTC), Section("Lower", "101", [1]))
    refresh_all(connection)
    assert state(connection, older) == ("open", None)
    assert differences(connection, f"analytics.{rollup}", but="created_at") == []
    assert pending_buckets(connection) == {}


async def one_answer(market: SimulatedMarketplace, tick: datetime) -> tuple[str, bytes]:
    """A production of the market, and what it offers at a tick."""
    production = (await discover_events(market, "search", "simulated")).events[0].external_id
    async with market:
        answer = await market.listings(production, tick)
    assert answer.body is not None
    return production, answer.body


def test_a5_what_waited_for_a_month_is_replayed_once_when_it_is_back(connection: Connection, storage: Storage) -> None:
    market = SimulatedMarketplace(seed=7, events=3, clock=lambda: LATE)
    production, body = asyncio.run(one_answer(market, LATE))
    event, other = add_event(connection, production), add_event(connection, "another")
    observe(connection, other, DAY, Section("Lower", "101"))
    run_archive(connection, storage, JULY)
    with connection.transaction():
        held = [Capture(event, LATE, "received", answer=body), Capture(other, LATE, "failed", note="no answer")]
        assert store_captures(connection, held, None) == 2
    run_restore(connection, storage, JULY)
    assert ticks_waiting_for_month(connection, market, JULY) == 1
    assert replay_archived_month(connection, market, JULY, 0.05, "a run") == 2
    assert replay_archived_month(connection, market, JULY, 0.05, "a run") == 0
    statuses = connection.execute("select event_key, status, note from market.captures where tick = %s", [LATE])
    assert sorted(statuses) == [(event, "ok", None), (other, "failed", "no answer")]
    sections = connection.execute("select count(*) from market.section_snapshots where tick = %s", [LATE]).fetchone()
    assert sections
    assert sections[0] > 5
    assert pending_buckets(connection)["event_hours"] == 2


def test_price_ranges_that_waited_are_stored_once_when_the_month_is_back_whoever_they_are_of(
    connection: Connection, storage: Storage
) -> None:
    market = SimulatedMarketplace(seed=7, events=3, clock=lambda: LATE)
    fill(connection, JULY)
    mine, dollars = add_event(connection, "1", source="mine"), add_event(connection, "2", source="mine")
    run_archive(connection, storage, JULY)
    ranges = [price_range(mine, LATE, currency="EUR"), price_range(mine, LATE + timedelta(hours=2), currency="EUR")]
    with connection.transaction():
        assert store_price_ranges(connection, [*ranges, price_range(dollars, LATE)])["refused"] == 3
    assert replay_archived_month(connection, market, JULY, 0.05, "a run") == 0  # the month is not back
    run_restore(connection, storage, JULY)
    assert ticks_waiting_for_month(connection, market, JULY) == 2
    connection.execute("update market.events set currency = 'GBP' where event_key = %s", [dollars])
    assert replay_archived_month(connection, market, JULY, 0.05, "a run") == 1
    assert replay_archived_month(connection, market, JULY, 0.05, "a run") == 0
    stored = "select tick from market.price_ranges where event_key = %s order by tick"
    assert connection.execute(stored, [mine]).fetchall() == [(one.tick,) for one in ranges]
    assert connection.execute(stored, [dollars]).fetchall() == []
    assert ticks_waiting_for_month(connection, market, JULY) == 1  # of another currency since: it stays


def test_a5_snapshots_that_waited_are_stored_when_the_month_is_back(connection: Connection, storage: Storage) -> None:
    market = SimulatedMarketplace(seed=7, events=3, clock=lambda: LATE)
    [event, _] = fill(connection, JULY)
    copies(connection, *(f"market.{table}" for table in FACTS))
    captured = connection.execute(
        "select * from market.section_snapshots where event_key = %s and tick = %s", [event, DAY]
    )
    columns = [column.name for column in captured.description or []]
    frame = pd.DataFrame(captured.fetchall(), columns=columns).drop(columns="tick").assign(total_tickets=99)
    run_archive(connection, storage, JULY)
    with connection.transaction():
        assert not replace_snapshots(connection, DAY, [AnswerVerdict(event, "ok")], frame.convert_dtypes())
    run_restore(connection, storage, JULY)
    assert replay_archived_month(connection, market, JULY, 0.05, "a run") == 1
    assert len(differences(connection, "market.section_snapshots")) == 4  # its two rows, old and new
    tickets = connection.execute(
        "select distinct total_tickets from market.section_snapshots where event_key = %s and tick = %s", [event, DAY]
    ).fetchall()
    assert tickets == [(99,)]
