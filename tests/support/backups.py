"""What tests of backups share."""

from pathlib import Path

from tickettape.database import Connection


def quiet(_: str) -> None:
    """Say nothing."""


def databases(connection: Connection) -> set[str]:
    return {str(name) for (name,) in connection.execute("select datname from pg_database").fetchall()}


def flip_a_byte(path: Path, *, at: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 0xFF
    path.write_bytes(content)
