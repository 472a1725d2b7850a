"""The profile type `tickettape` of profiles.yml: dbt's Postgres adapter, on the project's own database.

So plain `dbt` works without environment variables, and no default of a profile can lead to somebody else's server.
"""

import os
from dataclasses import dataclass
from typing import Any

from dbt.adapters.base.plugin import AdapterPlugin
from dbt.adapters.postgres.connections import PostgresCredentials
from dbt.adapters.postgres.impl import PostgresAdapter
from dbt.include import postgres
from psycopg.conninfo import conninfo_to_dict

from tickettape.rollups.dbt import URL_VARIABLE, export_dbt_environment
from tickettape.settings import settings


@dataclass
class WarehouseCredentials(PostgresCredentials):
    """The credentials of the warehouse. A profile that sets any of them is refused."""

    database: str = ""
    schema: str = "analytics"
    host: str = ""
    user: str = ""
    port: int = 5432  # type: ignore[assignment]
    password: str = ""

    @classmethod
    def __pre_deserialize__(cls, data: dict[Any, Any]) -> dict[Any, Any]:
        named = {"host", "port", "user", "password", "pass", "database", "dbname"} & data.keys()
        if named:
            raise ValueError(
                f"profiles.yml: {', '.join(sorted(named))} cannot be set where the type is `tickettape`. "
                "Set DATABASE_URL instead, or use the type `postgres`."
            )
        if URL_VARIABLE not in os.environ:
            export_dbt_environment(settings())
        url = conninfo_to_dict(os.environ[URL_VARIABLE])
        filled: dict[Any, Any] = super().__pre_deserialize__(  # type: ignore[no-untyped-call]
            {
                **data,
                "host": str(url.get("host", "")),
                "port": int(url.get("port") or 5432),
                "user": str(url.get("user", "postgres")),
                "password": str(url.get("password", "")),
                "dbname": str(url.get("dbname", "postgres")),
                "sslmode": str(url.get("sslmode", "prefer")),
            }
        )
        return filled

    def _connection_keys(self) -> tuple[str, ...]:
        # If one of these changes, dbt parses the project again, for three seconds. Of where the server is and how to
        # reach it, a parsed model holds nothing.
        return ("database", "schema")


class _NamedAdapter(PostgresAdapter):
    """Gives dbt the name `tickettape` to look up. dbt then uses the adapter of the credentials, which is Postgres'."""

    @classmethod
    def type(cls) -> str:
        return "tickettape"


Plugin = AdapterPlugin(
    adapter=_NamedAdapter,  # type: ignore[arg-type]
    credentials=WarehouseCredentials,
    include_path=postgres.PACKAGE_PATH,
    dependencies=["postgres"],
)
