"""What the commands share that decide who may read: tenants, keys, readers."""

from collections.abc import Iterator
from contextlib import contextmanager

from tickettape.api_schema import AccessError
from tickettape.cli.console import failing_on
from tickettape.database import Connection, Warehouse


@contextmanager
def access_connection() -> Iterator[Connection]:
    """A connection to the database. An AccessError ends the command with its message."""
    with failing_on(AccessError), Warehouse().connection() as connection:
        yield connection
