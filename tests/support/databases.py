"""Databases of a test's own: copies of a migrated template, which the program uses as if they were DATABASE_URL's."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psycopg
import pytest
from pydantic import SecretStr

from tickettape.database import server, with_database
from tickettape.settings import Settings


@contextmanager
def fresh_database(server_url: str, template: str) -> Iterator[str]:
    """A copy of the template for the block; its URL.

    Its name is the first that is free. One test after the other has the same, because the program keeps by URL what
    it has parsed for dbt (three seconds), and that the database is migrated.
    """
    with psycopg.connect(server_url, autocommit=True) as connection:
        taken = {name for (name,) in connection.execute("select datname from pg_database").fetchall()}
        name = next(name for number in count(1) if (name := f"test_{number}") not in taken)
        connection.execute(f"create database {name} template {template}")
        # a database's own settings are not copied with it
        connection.execute(f'alter database {name} set search_path = "$user", public, analytics')
        try:
            yield with_database(server_url, name)
        finally:
            connection.execute(f"drop database {name} with (force)")


def use_database(patch: pytest.MonkeyPatch, url: str) -> None:
    """Every connection of this process goes to `url` until the patch is undone."""
    patch.setattr(server, "settings", lambda: Settings(database_url=SecretStr(url)))
