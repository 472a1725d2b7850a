"""A backup restored is the same database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.support.backups import databases, flip_a_byte, quiet
from tests.support.dbt_runs import run_dbt
from tests.support.markets import Section, add_event, observe
from tickettape.backups import (
    BackupError,
    make_backup,
    restore_backup,
)
from tickettape.backups.backup import (
    table_figures,
    warehouse_tables,
)
from tickettape.backups.backup_restore import LOST_ANSWER
from tickettape.database import Connection, with_database
from tickettape.file_storage import DamagedError, Storage
from tickettape.rollups import pending_buckets

NOW = datetime(2026, 11, 21, 3, 33, tzinfo=UTC)
NOVEMBER, OCTOBER = datetime(2026, 11, 20, 12, tzinfo=UTC), datetime(2026, 10, 31, 23, 50, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_backup_restored_is_the_same_database_and_goes_on_working(
    connection: Connection, database_url: str, storage: Storage, market: int, target: str
) -> None:
    run_dbt("run")
    observe(connection, market, NOVEMBER + timedelta(hours=1), Section("A", "101"))  # leaves a mark that is pending
    pending = pending_buckets(connection)
    assert pending
    backup = make_backup(database_url, storage, now=NOW, say=quiet)
    assert [(month.month, sum(f.rows for f in month.tables.values())) for month in backup.months] == [("2026-10", 5)]
    assert not [table for table in backup.all_tables if "capture_payloads" in table]

    assert restore_backup(database_url, storage, backup, into=target, replace=False, now=NOW, say=quiet) is None
    with psycopg.connect(with_database(database_url, target), autocommit=True) as copy:
        there = [name for name, _ in warehouse_tables(copy).items()]
        assert there == list(warehouse_tables(connection))
        different = {
            table
            for table, figures in table_figures(connection, there).items()
            if table_figures(copy, [table])[table] != figures
        }
        assert different == {"market.captures_2026_11", "market.capture_payloads_2026_11_21", "market.dirty_buckets"}
        assert copy.execute("select status, note from market.captures where tick = %s", [NOW]).fetchall() == [
            ("failed", LOST_ANSWER)
        ]
        # no mark but those of the backup and the lost answer's own hour: loading the months marked nothing
        marked = copy.execute(
            "select distinct bucket from market.dirty_buckets where rollup = 'event_hours'"
        ).fetchall()
        assert set(marked) == {(NOW.replace(minute=0),), (NOVEMBER + timedelta(hours=1),)}
        # it goes on: bare names are found, triggers mark, identities continue, the views answer
        assert copy.execute("select count(*) from ticket_snapshots").fetchone() == (9,)
        copy.execute("delete from market.dirty_buckets")
        copy.execute("update market.section_snapshots set total_tickets = 3 where tick = %s", [OCTOBER])
        assert copy.execute("select count(distinct bucket) from market.dirty_buckets").fetchone() == (1,)
        assert add_event(copy, "2") == market + 1


def test_what_stands_is_never_overwritten_and_is_kept_when_it_is_replaced(
    connection: Connection, database_url: str, storage: Storage, market: int, target: str
) -> None:
    backup = make_backup(database_url, storage, now=NOW, say=quiet)
    connection.execute(f"create database {target}")
    with psycopg.connect(with_database(database_url, target)) as user:
        user.execute("create table precious (n int)")
        user.commit()
        with pytest.raises(BackupError, match="nothing was restored"):
            restore_backup(database_url, storage, backup, into=target, replace=False, now=NOW, say=quiet)
        with pytest.raises(BackupError, match="is in use by"):
            restore_backup(database_url, storage, backup, into=target, replace=True, now=NOW, say=quiet)
    kept = restore_backup(database_url, storage, backup, into=target, replace=True, now=NOW, say=quiet)
    assert kept == f"{target}_before_20261121t033300z"
    with psycopg.connect(with_database(database_url, kept)) as before:
        assert before.execute("select count(*) from precious").fetchone() == (0,)
    with psycopg.connect(with_database(database_url, target)) as now:
        assert now.execute("select count(*) from market.events").fetchone() == (1,)
    flip_a_byte(Path(storage.path(backup.base.path)), at=0.5)
    before_failing = databases(connection)
    with pytest.raises(DamagedError):
        restore_backup(database_url, storage, backup, into=target, replace=True, now=NOW + DAY, say=quiet)
    assert databases(connection) == before_failing
