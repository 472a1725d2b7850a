"""Measure a tick of 1000 events over 20 connections, from a server of ready-made bodies: wall time and CPU.

The server is a process of its own that answers each request after a latency, without computing anything. The ideal
wall time, which nobody can beat, is events × mean latency ÷ connections.
"""

import asyncio
import resource
import time
from collections.abc import Callable
from dataclasses import asdict

from bench import shards
from bench.ready_made import FIRST_TICK, TICK
from bench.report import figure, heading, say
from bench.served import served
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces import Inventory
from tickettape.marketplaces.pacing import CONNECTIONS
from tickettape.marketplaces.rate_limiter import LocalRateLimiter, RateLimits, rate_per_second
from tickettape.marketplaces.simulator import ServedSimulator, SimulatedMarketplace
from tickettape.observations import Capture, capture_tick, read_tick, store_captures
from tickettape.observations.event_leases import plan_leases
from tickettape.observations.section_metrics import GatheredListings

LEAST_SECONDS, MOST_SECONDS = 0.05, 0.2
SHARDS = 4


def run(connection: Connection, database_url: str, *, events: int) -> bool:
    """Print wall times against the ideal, CPU by stage, and the cost of four shards; returns whether bounds hold."""
    heading(f"A tick of {events} events over HTTP, {LEAST_SECONDS * 1000:.0f} to {MOST_SECONDS * 1000:.0f} ms latency")
    simulator = SimulatedMarketplace(events=events, clock=lambda: FIRST_TICK)
    found = asyncio.run(discover_events(simulator, "search", "simulated")).events
    upsert_events(connection, "simulator", map(asdict, found))
    ids = [production.external_id for production in found]
    ideal = events * (LEAST_SECONDS + MOST_SECONDS) / 2 / CONNECTIONS
    with served("bench.ready_made", events, LEAST_SECONDS, MOST_SECONDS) as url:
        fetch_seconds, fetch_cpu, bodies = _fetched(url, ids)
        size = sum(map(len, bodies)) / len(bodies)
        say(f"{size / 1000:.0f} KB an answer; the ideal is {ideal:.2f} s")
        first_seconds, _ = _timed(lambda: _tick(connection, url, 0))
        tick_seconds, tick_cpu = _timed(lambda: _tick(connection, url, 1))
        one, four = (_captured_by(count, connection, database_url, url) for count in (1, SHARDS))
    holds = figure("fetching alone, against the ideal", fetch_seconds / ideal, "×", most=1.6)
    holds &= figure("the whole tick to stored snapshots, against the ideal", tick_seconds / ideal, "×", most=2.5)
    figure("the same of events that were never seen before", first_seconds / ideal, "×")
    figure("CPU an event: fetch", 1000 * fetch_cpu / events, "ms")
    for stage, seconds in _stages(connection, simulator, ids, bodies).items():
        figure(f"CPU an event: {stage}", 1000 * seconds / events, "ms")
    holds &= figure("CPU an event: all of a tick", 1000 * tick_cpu / events, "ms", most=12)
    figure(f"CPU of capturing by {SHARDS} shards, against one", four[1] / one[1], "×")
    figure(f"wall time of capturing by {SHARDS} shards, against one", four[0] / one[0], "×")
    return holds


def _client(url: str) -> ServedSimulator:
    return ServedSimulator(url, "bench", limiter=LocalRateLimiter(RateLimits((rate_per_second(1000),))))


def _fetched(url: str, ids: list[str]) -> tuple[float, float, list[bytes]]:
    async def fetch() -> list[bytes]:
        async with _client(url) as client:
            answers = await asyncio.gather(*(client.listings(one, FIRST_TICK) for one in ids))
        return [answer.body or b"" for answer in answers]

    bodies: list[bytes] = []
    seconds, cpu = _timed(lambda: bodies.extend(asyncio.run(fetch())))
    return seconds, cpu, bodies


def _tick(connection: Connection, url: str, number: int) -> None:
    tick = FIRST_TICK + number * TICK
    ensure_partitions(connection, [tick])
    capture_tick(connection, _client(url), tick, None, "bench")
    read_tick(connection, _client(url), tick, 0.05, "bench", only_received=True)


def _stages(
    connection: Connection, simulator: SimulatedMarketplace, ids: list[str], bodies: list[bytes]
) -> dict[str, float]:
    """CPU seconds of decoding, of the metrics, and of storing the answers, each alone and for all events."""
    keys = {
        str(external_id): int(key)
        for key, external_id in connection.execute("select event_key, external_id from market.events").fetchall()
    }
    read = [simulator.read_listings(body, one, 0.05) for one, body in zip(ids, bodies, strict=True)]
    _, decode = _timed(
        lambda: [simulator.read_listings(body, one, 0.05) for one, body in zip(ids, bodies, strict=True)]
    )
    _, metrics = _timed(lambda: _metrics(read))
    tick = FIRST_TICK + 9 * TICK
    answers = [
        Capture(keys[one], tick, "received", answer=body) for one, body in zip(ids, bodies, strict=True)
    ]  # the ticks before are in the same partitions
    plan_leases(connection, tick, "bench", [answer.event_key for answer in answers])
    with connection.transaction():
        _, store = _timed(lambda: store_captures(connection, answers, None))
    return {"decode": decode, "metrics": metrics, "store the answers": store}


def _metrics(inventories: list[Inventory]) -> None:
    gathered = GatheredListings()
    for number, inventory in enumerate(inventories):
        places = {(one.zone_id, one.section_id): key for key, one in enumerate(inventory.sections)}
        gathered.add(number, inventory.listings, places)
    gathered.section_metrics()


def _captured_by(count: int, connection: Connection, database_url: str, url: str) -> tuple[float, float]:
    """(wall, CPU) seconds of so many worker processes capturing a tick together, without their start."""
    tick = FIRST_TICK + (20 + count) * TICK
    ensure_partitions(connection, [tick])
    with shards.started(count, database_url, url, per_second=1000, per_minute=60_000) as workers:
        started = time.perf_counter()
        spent = shards.capture(workers, tick)
        return time.perf_counter() - started, sum(one.cpu_seconds for one in spent)


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """(wall, CPU) seconds of a call in this process."""
    before, started = _cpu(), time.perf_counter()
    work()
    return time.perf_counter() - started, _cpu() - before


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
