"""A profile of the type `tickettape` reaches the warehouse, and nothing else."""

import pytest

from tickettape.rollups.dbt import URL_VARIABLE
from tickettape.rollups.dbt_profile import WarehouseCredentials


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
