"""Logins that may only read: users of the database for notebooks, BI tools and other programs that speak SQL.

A login belongs to the reader's role, and so sees schema `api`. Which rows it sees is in access.readers, where it cannot
change it. Its role is the server's: a backup of the database does not hold it.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from tickettape.api_schema.apply import make_roles
from tickettape.api_schema.tenants import AccessError, tenant_id_of
from tickettape.database import Connection

NAME = re.compile("[a-z][a-z0-9_]{0,62}")
CONNECTIONS = 5  # of one login: BI tools keep some open
STATEMENT_SECONDS = 60.0  # longer than the API's limit: a person waits, and asks larger questions
PASSWORD_BYTES = 24


@dataclass(frozen=True)
class Reader:
    """A login, with what it sees. `connections` is None if the server does not have the login."""

    login: str
    sees_all: bool
    tenant: str | None
    connections: int | None
    connected: int
    created_at: datetime


def add_reader(
    connection: Connection,
    login: str,
    *,
    tenant: str | None = None,
    password: str | None = None,
    connections: int = CONNECTIONS,
    statement_seconds: float = STATEMENT_SECONDS,
) -> str:
    """Create a login that may only read. Without a tenant it sees every event. Returns its password.

    Raises AccessError if the name cannot be used or there is no such tenant, and UnavailableDatabaseError if the user
    of DATABASE_URL may not make roles.
    """
    if not NAME.fullmatch(login):
        raise AccessError(
            f"{login!r} cannot be a login: use up to 63 of a to z, 0 to 9 and _, and begin with a letter."
        )
    if connection.execute("select to_regnamespace('api')").fetchone() == (None,):
        raise AccessError("Schema api does not exist yet. Run a tick first (`make tick`).")
    password = password or secrets.token_urlsafe(PASSWORD_BYTES)
    # hashed here, so that the password is in no log of the server
    verifier = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
    made = sql.SQL(
        """create role {login} login password {verifier} connection limit {connections} in role tickettape_reader;
           alter role {login} set search_path = api;
           alter role {login} set timezone = 'UTC';
           alter role {login} set default_transaction_read_only = on;
           alter role {login} set statement_timeout = {statement_timeout};
           alter role {login} set idle_in_transaction_session_timeout = '10min'"""
    ).format(
        login=sql.Identifier(login),
        verifier=sql.Literal(verifier),
        connections=sql.Literal(connections),
        statement_timeout=sql.Literal(f"{statement_seconds:g}s"),
    )
    try:
        with make_roles(connection), connection.transaction():
            connection.execute(made)
            connection.execute(
                """insert into access.readers (login, sees_all, tenant_id) values (%(login)s, %(sees_all)s, %(tenant)s)
                   on conflict (login) do update set sees_all = excluded.sees_all, tenant_id = excluded.tenant_id,
                       created_at = excluded.created_at""",
                {
                    "login": login,
                    "sees_all": tenant is None,
                    "tenant": tenant_id_of(connection, tenant) if tenant else None,
                },
            )
    except psycopg.errors.DuplicateObject:
        raise AccessError(f"The server already has a user {login}. Choose another name.") from None
    return password


def list_readers(connection: Connection) -> list[Reader]:
    """All logins by name, also those that this server does not have, such as after a restore on another server."""
    with connection.cursor(row_factory=class_row(Reader)) as cursor:
        return cursor.execute(
            """select login, readers.sees_all, tenants.name as tenant, rolconnlimit as connections,
                   (select count(*) from pg_stat_activity where usename = login) as connected, readers.created_at
               from access.readers
               left join access.tenants on tenants.tenant_id = readers.tenant_id
               left join pg_roles on rolname = login
               order by login"""
        ).fetchall()


def remove_reader(connection: Connection, login: str) -> None:
    """Remove a login and end its connections. Raises AccessError if it was not made by `add_reader`."""
    if login not in {reader.login for reader in list_readers(connection)}:
        raise AccessError(f"{login} is not a login of `tickettape readers add`. `tickettape readers list` shows them.")
    name = sql.Identifier(login)
    with make_roles(connection), connection.transaction():
        if connection.execute("select to_regrole(%s)", [login]).fetchone() != (None,):
            # its connections may be ended, and what it owns be dropped, only by a member
            connection.execute(sql.SQL("alter role {} nologin; grant {} to current_user").format(name, name))
            connection.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = %s", [login]
            )
            connection.execute(sql.SQL("drop owned by {}; drop role {}").format(name, name))
        connection.execute("delete from access.readers where login = %s", [login])


def connection_string(connection: Connection, login: str, password: str | None = None) -> str:
    """The URL with which a login reaches this database, with its password if one is given.

    Raises AccessError if the server has no TCP port, as the embedded server without EMBEDDED_PORT.
    """
    info = connection.info
    host, port = info.host, info.port
    if host.startswith("/"):
        row = connection.execute("select split_part(current_setting('listen_addresses'), ',', 1)").fetchone()
        host = str(row[0]) if row else ""
        if not host:
            raise AccessError(
                "The embedded server has no TCP port, so no login can reach it. Set EMBEDDED_PORT=5433 (or another "
                "port), stop everything that uses it (make dev, make serve), and start again."
            )
        host = "127.0.0.1" if host in ("*", "0.0.0.0", "localhost") else host  # noqa: S104  compared, not bound
    mode = info.get_parameters().get("sslmode")
    user = login + (f":{quote(password, safe='')}" if password else "")
    return f"postgresql://{user}@{host}:{port}/{quote(info.dbname)}{f'?sslmode={mode}' if mode else ''}"
