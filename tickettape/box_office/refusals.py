"""What the box office refuses, as one exception. The sentence and the word for programs come from the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg

from tickettape.database import Connection


class RefusedError(Exception):
    """The box office says no. `kind` is sold_out, taken, not_on_sale, limit, expired, state, key, unknown, …"""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the refusals of the functions of schema box_office into RefusedError; other errors pass."""
    try:
        yield
    except psycopg.errors.LockNotAvailable as error:
        raise RefusedError("taken", "Another buyer is taking one of these seats.") from error
    except psycopg.Error as error:
        if not (error.sqlstate or "").startswith("PT"):
            raise
        raise RefusedError(error.diag.message_detail or "state", error.diag.message_primary or str(error)) from error


def call(connection: Connection, query: LiteralString, *values: Any) -> Any:
    """The one value that a function of schema box_office returns. Raises RefusedError."""
    with refusals():
        row = connection.execute(query, values).fetchone()
    return row[0] if row else None
