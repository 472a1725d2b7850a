"""Questions that are asked as PostgREST asks them: as the reader, with the claims of a tenant."""

import json
from typing import Any

from tickettape.api_schema import (
    list_tenants,
)
from tickettape.database import Connection


def as_postgrest(connection: Connection, question: str, **request: Any) -> list[tuple[Any, ...]]:
    """As PostgREST asks: the role of the request, and what it knows of it as settings."""
    with connection.transaction():
        connection.execute("set local role tickettape_reader")
        for name, value in request.items():
            connection.execute("select set_config(%s, %s, true)", [f"request.{name.replace('_', '.')}", value])
        return connection.execute(question).fetchall()


def claims_of(connection: Connection, tenant: str) -> str:
    (found,) = [one for one in list_tenants(connection) if one.name == tenant]
    return json.dumps({"role": "tickettape_reader", "tenant": str(found.tenant_id)})
