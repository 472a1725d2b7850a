"""What people outside are served from: schema `api`, on top of dbt's tables."""

import dagster as dg

from orchestration.resources import Warehouse
from orchestration.settings import Settings
from orchestration.warehouse import api as schema_api

_STANDS_ON = [
    dg.AssetKey(["analytics", name] if name == "events" else name) for name in (*schema_api.ROLLUPS, *schema_api.VIEWS)
]


@dg.asset(group_name="serving", kinds={"postgres"}, deps=_STANDS_ON)
def api(warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """Views, functions, grants and row-level security for those who ask; made anew only where something changed."""
    with warehouse.connection() as connection:
        changed = schema_api.apply(connection, settings)
    return dg.MaterializeResult(metadata={"made anew": changed})
