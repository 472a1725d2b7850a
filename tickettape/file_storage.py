"""Files beside the database, in a folder or an object store (fsspec): written whole, or not at all.

A file is written under a temporary name, checked there if its writer asks for it, and renamed; what stands
under its own name is complete. What is in the files belongs to the modules that write them.
"""

import errno
import hashlib
import io
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import fsspec
import msgspec
from fsspec.implementations.local import LocalFileSystem

from tickettape.settings import Settings

PIECE_BYTES = (
    8 * 1024 * 1024
)  # read and written at once: bounds the memory of a file of any size; S3 takes no less than 5
FULL = (errno.ENOSPC, errno.EDQUOT)
T = TypeVar("T")

TEMPORARY = ".part-"  # in the name of a file under way; hidden from readers that take every *.parquet


_DEFAULTS: dict[str, dict[str, Any]] = {
    "s3": {
        # other processes write here too: what was listed a minute ago is no answer
        "use_listings_cache": False,
        "skip_instance_cache": True,
        "config_kwargs": {
            "connect_timeout": 10,
            "read_timeout": 60,
            "retries": {"mode": "standard", "max_attempts": 4},
        },
    }
}


class DamagedError(Exception):
    """A stored file is not what was written."""


class FullDiskError(OSError):
    """There is no room for a file."""


class StoredFile(msgspec.Struct, frozen=True):
    """A file as it was written: its path below the storage's root, its bytes and their sha256 in hex."""

    path: str
    bytes: int
    sha256: str


class Storage:
    """A place for files: `file:///…`, a plain folder, `s3://bucket/prefix`, or what else fsspec knows."""

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self.url = url
        asked = {**_DEFAULTS.get(url.partition("://")[0], {}), **(options or {})}
        self.fs, root = cast("tuple[Any, str]", fsspec.url_to_fs(url, **asked))
        if hasattr(self.fs, "retries"):
            self.fs.retries = 1  # s3fs would repeat five times what botocore has given up after its own attempts
        self.root = root.rstrip("/")

    def __str__(self) -> str:
        return self.url

    def path(self, name: str) -> str:
        """Where the file system keeps `name`."""
        return f"{self.root}/{name}"

    def write(
        self, name: str, fill: Callable[[BinaryIO], None], *, check: Callable[[str], None] | None = None
    ) -> StoredFile:
        """Write a file through `fill` under a temporary name, have it checked there by name, then rename it.

        Whatever fails removes the temporary file and leaves what stood under `name` as it was.
        """
        folder, _, leaf = name.rpartition("/")
        temporary = f"{folder}/{TEMPORARY}{uuid.uuid4().hex}-{leaf}".lstrip("/")
        try:
            self.fs.makedirs(self.path(folder), exist_ok=True)
            with self.fs.open(self.path(temporary), "wb", block_size=PIECE_BYTES) as file:
                hashed = _HashedFile(file)
                fill(cast(BinaryIO, hashed))
            written = StoredFile(name, hashed.size, hashed.sha256.hexdigest())
            self.verify(msgspec.structs.replace(written, path=temporary))
            if check is not None:
                check(temporary)
            self.fs.mv(self.path(temporary), self.path(name))
        except BaseException as error:
            if self.fs.exists(self.path(temporary)):
                self.fs.rm(self.path(temporary))
            if isinstance(error, OSError) and error.errno in FULL:
                raise FullDiskError(
                    f"The disk of {self.url} is full: {name} could not be written. Free some space there, or set "
                    "COLD_STORAGE_URL or BACKUP_URL to another place, and run it again. What is in the database stays "
                    "there."
                ) from error
            raise
        return written

    def verify(self, file: StoredFile) -> None:
        """Read a stored file back; DamagedError where it is missing or its bytes are others than were written."""
        sha256, size = hashlib.sha256(), 0
        try:
            with self.fs.open(self.path(file.path), "rb") as stored:
                while piece := stored.read(PIECE_BYTES):
                    sha256.update(piece)
                    size += len(piece)
        except FileNotFoundError as error:
            raise DamagedError(f"{file.path} is missing in {self.url}.") from error
        if (size, sha256.hexdigest()) != (file.bytes, file.sha256):
            raise DamagedError(
                f"{file.path} in {self.url} is damaged: it has {size} bytes with sha256 {sha256.hexdigest()[:12]}… "
                f"instead of {file.bytes} with {file.sha256[:12]}…. Replace it with a good copy, or remove its folder."
            )

    def write_json(self, name: str, value: msgspec.Struct) -> StoredFile:
        """Write a struct as JSON."""
        content = msgspec.json.format(msgspec.json.encode(value), indent=2)
        return self.write(name, lambda file: _write_all(file, content))

    def read_json(self, name: str, kind: type[T]) -> T | None:
        """Read a struct; None where the file does not exist. What cannot be read is damaged, not absent."""
        try:
            content = self.fs.cat_file(self.path(name))
        except FileNotFoundError:
            return None
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.MsgspecError as error:
            raise DamagedError(f"{name} in {self.url} cannot be read: {error}") from error

    def size(self, name: str) -> int | None:
        """The bytes of a file; None where it does not exist."""
        try:
            return int(self.fs.info(self.path(name))["size"])
        except FileNotFoundError:
            return None

    def names(self, pattern: str) -> list[str]:
        """The names of what matches a glob below the root, sorted."""
        found = self.fs.glob(self.path(pattern))
        return sorted(str(path)[len(self.root) :].lstrip("/") for path in map(self.fs._strip_protocol, found))

    def sizes(self) -> dict[str, int]:
        """The name and the bytes of every file."""
        if not self.fs.exists(self.root):
            return {}
        found = self.fs.find(self.root, detail=True)
        return {str(path)[len(self.root) :].lstrip("/"): int(one["size"]) for path, one in found.items()}

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it."""
        self.fs.rm(self.path(name), recursive=True)

    def local_path(self, name: str, scratch: Path) -> Path:
        """A path on this machine to a file's content: its own, or a copy in `scratch`."""
        if isinstance(self.fs, LocalFileSystem):
            return Path(self.path(name))
        copy = scratch / uuid.uuid4().hex
        self.fs.get_file(self.path(name), str(copy))
        return copy

    def fetch(self, file: StoredFile, scratch: Path) -> Path:
        """As local_path, with the very bytes compared that will be read: DamagedError where they are others."""
        try:
            path = self.local_path(file.path, scratch)
            with path.open("rb") as content:
                sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise DamagedError(f"{file.path} is missing in {self.url}.") from error
        if (path.stat().st_size, sha256) != (file.bytes, file.sha256):
            raise DamagedError(
                f"{file.path} in {self.url} is damaged: it has {path.stat().st_size} bytes with sha256 "
                f"{sha256[:12]}… instead of {file.bytes} with {file.sha256[:12]}…. Replace it with a good copy, or "
                "remove its folder."
            )
        return path

    def free_bytes(self) -> int | None:
        """Free space where the files go; None for an object store, which has no end to know of."""
        if not isinstance(self.fs, LocalFileSystem):
            return None
        self.fs.makedirs(self.root, exist_ok=True)
        return shutil.disk_usage(self.root).free


class _HashedFile(io.RawIOBase):
    """Pass writes on, counting and hashing them."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.size, self.sha256 = file, 0, hashlib.sha256()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self.file.write(view)
        self.sha256.update(view)
        self.size += len(view)
        return len(view)

    def close(self) -> None:
        """The file below is closed by who opened it: a writer that closes what it was given does no harm."""


def _write_all(file: BinaryIO, content: bytes) -> None:
    file.write(content)


def open_cold_storage(settings: Settings) -> Storage:
    """Where old months are kept, by the settings."""
    return Storage(settings.cold_storage, settings.fsspec_options)


def open_backup_storage(settings: Settings) -> Storage:
    """Where backups are kept, by the settings."""
    return Storage(settings.backups, settings.fsspec_options)
