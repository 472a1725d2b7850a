"""A profile of the type `tickettape` reaches the warehouse, and nothing else."""

import psycopg
import pytest
from psycopg.pq import Conninfo

from tickettape.database import KEEPALIVES
from tickettape.rollups import export_dbt_environment
from tickettape.rollups.dbt import URL_VARIABLE
from tickettape.rollups.dbt_profile import WarehouseCredentials
from tickettape.settings import Settings


@pytest.fixture(autouse=True)
def _url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, "postgresql://me:secret@db.example:6543/market?sslmode=require")


def test_the_credentials_are_those_of_the_warehouse() -> None:
    known = WarehouseCredentials.from_dict({"schema": "sandbox", "threads": 1})
    assert (known.host, known.port, known.user, known.password) == ("db.example", 6543, "me", "secret")
    assert (known.database, known.schema, known.sslmode) == ("market", "sandbox", "require")


@pytest.mark.parametrize("name", ["host", "port", "user", "password", "pass", "database", "dbname"])
def test_an_address_in_a_profile_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} cannot be set .* Set DATABASE_URL instead"):
        WarehouseCredentials.from_dict({"schema": "sandbox", name: "elsewhere"})


def test_the_project_is_parsed_again_for_another_database_and_not_for_another_way_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """dbt keeps what it parsed as long as these keys, of which it stores a hash, are the same."""

    def keys(url: str, schema: str = "analytics") -> dict[str, object]:
        monkeypatch.setenv(URL_VARIABLE, url)
        return dict(WarehouseCredentials.from_dict({"schema": schema}).connection_info())

    parsed = keys("postgresql://me:secret@db.example:6543/market?sslmode=require")
    assert keys("postgresql://127.0.0.1/market") == parsed
    assert keys("postgresql://127.0.0.1/other") != parsed
    assert keys("postgresql://127.0.0.1/market", "sandbox") != parsed


def test_dbts_connections_have_the_programs_time_outs_and_keepalives(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGSERVICEFILE", "PGSERVICE", "PGOPTIONS", "DBT_ENV_SECRET_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with psycopg.connect(database_url) as connection:
        assert shown(connection, "statement_timeout") == "0"  # control
    export_dbt_environment(Settings())
    given = {one.keyword.decode(): one.val for one in Conninfo.get_defaults()}
    assert {name: int(given[name] or 0) for name in KEEPALIVES} == KEEPALIVES
    with psycopg.connect(database_url) as connection:
        assert (shown(connection, "statement_timeout"), shown(connection, "lock_timeout")) == ("6h", "10min")


def shown(connection: "psycopg.Connection[tuple[object, ...]]", setting: str) -> object:
    return (connection.execute("select current_setting(%s)", [setting]).fetchone() or (None,))[0]
