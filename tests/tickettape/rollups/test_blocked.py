"""S6: a marketplace that blocks us, from the breaker to the rollups, and back."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.dbt_observations import contents
from tests.support.loopback_servers import served
from tests.support.markets import TEN
from tests.support.oracle import assert_exact
from tests.support.recorded_refresh import Refresh
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.marketplaces import describe_breaker, load_breaker
from tickettape.marketplaces.breaker import BreakerPolicy
from tickettape.marketplaces.rate_limiter import RateLimits
from tickettape.marketplaces.shared_rate_limiter import SharedRateLimiter
from tickettape.marketplaces.simulator import ServedSimulator, SimulatedMarketplace, build_app
from tickettape.marketplaces.simulator.faults import Fault, Faulty
from tickettape.observations import capture_tick, floor_to_grid, read_tick

NOW = floor_to_grid(TEN, datetime.now(UTC)) - timedelta(minutes=30)
POLICY = BreakerPolicy(in_a_row=5)
EVENTS = 80  # more than are ever asked at once


@pytest.mark.parametrize("blocks", [Fault.FORBIDDEN, Fault.CHALLENGE])
def test_s6_a_blocked_marketplace_opens_the_breaker_nothing_is_sold_out_and_it_closes_by_itself(
    warehouse: Warehouse,
    connection: Connection,
    refresh: Refresh,
    monkeypatch: pytest.MonkeyPatch,
    blocks: Fault,
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    simulated = SimulatedMarketplace(seed=7, events=EVENTS, clock=lambda: NOW)
    found = asyncio.run(discover_events(simulated, "search", "simulated")).events
    upsert_events(connection, "simulator", map(asdict, found))
    app = Faulty(build_app(simulated.market, clock=lambda: NOW))

    def run(number: int, worker: str) -> dict[str, int]:
        """Capture, read and roll up a tick with a worker of its own; how many captures of each status."""
        tick = NOW + number * TEN
        ensure_partitions(connection, [tick])
        turns = SharedRateLimiter(warehouse.connect_to, "simulator", RateLimits(policy=POLICY))
        client = ServedSimulator(url, "tests", limiter=turns)
        capture_tick(connection, client, tick, None, worker)
        read_tick(connection, client, tick, 0.05, worker, only_received=True)
        refresh.run_until_clean(connection)
        assert_exact(connection)
        rows = connection.execute("select status, count(*) from market.captures where tick = %s group by 1", [tick])
        return dict(rows.fetchall())

    with served(app) as url:
        assert run(0, "a") == {"ok": EVENTS}
        prices = latest(connection)

        app.rates, app.asked = {blocks: 1.0}, []
        blocked = run(1, "b")
        assert blocked.keys() == {"blocked", "missed"}
        assert 5 <= blocked["blocked"] == len(app.asked) < EVENTS
        assert latest(connection) == prices
        row = load_breaker(connection, "simulator")
        assert (row.state, row.openings) == ("open", 1)
        assert connection.execute("select min(note) from market.captures where status = 'missed'").fetchone() == (
            f"Production {asked_last(connection)} was not requested: {describe_breaker('simulator', row)}",
        )

        app.asked = []
        assert run(1, "another process") == blocked  # the same breaker, for whoever asks
        assert app.asked == []

        connection.execute("update market.breakers set probe_at = now()")  # as if the wait were over
        app.rates = {}
        assert run(2, "c") == {"ok": EVENTS}  # a probe first, and then the whole tick
        assert load_breaker(connection, "simulator").state == "closed"
    changes = connection.execute("select level, message from market.scraper_logs where job_id is null order by id")
    assert [(level, message.partition(" until")[0]) for level, message in changes.fetchall()] == [
        ("WARNING", "The breaker of simulator is open"),
        ("WARNING", "The breaker of simulator is letting one request through, to see whether we are still blocked."),
        ("INFO", "The breaker of simulator is closed."),
    ]


def latest(connection: Connection) -> Any:
    """What the zones cost and have, by the rollups."""
    return contents(connection)["latest_prices"]


def asked_last(connection: Connection) -> str:
    """The missed event whose note comes first."""
    row = connection.execute(
        """select external_id from market.events inner join market.captures using (event_key)
           where status = 'missed' order by note limit 1"""
    ).fetchone()
    assert row
    return str(row[0])
