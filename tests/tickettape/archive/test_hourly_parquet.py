"""A file of hours that is not what was written deletes nothing and comes back nowhere."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from tickettape.archive import (
    HourlyStorageError,
    bring_hours_back,
    hourly_months_present,
    move_hours_to_cold_storage,
)
from tickettape.database import Connection
from tickettape.file_storage import DamagedError, Storage, StoredFile

MAY = date(2026, 5, 1)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path / "cold"))


class TruncatingStorage(Storage):
    """A disk that loses the last byte of what it was given."""

    def verify(self, file: StoredFile) -> None:
        path = Path(self.path(file.path))
        path.write_bytes(path.read_bytes()[:-1])
        super().verify(file)


def test_a_file_that_reads_back_short_deletes_nothing_and_leaves_nothing(
    connection: Connection, tmp_path: Path, may: list[int]
) -> None:
    with pytest.raises(DamagedError, match="is damaged"):
        move_hours_to_cold_storage(connection, TruncatingStorage(str(tmp_path / "cold")), MAY)
    assert MAY in hourly_months_present(connection)
    assert not [path for path in (tmp_path / "cold").rglob("*") if path.is_file()]


def test_a_damaged_file_is_not_brought_back(connection: Connection, storage: Storage, may: list[int]) -> None:
    move_hours_to_cold_storage(connection, storage, MAY)
    for file in Path(storage.root).rglob("*.parquet"):
        shutil.copyfile(file, file.with_suffix(".bak"))
        file.write_bytes(file.read_bytes()[:-4] + b"gone")
    with pytest.raises(DamagedError):
        bring_hours_back(connection, storage, MAY, until=date(2026, 12, 24))
    assert MAY not in hourly_months_present(connection)
    with pytest.raises(HourlyStorageError, match="has no hours of 2026-04"):
        bring_hours_back(connection, storage, date(2026, 4, 1), until=date(2026, 12, 24))
