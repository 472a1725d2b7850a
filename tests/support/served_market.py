"""A small market that is served: two tenants with an event each, a third that sees all, over real HTTP."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from uuid import UUID

import httpx
import psycopg
import pytest
import uvicorn
from fastapi import FastAPI

from serving.app import build_app
from serving.requests.connections import TimedProtocol
from tests.support.databases import fresh_database, use_database
from tests.support.dbt_runs import run_dbt
from tests.support.markets import NOON, TEN, Section, add_event, observe, observe_ranges, price_range
from tickettape.api_schema import apply_api_schema, create_tenant, watch_events
from tickettape.catalogue import decide_link, match_sources
from tickettape.database import Connection, Warehouse
from tickettape.settings import Settings

HOUR = timedelta(hours=1)
EVERYONE, LEFT, RIGHT = "everyone", "left", "right"

Ask = Callable[..., httpx.Response]

ADD_SALE = """
    insert into analytics.listing_departures (event_id, listing_id, hour, timestamp, zone, section, seat_row, what,
        tickets, price, first_seen_at, captures_absent, verdict, confidence, reason, created_at)
    select id, 'sold', '2026-11-20 12:00Z', '2026-11-20 12:10Z', 'Lower', '101', 'B', 'went', 2, 70,
        '2026-11-19 12:10Z', 3, 'sold', 0.6, 'It is absent from enough ok captures and did not come back.', now()
    from market.events where external_id = '1'"""
"""A sale at event 1, which the market has not: for it, a listing must be away for longer."""


@cache
def build_served_template(server_url: str, template: str) -> str:
    """The name of a database with two events, three tenants and schema api, to copy.

    Event 1 at noon: both zones; 13:00: nobody looked; 14:00: Upper is sold out; 15:00: both. Event 2: noon alone.
    Each has a price range at noon.
    """
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        use_database(patch, url)
        with Warehouse().connection() as connection:
            one, two = add_event(connection, "1"), add_event(connection, "2", name="A matinee", city="Boston")
            lower, upper = Section("Lower", "101", [5000, 7000]), Section("Upper", "301", [2000])
            observe(connection, one, NOON, lower, upper)
            observe(connection, one, NOON + TEN, Section("Lower", "101", [4000]), upper)
            observe(connection, one, NOON + 2 * HOUR, lower)
            observe(connection, one, NOON + 3 * HOUR, lower, upper)
            observe(connection, two, NOON, Section("Floor", "1", [9900]))
            observe_ranges(connection, price_range(one, NOON), price_range(two, NOON))
            run_dbt("run")
            apply_api_schema(connection, Settings())
            create_tenant(connection, EVERYONE, sees_all=True)
            for tenant, event in ((LEFT, "1"), (RIGHT, "2")):
                create_tenant(connection, tenant, sees_all=False)
                watch_events(connection, tenant, [id_of(connection, event)])
        with psycopg.connect(server_url, autocommit=True) as connection:
            name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
            # a connection whose end the server has not seen yet would forbid the copy
            connection.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", [name]
            )
            connection.execute(f"create database template_served template {name}")
    return "template_served"


ADD_PAST = """
    insert into analytics.event_hours (event_id, hour, ok_captures, partial_captures, missed_captures,
            failed_captures, voided_captures, last_ok_at, created_at)
        select event_id, hour - days * interval '1 day', 1, 0, 0, 0, 0, last_ok_at, now()
        from analytics.event_hours, unnest(array[1, 7, 30]) as days
        where last_ok_at in ('2026-11-20 12:00Z', '2026-11-20 15:00Z');
    insert into analytics.price_distribution
        select event_id, zone, hour - days * interval '1 day', timestamp, total_listings, total_tickets, 90, 90, 90, 90,
            90, 90, 90, 90, 90, 90, 90, now()
        from analytics.price_distribution, unnest(array[1, 7, 30]) as days
        where timestamp in ('2026-11-20 12:00Z', '2026-11-20 15:00Z');
    update analytics.event_board set
        earlier_hours = array[hour - interval '1 day', hour - interval '7 days', hour - interval '30 days'],
        earlier_min_price_1ticket = '{90, 90, 90}', earlier_min_all_in_price_1ticket = '{90, 90, 90}',
        earlier_min_price_2tickets = '{90, 90, 90}', earlier_min_all_in_price_2tickets = '{90, 90, 90}',
        earlier_min_price_4tickets = '{90, 90, 90}', earlier_min_all_in_price_4tickets = '{90, 90, 90}'"""
"""A day, 7 and 30 days before the newest capture of both events, everything cost 90."""


_AS_EVENT_1 = """
    update market.events set currency = 'USD' where external_id in ('1', '9');
    insert into analytics.event_board
    select (jsonb_populate_record(board, jsonb_build_object('event_id', nine.id))).*
    from analytics.event_board as board
        inner join market.events as one on one.id = board.event_id and one.external_id = '1'
        inner join market.events as nine on nine.external_id = '9';
    insert into analytics.get_in_hours
    select (jsonb_populate_record(hours, jsonb_build_object('event_id', nine.id))).*
    from analytics.get_in_hours as hours
        inner join market.events as one on one.id = hours.event_id and one.external_id = '1'
        inner join market.events as nine on nine.external_id = '9'"""


def add_another_source(connection: Connection) -> None:
    """Event 9, which is event 1 at another source: with the same prices, and two listings that are nearly the same."""
    nine = add_event(connection, "9", source="vividseats")
    observe(connection, nine, NOON + 3 * HOUR, Section("Lower", "101", [5100, 7100]))
    connection.execute(_AS_EVENT_1)
    decide_link(connection, ("simulator", "1"), ("vividseats", "9"), "confirmed", "somebody")


def add_links(connection: Connection) -> None:
    """Two links by hand, of which one side is not in the catalogue."""
    decide_link(connection, ("archive", "x"), ("simulator", "2"), "confirmed", "somebody")
    decide_link(connection, ("simulator", "2"), ("ticketmaster", "y"), "refused", "somebody")


def add_a_match(connection: Connection) -> None:
    """Two events that nobody captured, and that a rule links, with all its evidence."""
    for source in ("gametime", "vividseats"):
        more = {"venue": "A park", "venue_id": "p", "latitude": 41.9, "longitude": -87.6}
        add_event(connection, f"{source} 20", source=source, name="A gala", **more)
    match_sources(connection, NOON)


def id_of(connection: Connection, external_id: str) -> UUID:
    row = connection.execute("select id from market.events where external_id = %s", [external_id]).fetchone()
    assert row
    return UUID(str(row[0]))


@contextmanager
def serving(url: str, settings: Settings | None = None, add: Callable[[FastAPI], None] | None = None) -> Iterator[str]:
    """The service as a server process has it, on a free loopback port; yields its URL. `add` adds paths of its own."""
    app = build_app(settings or Settings(), url)
    if add:
        add(app)
    http = uvicorn.Server(
        uvicorn.Config(app, port=0, http=TimedProtocol, log_level="critical", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=http.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not http.started and time.monotonic() < deadline:
        time.sleep(0.005)
    assert http.started, "the service did not start"
    try:
        yield f"http://127.0.0.1:{http.servers[0].sockets[0].getsockname()[1]}"
    finally:
        http.should_exit = True
        thread.join(timeout=60)
