"""The files of a month."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from tests.support.old_months import (
    AUGUST,
    FACTS,
    JULY,
    copies,
    differences,
    fill,
    run_archive,
    run_restore,
)
from tickettape.archive import parquet_files
from tickettape.archive.parquet_files import parquet_names
from tickettape.database import Connection
from tickettape.file_storage import Storage


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
