"""Tables that all programs on a database share, whichever schema their Dagster uses."""

from typing import Any

import psycopg

SHARED_SCHEMA = "dagster"
_LOCK = 7_153_910  # `if not exists` alone fails if two programs create at the same time


def make_shared_table(connection: "psycopg.Connection[Any]", name: str, columns: str) -> str:
    """Make the table, and its schema, if it does not exist yet. Returns its full name."""
    if not has_shared_table(connection, name):
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
            connection.execute(f"create schema if not exists {SHARED_SCHEMA}")
            connection.execute(f"create table if not exists {shared_table(name)} ({columns})")
    return shared_table(name)


def has_shared_table(connection: "psycopg.Connection[Any]", name: str) -> bool:
    """Whether some program has made the table."""
    row = connection.execute("select to_regclass(%s) is not null", [shared_table(name)]).fetchone()
    return bool(row and row[0])


def shared_table(name: str) -> str:
    """The table's full name."""
    return f"{SHARED_SCHEMA}.{name}"
