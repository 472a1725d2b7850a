"""Months into cold storage and back: nothing lost, nothing changed, whatever happens on the way (A4)."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import msgspec
import psycopg
import pytest

from tests.support.databases import fresh_database
from tests.support.markets import Section, observe, observe_ranges, price_range
from tests.support.old_months import (
    AUGUST,
    FACTS,
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
from tickettape.archive import ArchiveError, RestoreError, month_archive, parquet_files, release_month, reopen_month
from tickettape.archive.month_archive import export_month
from tickettape.archive.month_manifest import month_manifest_name, read_month_manifest
from tickettape.archive.parquet_files import parquet_names
from tickettape.database import Connection
from tickettape.file_storage import DamagedError, Storage


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return cold(tmp_path)


def test_a4_a_month_archived_and_restored_is_equal_to_itself(connection: Connection, storage: Storage) -> None:
    fill(connection, JULY)
    copies(connection, *(f"market.{table}" for table in FACTS))

    outcome = run_archive(connection, storage, JULY)
    assert state(connection, JULY) == ("archived", "dropped")
    assert outcome.figures["rows exported"] == 15 + 28 + 15 + 28
    for table in FACTS:
        assert connection.execute(f"select count(*) from market.{table}").fetchone() == (0,)
        assert connection.execute(f"select to_regclass('market.{table}_2026_07')").fetchone() == (None,)

    figures = run_restore(connection, storage, JULY)
    assert figures["rows restored"] == 15 + 28 + 15 + 28
    assert state(connection, JULY)[0] == "restored"
    for table in FACTS:
        assert differences(connection, f"market.{table}") == []
    assert connection.execute("select count(*) from market.dirty_buckets").fetchone() == (0,)


def test_a_restored_month_takes_late_rows_marks_them_and_is_archived_again_with_them(
    connection: Connection, storage: Storage
) -> None:
    [event, _] = fill(connection, JULY)
    run_archive(connection, storage, JULY)
    before = read_month_manifest(storage, JULY)
    run_restore(connection, storage, JULY)

    late = datetime(2026, 7, 9, 12, tzinfo=UTC)
    observe(connection, event, late, Section("Lower", "101"))
    marked = "select distinct bucket from market.dirty_buckets where rollup = 'event_hours'"
    assert connection.execute(marked).fetchall() == [(late,)]
    copies(connection, *(f"market.{table}" for table in FACTS))
    run_archive(connection, storage, JULY)
    after = read_month_manifest(storage, JULY)
    assert after.rows == before.rows + 3
    run_restore(connection, storage, JULY)
    for table in FACTS:
        assert differences(connection, f"market.{table}") == []


def test_price_ranges_are_compared_with_what_the_manifest_says_of_them(
    connection: Connection, storage: Storage
) -> None:
    fill(connection, JULY)
    run_archive(connection, storage, JULY)
    manifest = read_month_manifest(storage, JULY)
    content = manifest.tables["price_ranges"].content
    assert (content.rows, content.nulls["average_price_cents"], content.nulls["lowest_price_cents"]) == (28, 6, 0)
    wrong = msgspec.structs.replace(
        manifest.tables["price_ranges"], content=msgspec.structs.replace(content, row_hash="0" * 16)
    )
    tables = manifest.tables | {"price_ranges": wrong}
    storage.write_json(month_manifest_name(JULY), msgspec.structs.replace(manifest, tables=tables))
    with pytest.raises(DamagedError, match=r"price_ranges of 2026-07 was loaded and differs .*row hash"):
        run_restore(connection, storage, JULY)
    assert state(connection, JULY)[0] == "archived"


def test_a_month_archived_before_there_were_price_ranges_comes_back_and_takes_some(
    connection: Connection, storage: Storage
) -> None:
    [event, _] = fill(connection, JULY)
    connection.execute("delete from market.price_ranges")
    copies(connection, *(f"market.{table}" for table in FACTS))
    run_archive(connection, storage, JULY)
    manifest = read_month_manifest(storage, JULY)
    before = {name: table for name, table in manifest.tables.items() if name != "price_ranges"}
    storage.write_json(month_manifest_name(JULY), msgspec.structs.replace(manifest, tables=before))
    run_restore(connection, storage, JULY)
    for table in FACTS:
        assert differences(connection, f"market.{table}") == []
    late = datetime(2026, 7, 9, 12, tzinfo=UTC)
    observe_ranges(connection, price_range(event, late))
    assert connection.execute("select rollup, bucket from market.dirty_buckets").fetchall() == [("range_hours", late)]
    run_archive(connection, storage, JULY)
    assert read_month_manifest(storage, JULY).tables["price_ranges"].content.rows == 1


def test_the_price_ranges_of_a_closed_month_can_be_neither_written_nor_deleted(
    connection: Connection, storage: Storage
) -> None:
    fill(connection, JULY)
    with pytest.raises(ArchiveError, match="still marked"):
        run_archive(connection, storage, JULY, refresh=lambda: None)
    with pytest.raises(psycopg.errors.RaiseException, match="closed"):
        connection.execute("delete from market.price_ranges")


def test_the_same_rows_archived_again_end_in_the_same_manifest_and_files(
    connection: Connection, storage: Storage
) -> None:
    fill(connection, JULY)
    run_archive(connection, storage, JULY)
    first = storage.fs.cat_file(storage.path(month_manifest_name(JULY)))
    run_restore(connection, storage, JULY)
    release_month(connection, JULY)
    run_archive(connection, storage, JULY)
    assert storage.fs.cat_file(storage.path(month_manifest_name(JULY))) == first


def test_a_big_month_is_several_row_groups_in_several_files(
    connection: Connection, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_files, "ROW_GROUP", 8)
    monkeypatch.setattr(parquet_files, "PART_ROWS", 16)
    fill(connection, JULY)
    copies(connection, *(f"market.{table}" for table in FACTS))
    run_archive(connection, storage, JULY)
    assert len(parquet_names(storage, "section_snapshots", JULY)) == 2
    run_restore(connection, storage, JULY)
    for table in FACTS:
        assert differences(connection, f"market.{table}") == []


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


def test_a_file_that_differs_from_the_database_is_not_trusted_and_is_exported_anew(
    connection: Connection, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(connection, JULY)
    exported = export_month

    def export_another_price(connection: Connection, *more: object) -> dict[str, object]:
        with connection.transaction(force_rollback=True):
            connection.execute("alter table market.section_snapshots_2026_07 disable trigger all")
            # two rows change places: every count and sum stays
            connection.execute(
                """update market.section_snapshots_2026_07 set lowest_price_cents = case lowest_price_cents
                       when 1001 then 1011 else 1001 end where event_key = 1 and lowest_price_cents in (1001, 1011)"""
            )
            figures = exported(connection, *more)  # type: ignore[arg-type]
        month_archive._reached(connection, JULY, "exported")
        return figures

    monkeypatch.setattr(month_archive, "export_month", export_another_price)
    with pytest.raises(DamagedError, match="row hash") as error:
        run_archive(connection, storage, JULY)
    assert "sum of" not in str(error.value)
    assert state(connection, JULY) == ("closed", "refreshed")
    assert not storage.names(month_manifest_name(JULY))
    monkeypatch.undo()
    run_archive(connection, storage, JULY)
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


def test_a_month_understood_alone_is_restored_into_an_empty_database_and_refused_by_anothers(
    connection: Connection, storage: Storage, server_url: str, template: str
) -> None:
    connection.execute("select setval('market.events_event_key_seq', 41)")
    fill(connection, JULY)
    copies(connection, *(f"market.{table}" for table in FACTS))
    run_archive(connection, storage, JULY)
    with fresh_database(server_url, template) as url, psycopg.connect(url, autocommit=True) as elsewhere:
        figures = run_restore(elsewhere, storage, JULY)
        assert figures["dimension rows new"] == 3 + 4 + 4 + 1
        assert elsewhere.execute("select event_key from market.events order by 1").fetchall() == [(42,), (43,), (44,)]
        observe(elsewhere, 42, NOW, Section("Lower", "101"), Section("New", "1"))  # keys go on after the restored ones
    with fresh_database(server_url, template) as url, psycopg.connect(url, autocommit=True) as elsewhere:
        elsewhere.execute("select setval('market.events_event_key_seq', 41)")
        fill(elsewhere, AUGUST)
        elsewhere.execute("update market.events set external_id = 'other' where event_key = 43")
        with pytest.raises(RestoreError, match="another database"):
            run_restore(elsewhere, storage, JULY)
        assert state(elsewhere, JULY) == (None, None)


def test_duckdb_reads_the_months_as_one_partitioned_data_set(connection: Connection, storage: Storage) -> None:
    fill(connection, JULY)
    fill(connection, AUGUST)
    for month in (JULY, AUGUST):
        run_archive(connection, storage, month)
    stray = Path(storage.path("section_snapshots/year=2026/month=07/.part-0-part-0.parquet"))
    stray.write_bytes(b"an upload that was killed")
    query = f"""
        select s.year, s.month, e.name, z.name, count(*), min(s.lowest_price_cents) / 100.0, epoch(min(s.tick))
        from read_parquet('{storage.root}/section_snapshots/*/*/part-*.parquet', hive_partitioning = true) as s
        inner join read_parquet('{storage.root}/events/*/*/part-*.parquet', hive_partitioning = true) as e
            using (year, month, event_key)
        inner join read_parquet('{storage.root}/sections/*/*/part-*.parquet', hive_partitioning = true) as c
            using (year, month, event_key, section_key)
        inner join read_parquet('{storage.root}/zones/*/*/part-*.parquet', hive_partitioning = true) as z
            using (year, month, event_key, zone_key)
        where z.name = 'Lower' group by all order by all"""
    with duckdb.connect() as duck:
        rows = duck.execute(query).fetchall()
    assert [(int(year), int(month), name, zone, count, price) for year, month, name, zone, count, price, _ in rows] == [
        (2026, 7, "An evening", "Lower", 14, 10.01),
        (2026, 8, "An evening", "Lower", 14, 10.01),
    ]
    assert [datetime.fromtimestamp(row[6], UTC).date() for row in rows] == [JULY, AUGUST]


def test_a_restore_pinned_until_a_day_and_released(connection: Connection, storage: Storage) -> None:
    fill(connection, JULY)
    run_archive(connection, storage, JULY)
    run_restore(connection, storage, JULY, until=date(2026, 12, 31))
    assert run_restore(connection, storage, JULY, until=date(2027, 1, 31)) == {
        "rows restored": 0,
        "already restored": True,
    }
    assert connection.execute("select pinned_until from market.months").fetchone() == (date(2027, 1, 31),)
    release_month(connection, JULY)
    assert connection.execute("select pinned_until from market.months").fetchone() == (None,)
    with pytest.raises(RestoreError, match="not a restored month"):
        release_month(connection, AUGUST)
