"""Tenants and their keys."""

from tests.support.served_market import LEFT
from tickettape.api_schema import (
    create_key,
    list_keys,
)
from tickettape.api_schema.tenants import key_sha256
from tickettape.database import Connection


def test_only_the_keys_hash_is_stored(connection: Connection) -> None:
    key = create_key(connection, LEFT, label="a program")
    (row,) = connection.execute("select to_jsonb(api_keys)::text from access.api_keys").fetchone() or ("",)
    assert key not in row
    assert key_sha256(key).hex() in row
    (known,) = list_keys(connection)
    assert (known.prefix, known.label, known.last_used_at) == (key[:11], "a program", None)
