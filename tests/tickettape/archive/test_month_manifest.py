"""A month has one manifest, whoever writes it."""

import hashlib
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from tests.support.old_months import (
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
from tickettape.archive import RestoreError, release_month
from tickettape.archive.month_archive import drop_month
from tickettape.archive.month_manifest import RENAMED, ArchivedTable, MonthManifest, month_manifest_name
from tickettape.database import Connection
from tickettape.file_storage import Storage, StoredFile

OLD = {new: old for old, new in RENAMED.items()}


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


def write_with_old_names(storage: Storage, root: Path) -> str:
    """Rewrite a month's files and manifest as the program wrote them before schema 0013; the manifest's SHA-256."""
    manifest = storage.read_json(month_manifest_name(JULY), MonthManifest)
    assert manifest is not None
    tables = {}
    for name, table in manifest.tables.items():
        old_name, files = OLD.get(name, name), []
        for file in table.files:
            rows = pq.read_table(root / file.path, partitioning=None)
            (root / file.path).unlink()
            path = root / file.path.replace(name, old_name, 1)
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(rows.rename_columns([OLD.get(column, column) for column in rows.column_names]), path)
            content = path.read_bytes()
            files.append(StoredFile(str(path.relative_to(root)), len(content), hashlib.sha256(content).hexdigest()))
        content_then = msgspec.structs.replace(
            table.content,
            nulls={OLD.get(column, column): count for column, count in table.content.nulls.items()},
            sums={OLD.get(column, column): total for column, total in table.content.sums.items()},
        )
        columns = {OLD.get(column, column): kind for column, kind in table.columns.items()}
        tables[old_name] = ArchivedTable(columns, content_then, files)
    return storage.write_json(month_manifest_name(JULY), MonthManifest(manifest.month, "0012", tables)).sha256


@pytest.fixture
def archived(connection: Connection, tmp_path: Path) -> Storage:
    """July in cold storage under the old names, and its rows remembered."""
    storage = cold(tmp_path)
    fill(connection, JULY)
    copies(connection, *(f"market.{table}" for table in FACTS), "market.offer_terms")
    run_archive(connection, storage, JULY)
    write_with_old_names(storage, tmp_path / "cold")
    assert (tmp_path / "cold" / "lots").is_dir()
    return storage


def test_it_comes_back_equal(connection: Connection, archived: Storage) -> None:
    run_restore(connection, archived, JULY)
    for table in FACTS:
        assert differences(connection, f"market.{table}") == []


def test_it_brings_its_offer_terms_along(connection: Connection, archived: Storage) -> None:
    connection.execute("delete from market.offer_terms")
    run_restore(connection, archived, JULY)
    assert differences(connection, "market.offer_terms") == []


def test_a_month_detached_before_the_upgrade_is_dropped_after_it(connection: Connection, tmp_path: Path) -> None:
    storage = cold(tmp_path)
    fill(connection, JULY)
    run_archive(connection, storage, JULY, keep=3)
    assert state(connection, JULY) == ("archived", "detached")
    sha256 = write_with_old_names(storage, tmp_path / "cold")
    connection.execute("update market.archives set manifest_sha256 = %s", [sha256])
    drop_month(connection, storage, JULY)
    assert state(connection, JULY) == ("archived", "dropped")


def test_control_a_name_that_is_not_known_stops_the_restore(
    connection: Connection, archived: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(RENAMED, "lot_keys")
    with pytest.raises(RestoreError, match="lot_keys"):
        run_restore(connection, archived, JULY)
