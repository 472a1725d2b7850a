"""What the service answers in a second, how long an answer takes, and what it costs beyond its SQL.

The rollups of 26 million snapshots (100 events, 10 zones, 30 days) are written as rows; the service runs as a process
of its own; the clients speak plain HTTP over sockets, so that they cost little. The same SQL through pgbench stands
beside it.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote
from uuid import UUID

import psutil

from bench import market
from bench.report import figure, heading, say
from tests.support.dbt_runs import run_dbt
from tests.support.processes import free_port
from tickettape.api_schema import apply_api_schema, create_key, create_tenant, watch_events
from tickettape.api_schema.tenants import key_sha256
from tickettape.database import Connection, libpq_environment, postgres_tool
from tickettape.settings import Settings

DAYS = 30
CLIENTS = (1, 16, 64)
SECONDS = float(os.environ.get("BENCH_SERVING_SECONDS", "5"))
ENDPOINTS = ("price-trends", "group-prices", "ticket-counts")

_ROLLUPS = f"""
    insert into analytics.event_hours (event_id, hour, ok_captures, partial_captures, missed_captures, failed_captures,
        voided_captures, last_ok_at, created_at)
    select id, hour, 6, 0, 0, 0, 0, hour + interval '50 minutes', now()
    from market.events, generate_series(now() - interval '{DAYS} days', now(), interval '1 hour') as at,
        date_trunc('hour', at, 'UTC') as hour;
    insert into analytics.aggregated_analytics (event_id, zone, hour, min_price, avg_price, max_price,
        min_price_1ticket, min_price_2tickets, min_price_4tickets, min_all_in_price, total_tickets, total_listings,
        peak_tickets, min_tickets, avg_tickets, capture_count, snapshot_count, last_price, last_priced_at,
        price_sum_cents, listings_seen, tickets_seen, created_at)
    select event_id, zones.name, hour, 50 + n, 80 + n, 200 + n, 55 + n, 50 + n, 60 + n, 64 + n, 80 + n, 20 + n, 90 + n,
        70 + n, 80 + n, 6, 36, 50 + n, last_ok_at, 100000, 120, 480, now()
    from analytics.event_hours inner join market.events on events.id = event_id
        inner join market.zones on zones.event_key = events.event_key,
        lateral (select abs(hashint4(zone_key * 7919 + (extract(epoch from hour) / 3600)::int)) % 50 as n) as drawn
    order by hour, event_id;
    insert into analytics.event_days (event_id, date, observed_hours, ok_captures, partial_captures, missed_captures,
        failed_captures, voided_captures, last_ok_at, created_at)
    select event_id, (hour at time zone 'UTC')::date, count(*), 6 * count(*), 0, 0, 0, 0, max(last_ok_at), now()
    from analytics.event_hours group by 1, 2;
    insert into analytics.daily_analytics (event_id, zone, date, daily_min_price, daily_avg_price, daily_max_price,
        daily_min_1ticket, daily_min_2tickets, daily_min_4tickets, daily_min_all_in_price, peak_tickets, avg_tickets,
        min_tickets, last_price, last_priced_at, created_at)
    select event_id, zone, (hour at time zone 'UTC')::date, min(min_price), avg(avg_price), max(max_price),
        min(min_price_1ticket), min(min_price_2tickets), min(min_price_4tickets), min(min_all_in_price),
        max(peak_tickets), avg(avg_tickets), min(min_tickets), max(last_price), max(last_priced_at), now()
    from analytics.aggregated_analytics group by 1, 2, 3;
    vacuum (analyze)"""  # noqa: S608


def run(connection: Connection, url: str) -> bool:
    """Print the figures; whether the bounds hold."""
    events = make_rollups(connection)
    create_tenant(connection, "bench", sees_all=False)
    watch_events(connection, "bench", events)
    # one for each client, because one key may not use the whole service
    keys = [create_key(connection, "bench", requests_per_minute=10_000_000) for _ in range(max(CLIENTS))]
    (hours,) = connection.execute("select count(*) from analytics.aggregated_analytics").fetchone() or (0,)
    heading(f"The service on {hours:,} hours of zones: a zone's week, 168 rows, to a tenant with {len(events)} events")
    holds = True
    with service(url) as (process, port):
        for name in ENDPOINTS:
            paths = [f"/api/analytics/{name}?event_id={event}&zone={quote('Zone 3')}" for event in events]
            for clients in CLIENTS:
                cold, cpu = _measured(process, port, paths, keys, clients)
                holds &= _figures(f"{name}, {clients} clients", cold, bound=clients == 16)
                figure("  the service's CPU a request", cpu * 1000, "ms", most=5 if clients == 16 else None)
                holds &= clients != 16 or cpu <= 0.005
        paths = [f"/api/analytics/price-trends?event_id={event}&zone={quote('Zone 3')}" for event in events]
        same, cpu = _measured(process, port, paths, keys, 16, conditional=True)
        holds &= _figures("price-trends, 16 clients, matching ETag", same, bound=True)
        figure("  the service's CPU a request", cpu * 1000, "ms")
    _pgbench(url, connection.info.server_version, key_sha256(keys[0]), events)
    return holds


def make_rollups(connection: Connection) -> list[UUID]:
    """The market, its rollups as rows, and schema api. Returns the ids of its events."""
    market.add_catalogue(connection)
    run_dbt("run")
    say(f"making the rollups of {market.EVENTS * market.SECTIONS * DAYS * 144:,} snapshots")
    for statement in _ROLLUPS.split(";"):
        connection.execute(statement)
    apply_api_schema(connection, Settings())
    return [row[0] for row in connection.execute("select id from market.events order by event_key")]


@contextmanager
def service(url: str, **more: str) -> Iterator[tuple[psutil.Process, int]]:
    """`make serve` on the database, in a process of its own; the process and its port. `more`: variables for it."""
    port = free_port()
    environment = os.environ | {"DATABASE_URL": url, "PORT": str(port), "MARKETPLACE_SOURCE": "bench"} | more
    started = subprocess.Popen([sys.executable, "-m", "serving"], env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            time.sleep(0.1)
            if any(c.laddr.port == port for c in psutil.Process(started.pid).net_connections() if c.status == "LISTEN"):
                break
        yield psutil.Process(started.pid), port
    finally:
        started.terminate()
        started.wait(timeout=20)


def _measured(
    process: psutil.Process,
    port: int,
    paths: Sequence[str],
    keys: Sequence[str],
    clients: int,
    *,
    conditional: bool = False,
) -> tuple[list[float], float]:
    """Seconds of each answer, and the service's CPU seconds a request."""
    asyncio.run(_load(port, paths, keys, clients, 1.0, conditional))  # connections, plans, caches
    before = sum(process.cpu_times()[:2])
    times = asyncio.run(_load(port, paths, keys, clients, SECONDS, conditional))
    return times, (sum(process.cpu_times()[:2]) - before) / len(times)


async def _load(
    port: int, paths: Sequence[str], keys: Sequence[str], clients: int, seconds: float, conditional: bool
) -> list[float]:
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        key, tags = keys[number], dict[str, str]()
        while time.perf_counter() < end:
            path = paths[number % len(paths)]
            number += clients
            tag = f"If-None-Match: {tags[path]}\r\n" if path in tags else ""
            asked = time.perf_counter()
            writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {key}\r\n{tag}\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            await reader.readexactly(int(headers.get("content-length", "0")))
            times.append(time.perf_counter() - asked)
            expected = "304" if tag else "200"
            if head.split()[1] != expected:
                raise RuntimeError(f"{path} was answered {head.splitlines()[0]}, not {expected}")
            if conditional:
                tags[path] = headers["etag"]
        writer.close()

    await asyncio.gather(*(client(number) for number in range(clients)))
    return times


def _figures(name: str, times: list[float], *, bound: bool) -> bool:
    times.sort()
    p50, p95, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.95, 0.99))
    figure(f"{name}: requests a second", len(times) / SECONDS, "/s")
    figure("  p50", p50, "ms")
    holds = figure("  p95", p95, "ms", most=100 if bound else None)
    figure("  p99", p99, "ms")
    return holds


def _pgbench(url: str, version: int, key_sha256: bytes, events: Sequence[UUID]) -> None:
    """The SQL of price-trends alone, by 16 clients of pgbench."""
    ids = ",".join(f"'{event}'" for event in events)
    script = f"""\\set n random(1, {len(events)})
        select access.enter('\\x{key_sha256.hex()}'::bytea) \\; set local role tickettape_reader \\;
        select api.data_version(id), count(*), json_agg(series)::text
        from (select (array[{ids}]::uuid[])[:n] as id offset 0) as asked,
            lateral api.price_trends(id, 'Zone 3') as series group by id;"""  # noqa: S608
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write("\n".join(line.strip() for line in script.splitlines()[:1]) + "\n")
        file.write(" ".join(line.strip() for line in script.splitlines()[1:]) + "\n")
        file.flush()
        pgbench = postgres_tool("pgbench", server_version=version)
        said = subprocess.run(  # noqa: S603
            [pgbench, "--no-vacuum", "--client=16", f"--time={max(2, int(SECONDS))}", f"--file={file.name}"],
            env=libpq_environment(url), capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    found = [float(line.split("=")[1].split()[0]) for line in said.stdout.splitlines() if line.startswith("tps")]
    if found:
        figure("the same SQL by 16 clients of pgbench: a second", found[0], "/s")
    else:
        say(f"pgbench gave no figure: {said.stderr.strip() or said.stdout.strip()}")
