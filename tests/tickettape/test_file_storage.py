"""Files are written whole or not at all, and read back only as they were written."""

from pathlib import Path
from typing import BinaryIO

import msgspec
import pytest

from tickettape.file_storage import DamagedError, FullDiskError, Storage


class Note(msgspec.Struct):
    """Something to store as JSON."""

    text: str


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path / "files"))


def put(storage: Storage, name: str, content: bytes) -> None:
    def fill(file: BinaryIO) -> None:
        file.write(content)

    storage.verify(storage.write(name, fill))


def test_a_file_that_fails_while_it_is_written_leaves_what_stood_there_and_nothing_beside_it(storage: Storage) -> None:
    put(storage, "2026/may", b"as it was")

    def breaks(file: BinaryIO) -> None:
        file.write(b"the first half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        storage.write("2026/may", breaks)
    assert Path(storage.path("2026/may")).read_bytes() == b"as it was"
    assert [path.name for path in Path(storage.path("2026")).iterdir()] == ["may"]


def test_a_file_that_its_check_refuses_never_gets_its_name(storage: Storage) -> None:
    seen: list[bytes] = []

    def refuse(name: str) -> None:
        seen.append(Path(storage.path(name)).read_bytes())
        raise DamagedError("not what was meant")

    with pytest.raises(DamagedError):
        storage.write("may", lambda file: _write(file, b"written"), check=refuse)
    assert seen == [b"written"]
    assert storage.size("may") is None
    assert storage.names("*") == []


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)


@pytest.mark.parametrize("harm", [b"as it wa", b"as it was!", b"as it Was"], ids=["cut", "longer", "another byte"])
def test_a_file_that_was_changed_is_damaged_and_a_missing_one_too(
    storage: Storage, tmp_path: Path, harm: bytes
) -> None:
    written = storage.write("may", lambda file: _write(file, b"as it was"))
    assert storage.fetch(written, tmp_path).read_bytes() == b"as it was"
    Path(storage.path("may")).write_bytes(harm)
    for read in (lambda: storage.verify(written), lambda: storage.fetch(written, tmp_path)):
        with pytest.raises(DamagedError, match="is damaged"):
            read()
    storage.remove("may")
    for read in (lambda: storage.verify(written), lambda: storage.fetch(written, tmp_path)):
        with pytest.raises(DamagedError, match="is missing"):
            read()


def test_json_that_cannot_be_read_is_damaged_and_not_absent(storage: Storage) -> None:
    assert storage.read_json("note", Note) is None
    storage.write_json("note", Note("hello"))
    assert storage.read_json("note", Note) == Note("hello")
    Path(storage.path("note")).write_bytes(b'{"text": ')
    with pytest.raises(DamagedError, match="cannot be read"):
        storage.read_json("note", Note)


def test_names_are_below_the_root_and_sizes_in_bytes(storage: Storage) -> None:
    for name in ("2026/june", "2026/may", "2025/may"):
        put(storage, name, b"12345")
    assert storage.names("2026/*") == ["2026/june", "2026/may"]
    assert storage.size("2025/may") == 5
    storage.remove("2026")
    assert storage.names("*/*") == ["2025/may"]
    assert (storage.free_bytes() or 0) > 0


def test_a_full_disk_is_told_with_the_place_and_what_to_do_and_leaves_nothing(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))

    def fill(file: BinaryIO) -> None:
        file.write(b"a beginning")
        with Path("/dev/full").open("wb", buffering=0) as full:  # the kernel's own ENOSPC
            full.write(b"more")

    with pytest.raises(FullDiskError, match=rf"^The disk of {tmp_path} is full: a/file could not.*Free some"):
        storage.write("a/file", fill)
    assert list((tmp_path / "a").iterdir()) == []
