"""R12 and R14: answers that come twice, and a snapshot step that dies, with the program's own steps."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.support.dbt_observations import contents
from tests.support.markets import TEN
from tests.support.oracle import assert_exact
from tests.support.recorded_refresh import Refresh
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import capture_tick, copy_snapshots, floor_to_grid, read_tick
from tickettape.observations import section_snapshots as snapshots
from tickettape.settings import Settings

FIRST = floor_to_grid(TEN, datetime.now(UTC)) - TEN
SECOND = FIRST + TEN


class DiedError(Exception):
    """The process that read the answers ended."""


@pytest.fixture
def market(connection: Connection) -> SimulatedMarketplace:
    """A small market, in the catalogue."""
    simulated = SimulatedMarketplace(seed=7, events=3, clock=lambda: FIRST)
    found = asyncio.run(discover_events(simulated, "search", "simulated")).events
    upsert_events(connection, simulated.source, map(asdict, found))
    ensure_partitions(connection, [FIRST, SECOND])
    return simulated


def capture(connection: Connection, market: Any, tick: datetime) -> None:
    capture_tick(connection, market, tick, None, "a-test")


def read(connection: Connection, market: Any, tick: datetime, *, again: bool = False) -> int:
    """Read a tick's answers; how many."""
    verdicts, _ = read_tick(connection, market, tick, Settings().partial_tolerance, "a-test", only_received=not again)
    return len(verdicts)


def facts(connection: Connection) -> list[Any]:
    return connection.execute(
        """select to_jsonb(s) from market.section_snapshots as s
           union all select to_jsonb(c) - 'job_id' from market.captures as c order by 1"""
    ).fetchall()


@pytest.fixture
def first_tick(connection: Connection, market: SimulatedMarketplace, refresh: Refresh) -> None:
    """One tick, captured, read and rolled up."""
    capture(connection, market, FIRST)
    assert read(connection, market, FIRST) == 3
    refresh.run_until_clean(connection)
    assert_exact(connection)


def test_r12_the_same_answer_delivered_twice_counts_once(
    connection: Connection, market: SimulatedMarketplace, refresh: Refresh, first_tick: None
) -> None:
    stored, rolled_up = facts(connection), contents(connection)
    capture(connection, market, FIRST)
    assert read(connection, market, FIRST) == 0
    assert read(connection, market, FIRST, again=True) == 3
    refresh.run_until_clean(connection)
    assert_exact(connection)
    assert facts(connection) == stored
    assert contents(connection) == rolled_up


def test_r12_an_answer_read_again_after_an_unknown_commit_counts_once(
    warehouse: Warehouse,
    connection: Connection,
    market: SimulatedMarketplace,
    refresh: Refresh,
    first_tick: None,
) -> None:
    capture(connection, market, SECOND)
    with warehouse.connection() as lost:
        assert read(lost, market, SECOND) == 3
        # it committed; its client never learns: the session is ended, and the client tries again on another
        connection.execute("select pg_terminate_backend(%s, 5000)", [lost.info.backend_pid])
        with pytest.raises(psycopg.OperationalError):
            lost.execute("select 1")
    refresh.run_until_clean(connection)
    stored, rolled_up = facts(connection), contents(connection)
    assert read(connection, market, SECOND) == 0
    assert read(connection, market, SECOND, again=True) == 3
    refresh.run_until_clean(connection)
    assert_exact(connection)
    assert facts(connection) == stored
    assert contents(connection) == rolled_up


@pytest.mark.parametrize("where", ["between two answers", "after the rows", "killed after the rows"])
def test_r14_a_snapshot_step_that_dies_after_the_answers_were_stored_shows_nothing_sold_out_and_the_next_completes_it(
    warehouse: Warehouse,
    connection: Connection,
    market: SimulatedMarketplace,
    refresh: Refresh,
    first_tick: None,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    before = contents(connection)
    available = connection.execute("select count(*) from latest_prices where available").fetchone()
    assert available
    assert available[0] > 3
    capture(connection, market, SECOND)
    refresh.run_until_clean(connection)  # the answers are stored, and say nothing yet
    assert contents(connection) == before

    with monkeypatch.context() as patch, warehouse.connection() as doomed:
        if where == "between two answers":
            read_answer, answers = SimulatedMarketplace.read_listings, iter(range(3))

            def die(self: Any, *arguments: Any) -> Any:
                if next(answers) == 1:
                    raise DiedError
                return read_answer(self, *arguments)

            patch.setattr(SimulatedMarketplace, "read_listings", die)
        else:
            copy = copy_snapshots

            def copy_and_die(*arguments: Any) -> None:
                copy(*arguments)
                if where == "after the rows":
                    raise DiedError
                connection.execute("select pg_terminate_backend(%s, 5000)", [doomed.info.backend_pid])

            patch.setattr(snapshots, "copy_snapshots", copy_and_die)
        with pytest.raises((DiedError, psycopg.OperationalError)):
            read(doomed, market, SECOND)
    assert connection.execute(
        "select status, count(*) from market.captures where tick = %s group by status", [SECOND]
    ).fetchall() == [("received", 3)]
    refresh.run_until_clean(connection)
    assert_exact(connection)
    assert contents(connection) == before

    assert read(connection, market, SECOND) == 3
    refresh.run_until_clean(connection)
    assert_exact(connection)
    assert connection.execute("select distinct timestamp from latest_prices").fetchall() == [(SECOND,)]
