"""Tenants and their keys."""

import dagster as dg
import httpx

from orchestration.assets.events import events
from tests.support.markets import watching
from tests.support.served_market import LEFT, serving
from tickettape.api_schema import (
    create_demo_key,
    create_key,
    list_keys,
)
from tickettape.api_schema.tenants import key_sha256
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.settings import Settings


def test_only_the_keys_hash_is_stored(connection: Connection) -> None:
    key = create_key(connection, LEFT, label="a program")
    (row,) = connection.execute("select to_jsonb(api_keys)::text from access.api_keys").fetchone() or ("",)
    assert key not in row
    assert key_sha256(key).hex() in row
    (known,) = list_keys(connection)
    assert (known.prefix, known.label, known.last_used_at) == (key[:11], "a program", None)


def test_the_demonstration_has_one_valid_key_and_none_once_a_real_marketplace_is_watched(
    connection: Connection, warehouse: Warehouse, database_url: str
) -> None:
    others, first, second = create_key(connection, LEFT), create_demo_key(connection), create_demo_key(connection)
    simulated = SimulatedMarketplace(seed=7, events=2)
    real = Settings(marketplace_url="http://127.0.0.1:9", marketplace_source="a_real_one")
    with serving(database_url) as url:

        def statuses() -> list[int]:
            return [
                httpx.get(f"{url}/api/events", headers={"x-api-key": key}).status_code
                for key in (others, first, second)
            ]

        assert statuses() == [200, 401, 200]
        for settings, expected in ((Settings(), [200, 401, 200]), (real, [200, 401, 401])):
            resources = {"warehouse": warehouse, "marketplaces": watching(simulated, settings=settings)}
            assert dg.materialize([events], resources=resources).success
            assert statuses() == expected
