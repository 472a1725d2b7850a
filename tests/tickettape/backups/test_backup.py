"""Backups are whole, proved, few enough, and made one at a time."""

import os
import stat
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.support.backups import databases, flip_a_byte, quiet
from tests.support.markets import TEN, Section, observe
from tickettape.backups import (
    Backup,
    BackupError,
    all_backups,
    expire_backups,
    make_backup,
    prove_backup,
    read_proof,
)
from tickettape.backups import backup as backups
from tickettape.backups.backup import (
    STAMP_FORMAT,
    PgDump,
    TableFigures,
    backups_to_keep,
    table_figures,
)
from tickettape.database import Connection, Warehouse, postgres_tool
from tickettape.file_storage import DamagedError, Storage, StoredFile

NOW = datetime(2026, 11, 21, 3, 33, tzinfo=UTC)
NOVEMBER, OCTOBER = datetime(2026, 11, 20, 12, tzinfo=UTC), datetime(2026, 10, 31, 23, 50, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_month_is_dumped_once_and_again_only_when_it_changed(
    connection: Connection, database_url: str, storage: Storage, market: int
) -> None:
    first, second = (make_backup(database_url, storage, now=NOW + n * DAY, say=quiet) for n in (0, 1))
    assert second.months == first.months
    connection.execute("update market.section_snapshots set lowest_price_cents = 998 where tick = %s", [OCTOBER])
    third = make_backup(database_url, storage, now=NOW + 2 * DAY, say=quiet)
    assert [month.stamp for month in third.months] == [third.stamp]
    Path(storage.path(third.months[0].file.path)).unlink()
    fourth = make_backup(database_url, storage, now=NOW + 3 * DAY, say=quiet)
    assert [month.stamp for month in fourth.months] == [fourth.stamp]
    assert prove_backup(database_url, storage, fourth, say=quiet).rows > 0


@pytest.mark.parametrize("which", ["base", "month"])
def test_a_changed_byte_is_found_by_the_proof(
    connection: Connection, database_url: str, storage: Storage, market: int, which: str
) -> None:
    backup = make_backup(database_url, storage, now=NOW, say=quiet)
    flip_a_byte(Path(storage.path((backup.base if which == "base" else backup.months[0].file).path)), at=0.7)
    before = databases(connection)
    with pytest.raises(DamagedError, match="is damaged"):
        prove_backup(database_url, storage, backup, say=quiet)
    assert read_proof(storage, backup.stamp) is None
    assert databases(connection) == before


def fill(content: bytes, file: BinaryIO) -> None:
    file.write(content)


def test_a_dump_that_was_bad_from_the_start_is_found_by_the_proof(
    connection: Connection, database_url: str, storage: Storage, market: int
) -> None:
    backup = make_backup(database_url, storage, now=NOW, say=quiet)
    path = Path(storage.path(backup.base.path))
    whole, before = path.read_bytes(), databases(connection)
    half = storage.write(backup.base.path, partial(fill, whole[: len(whole) // 2]))
    with pytest.raises(BackupError, match="cannot be restored"):
        prove_backup(database_url, storage, msgspec.structs.replace(backup, base=half), say=quiet)

    storage.write(backup.base.path, partial(fill, whole))
    other = TableFigures(backup.tables["market.events"].rows, "1")
    wrong = msgspec.structs.replace(backup, tables=backup.tables | {"market.events": other})
    with pytest.raises(BackupError, match=r"market\.events: 1 rows, not 1 .*values differ"):
        prove_backup(database_url, storage, wrong, say=quiet)
    assert databases(connection) == before
    assert prove_backup(database_url, storage, backup, say=quiet).tables == len(backup.all_tables)


def make_while_a_writer_commits(
    connection: Connection, event: int, database_url: str, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> Backup:
    """A backup during which rows are stored after the tables were counted and before they are dumped."""
    count = table_figures

    def count_then_write(counting: Connection, names: list[str]) -> dict[str, TableFigures]:
        found = count(counting, names)
        tick = NOVEMBER + 3 * TEN if "market.events" in names else OCTOBER - TEN
        observe(connection, event, tick, Section("A", "101"))
        return found

    with monkeypatch.context() as during:
        during.setattr(backups, "table_figures", count_then_write)
        return make_backup(database_url, storage, now=NOW, say=quiet)


@pytest.mark.race
def test_rows_stored_while_a_backup_is_made_are_wholly_in_or_out(
    connection: Connection, database_url: str, storage: Storage, market: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = make_while_a_writer_commits(connection, market, database_url, storage, monkeypatch)
    prove_backup(database_url, storage, backup, say=quiet)


def test_control_without_the_shared_snapshot_the_proof_fails(
    connection: Connection, database_url: str, storage: Storage, market: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = PgDump.__init__

    def forget_the_snapshot(self: PgDump, url: str, snapshot: str, server_version: int) -> None:
        prepare(self, url, snapshot, server_version)
        self.command = [word for word in self.command if not word.startswith("--snapshot")]

    monkeypatch.setattr(PgDump, "__init__", forget_the_snapshot)
    backup = make_while_a_writer_commits(connection, market, database_url, storage, monkeypatch)
    with pytest.raises(BackupError, match="differs from what was dumped"):
        prove_backup(database_url, storage, backup, say=quiet)


class FullStorage(Storage):
    """A disk without room."""

    def free_bytes(self) -> int | None:
        return 1000


class FailingStorage(Storage):
    """A disk that fails at a file's end."""

    def verify(self, file: StoredFile) -> None:
        raise OSError("No space left on device")


def test_without_room_nothing_is_written_and_a_failing_disk_leaves_no_backup(
    connection: Connection, database_url: str, tmp_path: Path, market: int
) -> None:
    with pytest.raises(BackupError, match="Nothing was written"):
        make_backup(database_url, FullStorage(str(tmp_path / "full")), now=NOW, say=quiet)
    assert not (tmp_path / "full").exists()
    with pytest.raises(OSError, match="No space left"):
        make_backup(database_url, FailingStorage(str(tmp_path / "failing")), now=NOW, say=quiet)
    assert not [path for path in (tmp_path / "failing").rglob("*") if path.is_file()]
    assert all_backups(Storage(str(tmp_path / "failing"))) == []


@pytest.mark.race
def test_one_backup_at_a_time(
    database_url: str, warehouse: Warehouse, storage: Storage, market: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, told = table_figures, []

    def count_while_another_begins(connection: Connection, names: list[str]) -> dict[str, TableFigures]:
        with pytest.raises(BackupError, match="is running") as refused:
            make_backup(database_url, storage, now=NOW, say=quiet)
        told.append(refused)
        return count(connection, names)

    monkeypatch.setattr(backups, "table_figures", count_while_another_begins)
    make_backup(database_url, storage, now=NOW, say=quiet)
    assert told


def test_the_password_is_on_no_command_line(
    connection: Connection,
    database_url: str,
    storage: Storage,
    market: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = Path(postgres_tool("pg_dump", server_version=connection.info.server_version)).parent
    said = tmp_path / "said"
    for name in ("pg_dump", "pg_restore"):
        spy = tmp_path / name
        spy.write_text(f'#!/bin/sh\necho "$0 $*, password $PGPASSWORD" >> {said}\nexec {real / name} "$@"\n')
        spy.chmod(spy.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    parts = urlsplit(database_url)
    with_password = parts._replace(netloc="postgres:hush%2Fhush@").geturl()
    backup = make_backup(with_password, storage, now=NOW, say=quiet)
    prove_backup(with_password, storage, backup, say=quiet)
    calls = [line.rpartition(", password ") for line in said.read_text().splitlines() if "--version" not in line]
    assert len(calls) == 6  # two dumps, four steps of the restore
    for command, _, password in calls:
        assert password == "hush/hush"
        assert "hush" not in command


def stamps(*days_ago: int) -> list[str]:
    return [(NOW - days * DAY).strftime(STAMP_FORMAT) for days in days_ago]


@pytest.mark.parametrize(
    ("there", "daily", "weekly", "kept"),
    [
        ([0, 1, 2, 3], 2, 0, [0, 1]),
        ([0, 9, 20], 3, 0, [0, 9, 20]),  # days without a backup do not count
        ([0, 1, 5, 6, 7, 12, 13, 19, 20, 30], 1, 3, [0, 6, 13]),  # NOW is a Saturday; the newest of each ISO week
        ([], 7, 4, []),
    ],
)
def test_so_many_days_and_so_many_weeks_are_kept(there: list[int], daily: int, weekly: int, kept: list[int]) -> None:
    assert backups_to_keep(stamps(*there), daily=daily, weekly=weekly) == set(stamps(*kept))


def test_of_two_backups_a_day_the_newer_is_kept() -> None:
    assert backups_to_keep(["20261121T010000Z", "20261121T020000Z"], daily=7, weekly=4) == {"20261121T020000Z"}


def test_what_goes_is_neither_the_newest_proved_nor_a_month_that_is_needed(
    connection: Connection, database_url: str, storage: Storage, market: int
) -> None:
    made = [make_backup(database_url, storage, now=NOW, say=quiet)]
    prove_backup(database_url, storage, made[0], say=quiet)
    connection.execute("update market.section_snapshots set total_tickets = 5 where tick = %s", [OCTOBER])
    made += [make_backup(database_url, storage, now=NOW + n * DAY, say=quiet) for n in (1, 2, 3)]
    storage.write("backups/20261101T000000Z/base.dump", lambda file: None)  # of a backup that died long ago
    removed = expire_backups(storage, daily=1, weekly=0, now=NOW + 3 * DAY)
    assert sorted(removed) == sorted(
        ["backups/20261101T000000Z", f"backups/{made[1].stamp}", f"backups/{made[2].stamp}"]
    )
    # two months' dumps: one that the proved backup needs, one that the newest needs though an older one made it
    assert storage.names("months/*/*") == [f"months/2026-10/{made[n].stamp}" for n in (0, 1)]
    for backup in all_backups(storage):
        prove_backup(database_url, storage, backup, say=quiet)
    assert expire_backups(storage, daily=1, weekly=0, now=NOW + 3 * DAY) == [
        f"backups/{made[0].stamp}",
        f"months/2026-10/{made[0].stamp}",
    ]
