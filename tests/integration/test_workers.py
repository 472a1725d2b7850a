"""Several worker processes on one tick, over real HTTP: one budget, every event once, and a kill -9 in the middle."""

import asyncio
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.loopback_servers import served
from tests.support.markets import TEN
from tests.support.processes import start, wait_for
from tests.tickettape.marketplaces.test_rate_limiter import most_in
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.marketplaces.simulator.app import build_app
from tickettape.marketplaces.simulator.faults import Faulty, evenly
from tickettape.observations import floor_to_grid
from tickettape.observations.event_leases import leases_left

TICK = floor_to_grid(TEN, datetime.now(UTC))
EVENTS = 60


@pytest.fixture
def market(connection: Connection) -> Iterator[tuple[Faulty, str]]:
    """A market in the catalogue, behind real HTTP: what it was asked, and its URL."""
    simulated = SimulatedMarketplace(seed=7, events=EVENTS, clock=lambda: TICK)
    found = asyncio.run(discover_events(simulated, "search", "simulated")).events
    upsert_events(connection, "simulator", map(asdict, found))
    ensure_partitions(connection, [TICK])
    app = Faulty(build_app(simulated.market, clock=lambda: TICK), latency=evenly(0.05, 0.2))
    with served(app) as url:
        yield app, url


@contextmanager
def workers(
    count: int, home: Path, database_url: str, url: str, **more: str
) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """So many worker processes of one plan; none is left at the end."""
    settings = {"DATABASE_URL": database_url, "MARKETPLACE_URL": url, "MARKETPLACE_SOURCE": "simulator"}
    command = [sys.executable, "-m", "tests.support.scraping_worker", TICK.isoformat()]
    started = [
        start([*command, f"run {number}", "a plan"], home, home / "log", **settings, NO_PROXY="127.0.0.1", **more)
        for number in range(count)
    ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def statuses(connection: Connection) -> dict[str, int]:
    return dict(
        connection.execute("select status, count(*) from market.captures where tick = %s group by 1", [TICK]).fetchall()
    )


def test_s3_four_workers_hold_the_rates_together_and_ask_for_every_event_once(
    connection: Connection, market: tuple[Faulty, str], home: Path, database_url: str
) -> None:
    app, url = market
    with workers(4, home, database_url, url, REQUESTS_PER_SECOND="20", REQUESTS_PER_MINUTE="600") as started:
        assert [process.wait(60) for process in started] == [0] * 4, (home / "log").read_text()[-3000:]
    assert statuses(connection) == {"received": EVENTS}
    assert Counter(one.production_id for one in app.asked).most_common(1)[0][1] == 1
    sent = [float(moment) for moment in re.findall(r"^sent (.+)$", (home / "log").read_text(), re.MULTILINE)]
    assert len(sent) == EVENTS
    assert most_in(sent, 1.0) <= 20
    jobs = connection.execute("select status, events_scraped from market.scraper_jobs").fetchall()
    assert {status for status, _ in jobs} == {"success"}
    assert sum(scraped for _, scraped in jobs) == EVENTS
    assert len(jobs) > 1  # one that came when all was done had no job


def test_a_worker_that_is_killed_in_mid_tick_leaves_no_event_out_and_none_twice(
    connection: Connection, market: tuple[Faulty, str], home: Path, database_url: str
) -> None:
    app, url = market
    app.latency = evenly(0.3, 0.6)
    with workers(2, home, database_url, url, REQUESTS_PER_SECOND="1000", REQUESTS_PER_MINUTE="60000") as started:
        in_hand = """select from market.leases where not done and leased_by is not null
                     group by leased_by having count(*) > 5"""
        both = f"select count(*) from ({in_hand}) as workers"
        wait_for("both have events in hand", lambda: connection.execute(both).fetchone() == (2,), 60, home / "log")
        started[0].kill()
        assert started[1].wait(60) == 0, (home / "log").read_text()[-3000:]
    assert statuses(connection) == {"received": EVENTS}
    assert connection.execute(
        "select count(*), count(distinct event_key) from market.captures where tick = %s", [TICK]
    ).fetchone() == (EVENTS, EVENTS)
    assert leases_left(connection, "simulator", TICK) == 0
    assert connection.execute(
        """select run_id, status, error_details is not null from market.scraper_jobs order by run_id"""
    ).fetchall() == [("run 0", "failed", True), ("run 1", "success", False)]
    # what was stored was not asked again: only what the killed one had in hand
    again = sum(count > 1 for count in Counter(one.production_id for one in app.asked).values())
    assert again <= 40
