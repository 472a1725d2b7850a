"""Watch three markets at once, one of them slow and one that blocks us: the part `marketplaces` of `make soak`.

Each has another format. Ticks follow each other without a pause, so that each market's budget is used up all the time.
In the middle third of the time one market blocks. Sizes: SOAK_MARKETPLACES_SECONDS (600), SOAK_MARKETPLACES_EVENTS of
each market (300).
"""

import asyncio
import os
import threading
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bench.report import figure, heading, say
from bench.scratch import open_connection, scratch_database, scratch_server
from bench.served import served
from tickettape.catalogue import discover_events, match_sources, upsert_events
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.incidents import breaker_incidents
from tickettape.marketplaces import Marketplaces, describe_breaker, load_breaker, open_marketplaces
from tickettape.observations import capture_tick, floor_to_grid, read_tick
from tickettape.settings import Settings

TICK = timedelta(minutes=10)
PER_MINUTE = 600
PER_SECOND = {"fast": 12, "slow": 11, "blocked": 10}
FORMATS = {"fast": "gametime", "slow": "simulator", "blocked": "ticketevolution"}
REQUESTS = {"fast": 2, "slow": 1}  # for each event
LATENCY = {"fast": (0.02, 0.1), "slow": (0.5, 1.5), "blocked": (0.02, 0.1)}
BREAKER_WAIT_SECONDS = 15  # short, so that the market is probed and comes back
ASKED_WHILE_BLOCKED = 40  # until the breaker opens, those under way, and the probes


def soak_marketplaces() -> bool:
    """Run it and print the figures; whether all bounds hold."""
    duration = float(os.environ.get("SOAK_MARKETPLACES_SECONDS", "600"))
    events = int(os.environ.get("SOAK_MARKETPLACES_EVENTS", "300"))
    with ExitStack() as stack:
        server = stack.enter_context(scratch_server())
        connection = stack.enter_context(
            open_connection(stack.enter_context(scratch_database(server, "soak_marketplaces")))
        )
        urls = {
            name: stack.enter_context(served("bench.format_market", FORMATS[name], events, *LATENCY[name]))
            for name in FORMATS
        }
        heading(f"Three markets of {events} events for {duration:.0f} s: one is slow, one blocks in the middle third")
        watched = open_marketplaces(_settings(urls))
        for source, one in watched.items():
            found = asyncio.run(discover_events(one.marketplace, "search", "simulated")).events
            upsert_events(connection, source, map(asdict, found))
        connection.execute("update market.events set date = date + interval '1 year'")  # every event due each tick
        linked = match_sources(connection, datetime.now(UTC))["automatic"]
        holds = figure("events linked, against three pairs of markets", linked / (3 * events), "×", least=0.9)
        return _run(connection, watched, urls, duration, events) & holds


def _settings(urls: dict[str, str]) -> Settings:
    own: dict[str, dict[str, Any]] = {
        name: {
            "format": "simulator" if FORMATS[name] == "simulator" else f"simulator_{FORMATS[name]}",
            "url": url,
            "requests_per_second": PER_SECOND[name],
            "requests_per_minute": PER_MINUTE,
            "breaker_wait_seconds": BREAKER_WAIT_SECONDS,
        }
        for name, url in urls.items()
    }
    return Settings(marketplaces=own)


def _run(connection: Connection, watched: Marketplaces, urls: dict[str, str], duration: float, events: int) -> bool:
    first, began = floor_to_grid(TICK, datetime.now(UTC)), time.monotonic()
    blocked_from, blocked_until = began + duration / 3, began + 2 * duration / 3
    spent: dict[str, list[float]] = defaultdict(list)
    told: dict[str, set[str]] = defaultdict(set)
    asked_while_blocked = 0

    def ticks_of(source: str) -> None:
        over = False
        with Warehouse().connection() as own:
            for number in range(10_000):
                if over:
                    return
                # the last tick begins after the time: an earlier one may have begun while the breaker was open
                over = time.monotonic() - began > duration
                tick, started = first + number * TICK, time.monotonic()
                ensure_partitions(own, [tick])
                capture_tick(own, watched[source].marketplace, tick, None, f"{source} {number}")
                read_tick(own, watched[source].marketplace, tick, 0.05, f"{source} {number}", only_received=True)
                spent[source].append(time.monotonic() - started)
                # a market that is not asked is through at once; a tick of its own would not come before its time
                time.sleep(max(0.0, 5 - spent[source][-1]))

    threads = [threading.Thread(target=ticks_of, args=[source]) for source in watched]
    for thread in threads:
        thread.start()
    before = 0
    while any(thread.is_alive() for thread in threads):
        time.sleep(1)
        now, seen = time.monotonic(), httpx.get(f"{urls['blocked']}/seen", timeout=30).json()["requests"]
        if blocked_from <= now < blocked_until and not before:
            httpx.get(f"{urls['blocked']}/block")
            before = seen
            say("one market blocks now")
        elif before > 0 and now >= blocked_until:
            httpx.get(f"{urls['blocked']}/unblock")
            asked_while_blocked, before = seen - before, -1
            say("it does no more")
        for source in watched:
            breaker = load_breaker(connection, source)
            for incident in breaker_incidents(source, breaker, describe_breaker(source, breaker)):
                told[source].add(incident.title)
    return _judge(connection, urls, spent, told, asked_while_blocked, events)


def _judge(
    connection: Connection,
    urls: dict[str, str],
    spent: dict[str, list[float]],
    told: dict[str, set[str]],
    asked_while_blocked: int,
    events: int,
) -> bool:
    holds = True
    for source, url in urls.items():
        seen = httpx.get(f"{url}/seen", timeout=30).json()
        say(f"{source}: {len(spent[source])} ticks, {seen['requests']} requests")
        for what, most in (("second", PER_SECOND[source]), ("minute", PER_MINUTE)):
            name = f"{source}: most requests in any {what}, as the server saw"
            holds &= figure(name, seen[f"most in a {what}"], "", most=most)
    rows = connection.execute(
        """select source, status, count(*) from market.captures inner join market.events using (event_key)
           group by 1, 2 order by 1, 2"""
    ).fetchall()
    statuses: dict[str, dict[str, int]] = defaultdict(dict)
    for source, status, count in rows:
        statuses[source][status] = count
    say(f"captures: {dict(statuses)}")
    for source in ("fast", "slow"):
        ok = statuses[source].get("ok", 0) + statuses[source].get("empty", 0)
        whole = len(spent[source]) * events
        holds &= figure(f"{source}: ok captures, against events × ticks", ok / whole, "×", least=0.999, most=1)
        slowest = max(spent[source])
        figure(f"{source}: its slowest tick, against its own budget", slowest / _least_seconds(source, events), "×")
        share = slowest / TICK.total_seconds()
        holds &= figure(f"{source}: its slowest tick, against the time between ticks", share, "×", most=0.9)
    holds &= figure("blocked: requests while it blocked", asked_while_blocked, "", least=1, most=ASKED_WHILE_BLOCKED)
    newest = connection.execute(
        """select count(*) filter (where status = 'ok')::float / count(*) from market.captures
           inner join market.events using (event_key)
           where source = 'blocked' and tick = (
               select max(captures.tick) from market.captures inner join market.events using (event_key)
               where source = 'blocked')"""
    ).fetchone()
    holds &= figure("blocked: ok captures of its newest tick", float(newest[0]) if newest else 0, "×", least=0.9)
    say(f"incidents: {dict(told)}")
    holds &= figure("sources of which an incident told", len(told), "", least=1, most=1)
    return holds & figure("incidents that name the market that blocks", len(told["blocked"]), "", least=1)


def _least_seconds(source: str, events: int) -> float:
    """What a tick takes at least, by the budget of a minute. A busy machine takes longer."""
    return REQUESTS[source] * events / PER_MINUTE * 60
