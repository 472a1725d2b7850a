"""Run the scraper unattended over a network with faults: `make soak`. The exit code is 1 if a bound is missed.

1000 simulated events over real HTTP, every event due each tick, 50 to 200 ms of latency, answers of 150 KB,
5 % faults of all kinds, captured by one worker and by four in turn. Sizes by environment variables: SOAK_EVENTS
(1000), SOAK_TICKS (50), SOAK_FAULTS (0.05), SOAK_REQUESTS_PER_SECOND (100), SOAK_REQUESTS_PER_MINUTE (4500).
SOAK_PARTS chooses the kinds of faults (network, answers, bodies, listings, maps), and `backfill`, `box_office` and
`marketplaces`, separate soaks.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bench import shards
from bench.report import figure, heading, say
from bench.scratch import open_connection, scratch_database, scratch_server
from bench.served import served
from bench.soak_backfill import soak_backfill
from bench.soak_box_office import soak_box_office
from bench.soak_marketplaces import soak_marketplaces
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces import load_breaker
from tickettape.marketplaces.simulator import FedMarket, SimulatedMarketplace
from tickettape.marketplaces.simulator.faults import CAPTURED_AS, PARTS, PASSING
from tickettape.observations import read_tick

FIRST_TICK = datetime(2026, 11, 3, tzinfo=UTC)
TICK = timedelta(minutes=10)
WARM_TICKS = 5  # after which a process has all the memory it will need
SHARDS = 4


def main() -> int:
    """Run and judge each chosen part."""
    known = [*PARTS, "backfill", "box_office", "marketplaces"]
    chosen = os.environ.get("SOAK_PARTS", ",".join([*PARTS, "backfill"])).split(",")
    if unknown := set(chosen) - set(known):
        sys.exit(f"SOAK_PARTS has {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
    faults = [part for part in chosen if part in PARTS]
    holds = not faults or _soak_faults(faults)
    if "backfill" in chosen:
        holds &= soak_backfill()
    if "box_office" in chosen:
        holds &= soak_box_office()
    if "marketplaces" in chosen:
        holds &= soak_marketplaces()
    return 0 if holds else 1


def _soak_faults(parts: Sequence[str]) -> bool:
    events, ticks = int(os.environ.get("SOAK_EVENTS", "1000")), int(os.environ.get("SOAK_TICKS", "50"))
    per_second = float(os.environ.get("SOAK_REQUESTS_PER_SECOND", "100"))
    per_minute = int(os.environ.get("SOAK_REQUESTS_PER_MINUTE", "4500"))
    faults = float(os.environ.get("SOAK_FAULTS", "0.05"))
    with (
        scratch_server() as server,
        scratch_database(server, "soak") as database_url,
        open_connection(database_url) as connection,
        served("bench.faulty_market", events, faults, ",".join(parts)) as url,
        shards.started(SHARDS, database_url, url, per_second=per_second, per_minute=per_minute) as workers,
    ):
        heading(f"{ticks} ticks of {events} events, {faults:.0%} faults, by one worker and by {SHARDS} in turn")
        memory = _soak(connection, workers, events, ticks)
        seen = httpx.get(f"{url}/seen", timeout=30).json()
        say(f"faults met: {seen['faults']}")
        holds = figure("most requests in any second, as the server saw", seen["most in a second"], "", most=per_second)
        holds &= figure("most requests in any minute, as the server saw", seen["most in a minute"], "", most=per_minute)
        growth = max(last / warm for warm, last in memory)
        holds &= figure(f"memory after the last tick, against the {WARM_TICKS}th", growth, "×", most=1.1)
        return holds & _judge(connection, events, ticks)


def _soak(connection: Connection, workers: list[shards.Shard], events: int, ticks: int) -> list[tuple[float, float]]:
    """Capture and read every tick; returns each worker's memory when it was warm and at the end."""
    simulator = SimulatedMarketplace(events=events, clock=lambda: FIRST_TICK)
    found = asyncio.run(discover_events(simulator, "search", "simulated")).events
    upsert_events(connection, "simulator", map(asdict, found))
    connection.execute("update market.events set date = date + interval '1 year'")  # every event due each tick
    memory: dict[int, list[float]] = {number: [] for number in range(len(workers))}
    for number in range(ticks):
        tick, started = FIRST_TICK + number * TICK, time.monotonic()
        ensure_partitions(connection, [tick])
        some = workers if number % 2 else workers[:1]
        for worker, spent in enumerate(shards.capture(some, tick)):
            memory[worker].append(spent.memory_mb)
        captured = time.monotonic() - started
        read_tick(connection, simulator, tick, 0.05, "soak", only_received=True)
        say(f"tick {number + 1}: {captured:.1f} s by {len(some)}, read after {time.monotonic() - started:.1f} s")
    return [(used[min(WARM_TICKS, len(used)) - 1], used[-1]) for used in memory.values() if used]


def _judge(connection: Connection, events: int, ticks: int) -> bool:
    """Whether every event was captured at every tick, with a known status, and nothing looks falsely sold out."""
    statuses: dict[Any, Any] = dict(
        connection.execute("select status, count(*) from market.captures group by 1").fetchall()
    )
    say(f"captures: {statuses}")
    holds = figure("captures, against events × ticks", sum(statuses.values()) / (events * ticks), "×", least=1, most=1)
    unknown = set(statuses) - {"empty", *CAPTURED_AS.values()}
    holds &= figure("captures of a class that no fault explains", sum(statuses[one] for one in unknown), "", most=0)
    lasting = sum(1 for fault, status in CAPTURED_AS.items() if fault not in PASSING and status != "ok")
    say(f"{lasting} of {len(CAPTURED_AS)} kinds of fault cost the event its tick; the others are asked again")
    twice = connection.execute(
        "select count(*) from (select from market.captures group by event_key, tick having count(*) > 1) as twice"
    ).fetchone()
    holds &= figure("events captured twice at a tick", twice[0] if twice else 0, "", most=0)
    market = FedMarket(events=events)
    empty = connection.execute(
        """select external_id, tick from market.captures inner join market.events using (event_key)
           where status = 'empty'"""
    ).fetchall()
    false = 0
    for external_id, tick in empty:
        production = market.production(int(external_id), tick)
        false += production is None or len(market.shelf(production, tick).slot) > 0
    holds &= figure("captures that are falsely sold out", false, "", most=0)
    anew = connection.execute(
        """select count(*) from (
               select from market.zones
               where same_as is null and first_name != '' and (event_key, first_name) not in (
                   select event_key, zone_name from market.places_apart where section_name = '')
               group by event_key, first_name having count(*) > 1) as twice"""
    ).fetchone()
    holds &= figure("named zones that a new seat map made anew", anew[0] if anew else 0, "", most=0)
    closed = load_breaker(connection, "simulator").state == "closed"
    return holds & figure("breakers open at the end: isolated blocks open none", float(not closed), "", most=0)


if __name__ == "__main__":
    sys.exit(main())
