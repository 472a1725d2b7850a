"""kill -9 in mid-tick, then the same tick again."""

from math import inf
from pathlib import Path

import psycopg
import pytest

from tests.support.loopback_servers import served
from tests.support.processes import BIN, database_of, kill_all, start, tick_once, wait_for
from tests.support.slow_simulator import SlowSimulator
from tickettape.database.server import EMBEDDED_DATABASE

STORED = 20  # before the kill


def _captures(home: Path) -> int:
    """How many captures are stored, asked without joining the users of the server."""
    with psycopg.connect(host=str(home / "postgres"), user="postgres", dbname=EMBEDDED_DATABASE) as connection:
        row = connection.execute("select count(*) from market.captures").fetchone()
    assert row
    return int(row[0])


@pytest.mark.processes
def test_no_capture_is_made_twice_and_none_is_missing(home: Path) -> None:
    log = home / "log"
    market = SlowSimulator(events=60, at_most=45)
    with served(market) as url:
        environment = {"MARKETPLACE_URL": url, "MARKETPLACE_SOURCE": "simulator", "REQUESTS_PER_SECOND": "100"}
        killed = start([str(BIN / "tickettape"), "tick"], home, log, **environment)
        try:
            wait_for("half a tick", lambda: market.asked.total() > 45 and _captures(home) >= STORED, 180, log)
        finally:
            kill_all(killed, home)
        first = market.asked.copy()
        market.at_most = inf
        assert tick_once(home, log, **environment) == 0, log.read_text()[-3000:]
    # what dbt prints is in a file, and what the tick found on the console
    assert "START sql" not in log.read_text()
    assert "START sql" in (home / "logs" / "tick.log").read_text()
    with database_of(home) as connection:
        stored = connection.execute(
            """select count(*), count(*) filter (where status in ('ok', 'empty')), count(distinct tick)
               from market.captures"""
        ).fetchone()
        assert stored is not None
        captures, ok, ticks = stored
        sections = connection.execute(
            """select count(*), count(distinct (event_key, tick, section_key)) from market.section_snapshots"""
        ).fetchone()
        assert sections is not None
        jobs = connection.execute("select status from market.scraper_jobs order by id").fetchall()
    # the tick may have changed between the two runs; within one, what was stored was not asked again
    asked_twice = sum(count > 1 for count in market.asked.values())
    assert ok == captures == 60 * ticks or (ticks == 2 and ok == captures >= 60)
    if ticks == 1:
        assert first.total() - asked_twice >= STORED
        assert jobs == [("failed",), ("success",)]
    assert sections[0] == sections[1] > 0
