"""A4: kill -9 of a real process at every step of the archive and of the restore; the next run goes on."""

from pathlib import Path

import psycopg

from tests.support.databases import fresh_database
from tests.support.killed import kill, kills_itself_at
from tests.support.old_months import FACTS, JULY, cold, copies, differences, fill, run_archive, run_restore, state
from tickettape.archive import parquet_files
from tickettape.archive.month_restore import restore_month
from tickettape.database import Connection

ARCHIVE_POINTS = [
    "closed: begins",
    "closed: done",
    "refreshed: done",
    "exported: captures part 0, 8 rows",
    "exported: captures part 0 is stored",
    "exported: section_snapshots part 1, 8 rows",
    "exported: section_snapshots part 1 is stored",
    "exported: done",
    "exported: events part 0 is stored",
    "verified: captures is equal",
    "verified: sections is equal",
    "verified: the manifest is written",
    "verified: done",
    "detached: begins",
    "detached: done",
    "dropped: begins",
    "dropped: done",
]
RESTORE_POINTS = ["dimensions", "captures: 15 rows", "section_snapshots: 16 rows", "verified: captures", "attached"]


def archive_until(url: str, folder: Path, point: str) -> None:
    parquet_files.ROW_GROUP, parquet_files.PART_ROWS = 8, 16
    with psycopg.connect(url, autocommit=True) as connection:
        run_archive(connection, cold(folder), JULY, say=kills_itself_at(point))


def restore_until(url: str, folder: Path, point: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        restore_month(connection, cold(folder), JULY, until=None, say=kills_itself_at(point))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a4_killed_at_each_step_the_archive_ends_in_the_same_files_and_a_killed_restore_in_the_same_rows(
    database_url: str, connection: Connection, server_url: str, template: str, tmp_path: Path
) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    fill(connection, JULY)
    copies(connection, *(f"market.{table}" for table in FACTS))
    with fresh_database(server_url, template) as url, psycopg.connect(url, autocommit=True) as twin:
        fill(twin, JULY)
        for table in ("events", "captures", "zones"):  # what a clock or chance made
            rows = connection.execute(f"select * from market.{table}")
            names = [column.name for column in rows.description or [] if column.name in CHANCE.get(table, ())]
            for row in connection.execute(f"select {', '.join([*KEYS[table], *names])} from market.{table}"):
                key, values = row[: len(KEYS[table])], row[len(KEYS[table]) :]
                twin.execute(
                    f"update market.{table} set {', '.join(f'{name} = %s' for name in names)} "
                    f"where {' and '.join(f'{name} = %s' for name in KEYS[table])}",
                    [*values, *key],
                )
        sizes = parquet_files.ROW_GROUP, parquet_files.PART_ROWS
        parquet_files.ROW_GROUP, parquet_files.PART_ROWS = 8, 16
        try:
            run_archive(twin, cold(undisturbed), JULY)
        finally:
            parquet_files.ROW_GROUP, parquet_files.PART_ROWS = sizes

    for point in ARCHIVE_POINTS:
        kill(connection, archive_until, database_url, killed, point)
    run_archive(connection, cold(killed), JULY)
    assert state(connection, JULY) == ("archived", "dropped")
    assert files(killed) == files(undisturbed)

    for point in RESTORE_POINTS:
        kill(connection, restore_until, database_url, killed, point)
        for table in FACTS:
            here = connection.execute(f"select count(*) from market.{table}").fetchone()
            assert here in ((0,), (15,), (28,))  # never a part
    run_restore(connection, cold(killed), JULY)
    for table in FACTS:
        assert differences(connection, f"market.{table}") == []


KEYS = {"events": ("event_key",), "captures": ("event_key", "tick"), "zones": ("event_key", "zone_key")}
CHANCE = {
    "events": ("id", "created_at", "updated_at", "last_scraped"),
    "zones": ("first_seen_at",),
    "captures": ("note",),
}
