"""How much room the database's disk has, where this machine can know it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tickettape.database.connections import Connection


@dataclass(frozen=True)
class Disk:
    """Bytes of the disk that the database is on."""

    total: int
    free: int


def database_disk(connection: Connection, *, stated_bytes: int | None = None) -> Disk | None:
    """The database's disk: the one its data directory is on, when the server is on this machine.

    For a server elsewhere, `stated_bytes` says how large its disk is, and all its databases count as used;
    None where neither is known.
    """
    if is_this_machine(connection.info.host):
        row = connection.execute("select setting from pg_settings where name = 'data_directory'").fetchone()
        # a server in a container may be at localhost, with a folder that this machine does not have
        if row and row[0] and Path(str(row[0])).is_dir():
            usage = shutil.disk_usage(str(row[0]))
            return Disk(usage.total, usage.free)
    if stated_bytes is None:
        return None
    row = connection.execute("select sum(pg_database_size(oid))::bigint from pg_database where datallowconn").fetchone()
    return Disk(stated_bytes, max(0, stated_bytes - int(row[0] if row else 0)))


def is_this_machine(host: str) -> bool:
    """Whether a connection's host is this machine: a socket's folder, or loopback."""
    return host.startswith("/") or host in ("", "localhost", "127.0.0.1", "::1")
