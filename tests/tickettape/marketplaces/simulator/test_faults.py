"""A market that answers badly: every class of fault, at its rate, and what becomes of it."""

import asyncio
import random
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest

from tests.support.loopback_servers import served
from tests.support.markets import TEN
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces.simulator import Market, ServedSimulator, SimulatedMarketplace, build_app
from tickettape.marketplaces.simulator.faults import CAPTURED_AS, PARTS, PASSING, Fault, Faulty, evenly, long_tailed
from tickettape.observations import capture_tick, floor_to_grid, read_tick

TICK = floor_to_grid(TEN, datetime.now(UTC))


def track_all(connection: Connection, productions: int) -> Market:
    """A small market, in the catalogue."""
    simulated = SimulatedMarketplace(seed=7, events=productions, clock=lambda: TICK)
    found = asyncio.run(discover_events(simulated, "search", "simulated")).events
    upsert_events(connection, "simulator", map(asdict, found))
    ensure_partitions(connection, [TICK])
    return simulated.market


def captured(connection: Connection, url: str, **settings: float) -> Counter[str]:
    """Capture and read the tick; how many captures of each status."""
    limits: dict[str, Any] = {"deadline_seconds": 1.0, "read_seconds": 0.4}
    client = ServedSimulator(
        url, "tests", requests_per_second=None, first_backoff_seconds=0.02,
        **(limits | settings),
    )  # fmt: skip
    capture_tick(connection, client, TICK, None, "a-test")
    read_tick(connection, client, TICK, 0.05, "a-test", only_received=True)
    rows = connection.execute("select status, count(*) from market.captures group by 1").fetchall()
    return Counter({str(status): int(count) for status, count in rows})


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_a_fault_that_stays_ends_as_its_class_and_is_never_a_price_nor_sold_out(
    connection: Connection, fault: Fault
) -> None:
    app = Faulty(build_app(track_all(connection, 1), clock=lambda: TICK), {fault: 1.0})
    with served(app) as url:
        assert captured(connection, url) == {CAPTURED_AS[fault]: 1}
    if fault not in (Fault.DRIP, Fault.TOO_FAST, Fault.TOO_FAST_UNTIL):  # which take as long as the deadline
        assert (len(app.asked) > 1) is (fault in PASSING)
    rows = connection.execute("select count(*) from market.section_snapshots").fetchone()
    assert rows
    assert (rows[0] > 0) is (CAPTURED_AS[fault] == "ok" or fault is Fault.CUT)
    refused = connection.execute("select count(*) from market.quarantine").fetchone()
    assert refused == (int(CAPTURED_AS[fault] == "rejected"),)


def test_every_fault_is_of_one_part() -> None:
    assert sorted(fault for part in PARTS.values() for fault in part) == sorted(Fault)


def test_s5_one_bad_event_among_many_costs_that_event_alone(connection: Connection) -> None:
    market = track_all(connection, 60)
    bad = str(market.productions(TICK)[31].production_id)
    healthy = build_app(market, clock=lambda: TICK)
    broken = Faulty(healthy, {Fault.FORBIDDEN: 1.0})

    async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        await (broken if bad.encode() in scope.get("query_string", b"") else healthy)(scope, receive, send)

    with served(app) as url:
        assert captured(connection, url, deadline_seconds=20.0, read_seconds=10.0) == {"ok": 59, "blocked": 1}
    assert connection.execute(
        "select external_id from market.events inner join market.captures using (event_key) where status = 'blocked'"
    ).fetchone() == (bad,)


def test_faults_come_at_their_rates_and_the_same_seed_draws_the_same() -> None:
    async def ignored(*_: object) -> None: ...

    def drawn(seed: int) -> list[StrEnum | None]:
        app = Faulty(build_app(Market(events=1)), {Fault.BROKEN: 0.03, Fault.FORBIDDEN: 0.02}, seed=seed)

        async def ask_all() -> None:
            for number in range(1500):
                scope = {"type": "http", "path": "/listings", "query_string": f"productionId=x{number}".encode(),
                         "method": "GET", "headers": []}  # fmt: skip
                await app(scope, ignored, ignored)  # type: ignore[arg-type]

        asyncio.run(ask_all())
        return [one.fault for one in app.asked]

    first = drawn(1)
    counts = Counter(first)
    assert 25 <= counts[Fault.BROKEN] <= 65
    assert 15 <= counts[Fault.FORBIDDEN] <= 45
    assert drawn(1) == first != drawn(2)


def test_latencies_are_of_their_distribution() -> None:
    draw = random.Random(1)
    even = [evenly(0.05, 0.2)(draw) for _ in range(2000)]
    assert 0.05 <= min(even) < max(even) <= 0.2
    tailed = sorted(long_tailed(0.1)(draw) for _ in range(2000))
    assert 0.09 < tailed[1000] < 0.11
    assert tailed[-1] > 0.35
