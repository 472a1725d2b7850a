"""Hours older than the facts go to Parquet, the days stay, and they come back."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pyarrow.dataset as ds
import pytest
from typer.testing import CliRunner

from tests.support.dbt_runs import run_dbt
from tickettape.archive import (
    HourlyStorageError,
    bring_hours_back,
    hourly_months_due,
    hourly_months_pinned,
    hourly_months_present,
    hourly_parquet,
    move_hours_to_cold_storage,
)
from tickettape.archive import hourly_cold_storage as hours
from tickettape.cli import app
from tickettape.database import Connection, Warehouse
from tickettape.file_storage import Storage, StoredFile
from tickettape.rollups import HOURLY_ROLLUPS, ROLLUPS_ALONE, pending_buckets
from tickettape.rollups.registry import MARKED_BY
from tickettape.settings import settings

MAY = date(2026, 5, 1)


@pytest.mark.parametrize(
    ("now", "state", "pinned_until", "goes"),
    [
        (datetime(2026, 12, 1, tzinfo=UTC), "archived", None, True),  # May ends exactly at the cut-off
        (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), "archived", None, False),
        (datetime(2026, 12, 1, tzinfo=UTC), "open", None, False),
        (datetime(2026, 12, 1, tzinfo=UTC), "closed", None, False),
        (datetime(2026, 12, 1, tzinfo=UTC), "restored", None, False),
        (datetime(2026, 12, 1, tzinfo=UTC), None, None, False),
        (datetime(2026, 12, 1, tzinfo=UTC), "archived", date(2026, 12, 1), False),
        (datetime(2026, 12, 1, tzinfo=UTC), "archived", date(2026, 11, 30), True),
    ],
)
def test_a_month_of_hours_goes_when_it_is_wholly_older_and_its_raw_month_has_gone_before(
    now: datetime, state: str | None, pinned_until: date | None, goes: bool
) -> None:
    due, held_back = hourly_months_due({MAY: state}, {MAY: pinned_until}, now=now, months=6)
    assert due == ([MAY] if goes else [])
    assert (MAY in held_back) == (not goes and now >= datetime(2026, 12, 1, tzinfo=UTC))


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path / "cold"))


def rows_of(connection: Connection, table: str) -> list[tuple[object, ...]]:
    return connection.execute(f"select * from analytics.{table} as of_mart order by of_mart::text").fetchall()


def test_hours_go_to_parquet_the_days_stay_and_they_come_back_as_they_were(
    connection: Connection, storage: Storage, may: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {table: rows_of(connection, table) for table in (*HOURLY_ROLLUPS, "daily_analytics", "event_days")}
    in_may = {
        table: connection.execute(f"select count(*) from analytics.{table} where hour < '2026-06-01'").fetchone()[0]  # type: ignore[index]
        for table in HOURLY_ROLLUPS
    }
    moved = move_hours_to_cold_storage(connection, storage, MAY)
    assert moved.rows == in_may
    assert (in_may["event_hours"], in_may["aggregated_analytics"]) == (4, 8)
    assert all(in_may[table] for table in (*MARKED_BY["listing_changes"], "range_hours", "get_in_hours"))
    assert hourly_months_present(connection) == {date(2026, 6, 1): "open"}
    for table in ("daily_analytics", "event_days"):
        assert rows_of(connection, table) == before[table]

    read = ds.dataset(storage.path("aggregated_analytics"), partitioning="hive").to_table()
    assert read.num_rows == 8
    assert {(row["year"], row["month"]) for row in read.to_pylist()} == {(2026, 5)}
    assert {str(row["avg_price"]) for row in read.to_pylist()} == {"15.00", "9.99"}
    assert not storage.names("**/.part-*")

    with monkeypatch.context() as environment:
        environment.setenv("COLD_STORAGE_URL", storage.url)
        settings.cache_clear()
        done = CliRunner().invoke(app, ["bring-back-hours", "2026-05", "--until", "2026-12-24"])
        missing = CliRunner().invoke(app, ["bring-back-hours", "2026-04"])
    settings.cache_clear()
    assert "aggregated_analytics: 8 rows of 2026-05 are back until the end of 2026-12-24" in done.output
    assert (missing.exit_code, "has no hours of 2026-04" in missing.output) == (1, True)
    assert {table: rows_of(connection, table) for table in HOURLY_ROLLUPS} == {t: before[t] for t in HOURLY_ROLLUPS}
    assert hourly_months_pinned(connection) == {MAY: date(2026, 12, 24)}
    move_hours_to_cold_storage(connection, storage, MAY)
    assert hourly_months_pinned(connection) == {MAY: None}


def test_a_month_that_went_before_the_listings_rollups_were_there_is_completed_by_theirs(
    connection: Connection, storage: Storage, may: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {table: rows_of(connection, table) for table in HOURLY_ROLLUPS}
    with monkeypatch.context() as older:
        for module in (hours, hourly_parquet):
            older.setattr(module, "HOURLY_ROLLUPS", ("event_hours", "aggregated_analytics"))
        move_hours_to_cold_storage(connection, storage, MAY)
    assert MAY in hourly_months_present(connection)
    move_hours_to_cold_storage(connection, storage, MAY)
    assert MAY not in hourly_months_present(connection)
    bring_hours_back(connection, storage, MAY, until=date(2026, 11, 1))
    assert {table: rows_of(connection, table) for table in HOURLY_ROLLUPS} == before


def test_hours_that_were_made_again_in_part_replace_theirs_in_cold_storage_and_no_others(
    connection: Connection, storage: Storage, may: list[int]
) -> None:
    move_hours_to_cold_storage(connection, storage, MAY)
    bring_hours_back(connection, storage, MAY, until=date(2026, 11, 1))
    # as a restored month leaves it: the first day was recomputed, the rest of the month is not there
    for table in HOURLY_ROLLUPS:
        connection.execute(f"delete from analytics.{table} where hour > '2026-05-02' and hour < '2026-06-01'")
    connection.execute("update analytics.aggregated_analytics set total_tickets = 77 where hour < '2026-05-02'")
    connection.execute("delete from analytics.aggregated_analytics where hour < '2026-05-02' and zone = 'B'")
    moved = move_hours_to_cold_storage(connection, storage, MAY)
    assert (moved.rows["event_hours"], moved.rows["aggregated_analytics"]) == (4, 6)
    bring_hours_back(connection, storage, MAY, until=date(2026, 11, 1))
    tickets = connection.execute(
        "select distinct hour < '2026-05-02', zone, total_tickets from analytics.aggregated_analytics "
        "where hour < '2026-06-01' order by 1, 2"
    ).fetchall()
    assert tickets == [(False, "A", 2), (False, "B", 0), (True, "A", 77)]


@pytest.mark.parametrize("noted", [True, False])
def test_hours_that_were_refreshed_to_nothing_are_nothing_in_cold_storage_too(
    connection: Connection, storage: Storage, may: list[int], noted: bool
) -> None:
    """Without the note of what was refreshed (control) the old rows stay there."""
    edge = datetime(2026, 5, 31, 23, tzinfo=UTC)
    at_edge = connection.execute("select count(*) from analytics.listing_departures where hour = %s", [edge]).fetchone()
    assert at_edge
    assert at_edge[0] > 0
    before = move_hours_to_cold_storage(connection, storage, MAY).rows["listing_departures"]
    connection.execute("update market.months set state = 'restored' where month = %s", [MAY])
    connection.execute("delete from market.listing_changes where tick >= %s and tick < '2026-06-01 00:00Z'", [edge])
    connection.execute(
        """insert into market.dirty_buckets (rollup, event_key, bucket)
           select 'listing_departures', event_key, %s from market.events""",
        [edge],
    )
    while pending_buckets(connection):
        run_dbt(*ROLLUPS_ALONE)
    if not noted:
        connection.execute("delete from market.remade_hours")
    moved = move_hours_to_cold_storage(connection, storage, MAY)
    assert moved.rows["listing_departures"] == before - (at_edge[0] if noted else 0)
    assert connection.execute("select count(*) from market.remade_hours").fetchone() == (0,)


class InterruptedStorage(Storage):
    """Does something else while a file is under way."""

    def __init__(self, url: str, meanwhile: Callable[[], object]) -> None:
        super().__init__(url)
        self.meanwhile = meanwhile

    def verify(self, file: StoredFile) -> None:
        super().verify(file)
        self.meanwhile()


def test_hours_that_change_while_they_are_written_stay(
    connection: Connection, warehouse: Warehouse, tmp_path: Path, may: list[int]
) -> None:
    with warehouse.connection() as other:
        change = "update analytics.aggregated_analytics set total_tickets = total_tickets + 1 where hour < '2026-05-02'"
        storage = InterruptedStorage(str(tmp_path / "cold"), lambda: other.execute(change))
        with pytest.raises(HourlyStorageError, match="changed while it was being written"):
            move_hours_to_cold_storage(connection, storage, MAY)
    assert len(rows_of(connection, "aggregated_analytics")) == 10
    assert (
        move_hours_to_cold_storage(connection, Storage(str(tmp_path / "cold")), MAY).rows["aggregated_analytics"] == 8
    )


def test_hours_that_a_refresh_is_writing_stay(
    connection: Connection, warehouse: Warehouse, storage: Storage, may: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hours, "LOCK_TIMEOUT", "100ms")
    with warehouse.connection() as refresh, refresh.transaction():
        refresh.execute("delete from analytics.aggregated_analytics where hour < '2026-05-02'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            move_hours_to_cold_storage(connection, storage, MAY)
    assert len(rows_of(connection, "aggregated_analytics")) == 6  # the refresh's own work, and no other


def test_hours_with_a_mark_stay_until_they_are_refreshed(
    connection: Connection, storage: Storage, may: list[int]
) -> None:
    connection.execute(
        "insert into market.dirty_buckets (rollup, event_key, bucket) values ('event_hours', %s, '2026-05-31 23:00Z')",
        [may[0]],
    )
    with pytest.raises(HourlyStorageError, match="pending"):
        move_hours_to_cold_storage(connection, storage, MAY)
    connection.execute("update market.dirty_buckets set bucket = '2026-06-01 00:00Z'")
    move_hours_to_cold_storage(connection, storage, MAY)
