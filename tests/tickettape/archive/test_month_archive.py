"""Months into cold storage and back: nothing lost, nothing changed, whatever happens on the way (A4)."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.support.markets import Section, observe
from tests.support.old_months import (
    AUGUST,
    JULY,
    NOW,
    cold,
    copies,
    differences,
    fill,
    run_archive,
    run_restore,
    state,
)
from tickettape.archive import ArchiveError, RestoreError, reopen_month
from tickettape.archive.month_archive import close_month
from tickettape.archive.month_manifest import month_manifest_name, read_month_manifest
from tickettape.archive.parquet_files import parquet_names
from tickettape.database import Connection
from tickettape.file_storage import DamagedError, Storage
from tickettape.observations import unpack_days
from tickettape.observations.packed_days import pack_day


def test_the_price_ranges_of_a_closed_month_can_be_neither_written_nor_deleted(
    connection: Connection, storage: Storage
) -> None:
    fill(connection, JULY)
    with pytest.raises(ArchiveError, match="still marked"):
        run_archive(connection, storage, JULY, refresh=lambda: None)
    with pytest.raises(psycopg.errors.RaiseException, match="closed"):
        connection.execute("delete from market.price_ranges")


def test_a_detached_month_is_kept_for_its_days_before_it_is_dropped(connection: Connection, storage: Storage) -> None:
    fill(connection, JULY)
    run_archive(connection, storage, JULY, keep=7, now=NOW)
    assert state(connection, JULY) == ("archived", "detached")
    run_archive(connection, storage, JULY, keep=7, now=NOW)
    assert state(connection, JULY) == ("archived", "detached")
    assert connection.execute("select count(*) from market.captures_2026_07").fetchone() == (15,)
    connection.execute("update market.archives set reached_at = %s", [NOW - timedelta(days=7)])
    run_archive(connection, storage, JULY, keep=7, now=NOW)
    assert state(connection, JULY) == ("archived", "dropped")


@pytest.mark.parametrize("harm", ["truncated", "edited", "missing", "manifest"])
def test_a4_a_truncated_edited_or_missing_file_blocks_the_drop_and_the_restore(
    connection: Connection, storage: Storage, harm: str
) -> None:
    fill(connection, JULY)
    run_archive(connection, storage, JULY, keep=7)
    name = month_manifest_name(JULY) if harm == "manifest" else parquet_names(storage, "captures", JULY)[0]
    file = Path(storage.path(name))
    content = file.read_bytes()
    if harm == "missing":
        file.unlink()
    elif harm == "truncated":
        file.write_bytes(content[:-100])
    elif harm == "edited":
        middle = len(content) // 2
        file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    else:
        file.write_text(json.dumps(json.loads(content)))  # the same said otherwise is not what was verified
    with pytest.raises(DamagedError, match=name.rpartition("/")[2]):
        run_archive(connection, storage, JULY, keep=0)
    assert state(connection, JULY) == ("archived", "detached")
    assert connection.execute("select count(*) from market.captures_2026_07").fetchone() == (15,)
    if harm != "manifest":
        with pytest.raises(DamagedError):
            run_restore(connection, storage, JULY)
        assert state(connection, JULY) == ("archived", "detached")
    file.write_bytes(content)
    run_archive(connection, storage, JULY, keep=0)
    assert state(connection, JULY) == ("archived", "dropped")


def test_only_a_month_that_is_over_and_has_data_is_archived(connection: Connection, storage: Storage) -> None:
    fill(connection, AUGUST)
    with pytest.raises(ArchiveError, match="not over"):
        run_archive(connection, storage, AUGUST, now=datetime(2026, 8, 31, tzinfo=UTC))
    with pytest.raises(ArchiveError, match="no data"):
        run_archive(connection, storage, JULY)
    with pytest.raises(RestoreError, match="is open"):
        run_restore(connection, storage, AUGUST)
    with pytest.raises(DamagedError, match="never verified"):
        run_restore(connection, storage, JULY)


def test_a_month_with_marks_that_no_refresh_takes_stays(connection: Connection, storage: Storage) -> None:
    fill(connection, JULY)
    with pytest.raises(ArchiveError, match="still marked"):
        run_archive(connection, storage, JULY, refresh=lambda: None)
    assert state(connection, JULY) == ("closed", "closed")


def test_a_month_closed_by_an_unfinished_archive_is_reopened_and_takes_rows_again(
    connection: Connection, storage: Storage
) -> None:
    [event, _] = fill(connection, JULY)
    with pytest.raises(ArchiveError, match="still marked"):
        run_archive(connection, storage, JULY, refresh=lambda: None)
    reopen_month(connection, JULY)
    assert state(connection, JULY)[0] == "open"
    observe(connection, event, datetime(2026, 7, 9, 12, tzinfo=UTC), Section("Lower", "101"))
    with pytest.raises(ArchiveError, match="not closed"):
        reopen_month(connection, JULY)
    run_archive(connection, storage, JULY)
    assert read_month_manifest(storage, JULY).rows == 15 + 28 + 15 + 28 + 3


@pytest.mark.parametrize("days", [(1, 2), (1, 2, 31)], ids=["some days packed", "all days packed"])
def test_a_packed_month_gives_the_same_files_and_the_same_rows_back(
    connection: Connection, storage: Storage, tmp_path: Path, days: tuple[int, ...]
) -> None:
    keys = fill(connection, JULY)
    copies(connection, "market.section_snapshots", "market.listing_changes")
    run_archive(connection, storage, JULY, keep=1)  # detached, still there
    as_rows = read_month_manifest(storage, JULY)
    run_restore(connection, storage, JULY)
    connection.execute("delete from market.dirty_buckets")
    packed = [pack_day(connection, key, JULY.replace(day=day)) for key in keys for day in days]
    assert {skipped for *_, skipped in packed} == {None}
    assert all(deltas > 0 for rows, deltas, _ in packed if rows)
    assert sum(rows for rows, *_ in packed) == 28 - (4 if len(days) == 2 else 0)

    elsewhere = cold(tmp_path / "elsewhere")
    run_archive(connection, elsewhere, JULY)
    assert read_month_manifest(elsewhere, JULY) == as_rows  # the very bytes: the manifest has the checksums
    assert connection.execute("select to_regclass('market.packed_days_2026_07')").fetchone() == (None,)
    run_restore(connection, elsewhere, JULY)
    for table in ("market.section_snapshots", "market.listing_changes"):
        assert differences(connection, table) == []
    assert pack_day(connection, keys[0], JULY)[0] > 0
    assert connection.execute("select count(*) from market.dirty_buckets").fetchone() == (0,)


def test_a_closed_month_is_neither_packed_nor_unpacked(connection: Connection, storage: Storage) -> None:
    key, other = fill(connection, JULY)
    connection.execute("delete from market.dirty_buckets")
    assert pack_day(connection, key, JULY)[0] > 0
    close_month(connection, JULY)
    assert pack_day(connection, other, JULY) == (0, 0, "its month takes no writes")
    start = datetime(2026, 7, 1, tzinfo=UTC)
    with pytest.raises(psycopg.errors.RaiseException, match="closed"):
        unpack_days(connection, [key], [start])
    reopen_month(connection, JULY)
    assert unpack_days(connection, [key], [start]) > 0
