"""Start the service: `python -m serving`, or `make serve`."""

import sys

import uvicorn

from orchestration.resources import Warehouse
from orchestration.settings import settings
from orchestration.warehouse import Connection, access, api, server
from serving.app import build_app

DEMO = "demo"


def main() -> None:
    """Apply schema api where the tables are there, say where to look, and serve until stopped."""
    chosen = settings()
    with Warehouse().connection() as connection:
        try:
            api.apply(connection, chosen)
        except api.NotReadyError as error:
            _say(str(error))
        where = f"http://{chosen.serving_host}:{chosen.port}"
        _say(f"API: {where}/api/events, described at {where}/openapi.json")
        if chosen.source == "simulator":
            key = demo_key(connection)
            _say(f'A key for this demonstration: {key}\n  curl -H "X-API-Key: {key}" "{where}/api/events?limit=3"')
        else:
            _say("Keys: `tickettape tenants create NAME`, then `tickettape keys create NAME`.")
    uvicorn.run(
        build_app(chosen, server.database_url()), host=chosen.serving_host, port=chosen.port, log_level="warning"
    )


def demo_key(connection: Connection) -> str:
    """A new key that sees every event of the simulated market, in place of the last start's."""
    with connection.transaction():
        if DEMO not in {tenant.name for tenant in access.tenants(connection)}:
            access.create_tenant(connection, DEMO, sees_all=True)
        for key in access.keys(connection):
            if key.tenant == DEMO and key.label == DEMO and key.revoked_at is None:
                access.revoke(connection, key.prefix)
        return access.create_key(connection, DEMO, label=DEMO)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
