"""Databases of a test's own: copies of a migrated template, which the program uses as if they were DATABASE_URL's."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psycopg
import pytest
from pydantic import SecretStr

from tickettape.database import server, with_database
from tickettape.database.server import EMBEDDED_DATABASE
from tickettape.settings import Settings


def _names() -> Iterator[str]:
    yield EMBEDDED_DATABASE
    yield from (f"test_{number}" for number in count(1))


@contextmanager
def fresh_database(server_url: str, template: str) -> Iterator[str]:
    """A copy of the template for the block; its URL.

    Its name is the first that is free, and first of all that of the embedded server's own database. One test after the
    other has the same, because dbt's project is parsed for a name, which takes three seconds.
    """
    with psycopg.connect(server_url, autocommit=True) as connection:
        taken = {name for (name,) in connection.execute("select datname from pg_database").fetchall()}
        name = next(name for name in _names() if name not in taken)
        # copying files takes half as long as copying pages through the write-ahead log
        connection.execute(f"create database {name} template {template} strategy file_copy")
        # a database's own settings are not copied with it
        connection.execute(f'alter database {name} set search_path = "$user", public, analytics')
        try:
            yield with_database(server_url, name)
        finally:
            connection.execute(f"drop database {name} with (force)")


def use_database(patch: pytest.MonkeyPatch, url: str) -> None:
    """Every connection of this process goes to `url` until the patch is undone."""
    patch.setattr(server, "settings", lambda: Settings(database_url=SecretStr(url)))
