"""Start the service: `python -m serving`, or `make serve`."""

import os
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime

import psycopg
import uvicorn
from fastapi import FastAPI

from serving.app import build_app
from serving.requests.connections import TimedProtocol
from tickettape.api_schema import ApiNotReadyError, apply_api_schema, create_demo_key, revoke_demo_keys
from tickettape.box_office import DEMO_PROMOTER, check_permissions, close_demo, grant_roles, open_demo
from tickettape.database import (
    BusyError,
    Connection,
    UnavailableDatabaseError,
    Warehouse,
    check_session_mode,
    configured_url,
    database_url,
    encrypted_warehouse,
    forget_killed_users,
)
from tickettape.marketplaces import FirstHandSales, is_simulated
from tickettape.settings import Settings, settings
from tickettape.start_and_stop import check_port, explain_failures, stop_with_terminal_and_make

STOPPING_SECONDS = 3  # for responses in progress; a stream would never end by itself


def main() -> None:
    """Apply schema api if its tables exist, print the address, and serve until stopped."""
    # until uvicorn takes over SIGTERM: its default action would skip the cleanup below
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    stop_with_terminal_and_make()
    try:
        with explain_failures(), suppress(KeyboardInterrupt):
            _serve()
    finally:
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, signal.SIG_IGN)  # a second signal must not interrupt the cleanup
        forget_killed_users()  # server processes that did not end in time


def _serve() -> None:
    chosen = settings()
    check_port(chosen.serving_host, chosen.port, "PORT")
    where = f"http://{chosen.serving_host}:{chosen.port}"
    check_session_mode(database_url())
    with Warehouse().connection() as connection:
        try:
            apply_api_schema(connection, chosen)
        except (ApiNotReadyError, BusyError) as error:  # serves the schema applied before, or answers that it waits
            _say(str(error))
        key = demo_key(connection, chosen)
    if key:
        if not os.environ.get("DASHBOARD_KEY"):
            os.environ["DASHBOARD_KEY"] = key  # for the server processes, which read their own settings
        _say(f'A demo key: {key}\n  curl -H "X-API-Key: {key}" "{where}/api/events?limit=3"')
    else:
        _say("To make an API key: `tickettape tenants create NAME`, then `tickettape keys create NAME`.")
    _open_box_office(chosen, where)
    _say(f"Serving {where}: board at /, API at /api/events, to read about and try at /docs/api")
    uvicorn.run(
        "serving.__main__:app",
        factory=True,
        host=chosen.serving_host,
        port=chosen.port,
        http=TimedProtocol,
        workers=chosen.serving_processes,
        log_level="warning",
        timeout_graceful_shutdown=STOPPING_SECONDS,
    )


def app() -> FastAPI:
    """The application of one server process. Main has migrated the database, so it may be away now: it is asked later.

    A process that is replaced while the database is away then answers 503 with the reason, and heals with it.
    """
    settings.cache_clear()  # main may have set the key of the pages
    with explain_failures():
        return build_app(settings(), configured_url())


def _open_box_office(chosen: Settings, where: str) -> None:
    """See that the roles of the box office exist. With simulated markets and payments, open its demo."""
    try:
        with encrypted_warehouse(plain_allowed=chosen.box_office_plain_database).connection() as connection:
            if check_permissions(connection):
                grant_roles(connection)
            password = demo_password(connection, chosen)
    except (UnavailableDatabaseError, psycopg.OperationalError) as error:
        _say(f"The box office is closed: {error}")
        return
    if password:
        _say(f"The box office: {where}/box-office. A demo promoter: {DEMO_PROMOTER}, password {password}")


def demo_password(connection: Connection, chosen: Settings) -> str | None:
    """A new password of the demo promoter if everything is simulated. Otherwise None, and the demo is closed."""
    if all(is_simulated(chosen.of_source(source)) for source in chosen.sources) and not chosen.stripe_api_key:
        market = chosen.of_source(chosen.sources[0])
        sales = FirstHandSales(market.simulator_seed, market.simulator_events)
        return open_demo(connection, sales, datetime.now(UTC))
    close_demo(connection)
    return None


def demo_key(connection: Connection, chosen: Settings) -> str | None:
    """A new demo key if only simulated markets are watched. Otherwise there is none, and an earlier one is revoked."""
    if all(is_simulated(chosen.of_source(source)) for source in chosen.sources):
        return create_demo_key(connection)
    revoke_demo_keys(connection)
    return None


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
