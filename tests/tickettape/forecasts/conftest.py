"""Every test here has a database with dbt's tables and views, empty."""

import psycopg
import pytest

from tests.support.databases import fresh_database, use_database
from tests.support.dbt_runs import run_dbt


@pytest.fixture(scope="session")
def template(server_url: str, template: str) -> str:
    """The name of a database with dbt's tables and views, to copy."""
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        use_database(patch, url)
        run_dbt("run", "--select", "+tag:rollup", "+get_in_days", "+zone_days", "+estimated_sales")
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(
                f"create database template_forecasts template {psycopg.conninfo.conninfo_to_dict(url)['dbname']}"
            )
    return "template_forecasts"
