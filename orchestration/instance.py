"""Dagster's own storage: the warehouse's Postgres, in a schema of its own.

Named by dagster.yaml, so that plain `dagster dev` starts the embedded server when DATABASE_URL is unset and
finds its history again at the next start.
"""

from typing import Any

import dagster as dg
import psycopg
from dagster._serdes import ConfigurableClassData  # what the custom storage of dagster.yaml is handed
from dagster_postgres import DagsterPostgresStorage

from tickettape.database import database_url, sqlalchemy_url
from tickettape.settings import ROOT

SCHEMA = "dagster"


class PostgresStorage(DagsterPostgresStorage):
    """dagster-postgres on the database that the warehouse uses."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """No settings here: DATABASE_URL decides."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "PostgresStorage":
        """Start or join the server, make the schema, open the storage, which makes its tables where there are none."""
        url = database_url()
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            # several processes start at once: `if not exists` alone can collide, and so can Dagster's tables
            connection.execute("select pg_advisory_lock(7153908)")
            connection.execute(f"create schema if not exists {SCHEMA}")
            return cls(postgres_url=sqlalchemy_url(url, driver="psycopg2", search_path=SCHEMA), inst_data=inst_data)


def open_instance() -> dg.DagsterInstance:
    """The instance that `dagster dev` uses in this folder, for work without a UI."""
    return dg.DagsterInstance.from_config(str(ROOT))
