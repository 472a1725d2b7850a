"""What the service answers in a second, how long an answer takes, and what it costs beyond its SQL.

The rollups of 26 million snapshots (100 events, 10 zones, 30 days) are written as rows; the service runs as a process
of its own; the clients speak plain HTTP over sockets, so that they cost little. The same SQL through pgbench stands
beside it. Every other path is compared with price-trends, in turn with it.
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
from bench.served_rollups import Listed, add_listings, make_rollups
from tests.support.processes import free_port
from tickettape.api_schema import create_key, create_tenant, watch_events
from tickettape.api_schema.tenants import key_sha256
from tickettape.database import Connection, libpq_environment, postgres_tool

CLIENTS = (1, 16, 64)
EVENTS = int(os.environ.get("BENCH_SERVING_EVENTS", str(market.EVENTS)))
SECONDS = float(os.environ.get("BENCH_SERVING_SECONDS", "5"))
ENDPOINTS = ("price-trends", "group-prices", "ticket-counts")
MOST_TIMES_PRICE_TRENDS = 3
TURNS = 4  # of a path and price-trends: whatever else slows the machine down meets both


def run(connection: Connection, url: str) -> bool:
    """Print the figures; whether the bounds hold."""
    events = make_rollups(connection, EVENTS)
    listed = add_listings(connection)
    create_tenant(connection, "bench", sees_all=False)
    watch_events(connection, "bench", [*events, listed.event])
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
        heading(f"Every other path, 16 clients, {len(events)} events: 95 of 100 answers, against price-trends")
        for name, others in _others(events, listed).items():
            usual, found = list[float](), list[float]()
            for _ in range(TURNS):
                usual += _measured(process, port, paths, keys, 16, share=1 / TURNS)[0]
                times, cpu = _measured(process, port, others, keys, 16, share=1 / TURNS)
                found += times
            say(f"{name}: p95 {_p95(found) * 1000:.0f} ms, price-trends' {_p95(usual) * 1000:.0f} ms")
            holds &= figure(name, _p95(found) / _p95(usual), "×", most=MOST_TIMES_PRICE_TRENDS)
            figure("  the service's CPU a request", cpu * 1000, "ms")
    _pgbench(url, connection.info.server_version, key_sha256(keys[0]), events)
    return holds


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
    share: float = 1,
) -> tuple[list[float], float]:
    """Seconds of each answer, and the service's CPU seconds a request. `share`: of SECONDS."""
    asyncio.run(_load(port, paths, keys, clients, share, conditional))  # connections, plans, caches
    before = sum(process.cpu_times()[:2])
    times = asyncio.run(_load(port, paths, keys, clients, SECONDS * share, conditional))
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


def _others(events: Sequence[UUID], listed: Listed) -> dict[str, list[str]]:
    """The other paths. Of an event's zones they ask for one, as price-trends does."""
    of_events = [f"/api/events/{event}" for event in events]
    zone = quote("Zone 3")
    listings = f"/api/events/{listed.event}/listings"
    return {
        "board, the movers first": [f"/api/board?tickets={tickets}" for tickets in (1, 2, 4)],
        "board, by name": ["/api/board?sort=name", "/api/board?sort=-name&basis=all_in"],
        "board, by a change": ["/api/board?sort=change_1day", "/api/board?sort=-change_30days&group=performer"],
        "board, a search": [f"/api/board?search={quote(f'Event {number}')}" for number in range(1, 10)],
        "movers": [f"/api/movers?days={days}" for days in (1, 7, 30)],
        "across-markets": [f"{event}/across-markets" for event in of_events],
        "price-spread": [f"{event}/price-spread" for event in of_events],
        "get-in of an event": [f"{event}/get-in" for event in of_events],
        "get-in of a zone": [f"{event}/get-in?zone={zone}" for event in of_events],
        "price-distribution": [f"{event}/price-distribution?zone={zone}" for event in of_events],
        "inventory-changes": [f"{event}/inventory-changes?zone={zone}" for event in of_events],
        "estimated-sales": [f"{event}/estimated-sales?zone={zone}" for event in of_events],
        "days-on-market": [f"{event}/days-on-market?zone={zone}" for event in of_events],
        "listings": [listings, *(f"{listings}?at={tick:%Y-%m-%dT%H:%M}Z" for tick in listed.ticks)],
        "a listing's history": [f"{listings}/{listing}/history" for listing in listed.listings],
    }


def _p95(times: Sequence[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


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
