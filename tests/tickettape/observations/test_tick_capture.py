"""What a tick's work leaves behind of its failures: the job's errors by class, and a line for each."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.markets import NOON, TEN, add_event
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces.protocol import Answer
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import capture_tick, floor_to_grid
from tickettape.observations.poll_schedule import (
    PollRules,
)
from tickettape.observations.tick_capture import plan_tick

HOUR = timedelta(hours=1)


TICK = floor_to_grid(TEN, datetime.now(UTC))


class Moody(SimulatedMarketplace):
    """A market whose first events fail, each in its own way."""

    moods = ("throttled", "passing", "passing", "missing", "surprise")

    async def listings(self, external_id: str, at: datetime) -> Answer:
        number = [str(one.production_id) for one in self.market.productions(TICK)].index(external_id)
        if number >= len(self.moods):
            return await super().listings(external_id, at)
        mood = self.moods[number]
        if mood == "surprise":
            raise ZeroDivisionError("a fault of ours")
        status = "missing" if mood == "missing" else "failed"
        return Answer(external_id, status, 503, None, TICK, 70, f"it is {mood}", mood)  # type: ignore[arg-type]


@pytest.fixture
def market(connection: Connection) -> Moody:
    moody = Moody(seed=7, events=8, clock=lambda: TICK)
    found = asyncio.run(discover_events(moody, "search", "simulated")).events
    upsert_events(connection, "simulator", map(asdict, found))
    ensure_partitions(connection, [TICK])
    return moody


def test_a_jobs_errors_are_counted_by_class_and_each_has_a_line_with_its_figures(
    connection: Connection, market: Moody
) -> None:
    capture_tick(connection, market, TICK, None, "a run")
    assert connection.execute(
        "select status, events_scraped, errors_count, error_details, duration_ms > 0 from market.scraper_jobs"
    ).fetchall() == [("success", 3, 5, {"throttled": 1, "passing": 2, "missing": 1, "ZeroDivisionError": 1}, True)]
    lines = {
        metadata["class"]: (level, message, stack_trace, metadata["latency_ms"])
        for level, message, stack_trace, metadata in connection.execute(
            "select level, message, stack_trace, metadata from market.scraper_logs where event_id is not null"
        )
    }
    assert lines["throttled"] == ("ERROR", "it is throttled", None, 70)
    assert lines["missing"][0] == "WARNING"
    level, message, stack_trace, _ = lines["ZeroDivisionError"]
    assert (level, "a fault of ours" in message, "Traceback" in stack_trace) == ("ERROR", True, True)


def test_a_job_that_dies_of_our_own_fault_is_failed_with_its_stack_trace(
    connection: Connection, market: Moody, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no room for captures")

    monkeypatch.setattr("tickettape.observations.tick_capture.store_captures", broken)
    with pytest.raises(RuntimeError):
        capture_tick(connection, market, TICK, None, "a run")
    jobs = connection.execute("select status, error_details from market.scraper_jobs").fetchall()
    assert jobs == [("failed", {"RuntimeError": 1})]
    [(message, trace)] = connection.execute("select message, stack_trace from market.scraper_logs").fetchall()
    assert (message, "Traceback" in trace) == ("no room for captures", True)


def test_a_live_tick_takes_what_is_due_most_urgent_first_and_a_backfill_takes_all(connection: Connection) -> None:
    keys = [add_event(connection, str(number)) for number in range(3)]
    connection.execute("update market.events set created_at = %s", [NOON])
    connection.execute("update market.events set created_at = %s where event_key = %s", [NOON - HOUR, keys[1]])

    def taken(tick: datetime) -> list[int]:
        rows = connection.execute("select event_key from market.leases where tick = %s order by place", [tick])
        return [key for (key,) in rows.fetchall()]

    assert plan_tick(connection, "simulator", NOON, "a run", PollRules(TEN, most=2)) == 2
    assert taken(NOON) == [keys[1], keys[0]]
    assert plan_tick(connection, "simulator", NOON - HOUR, "a backfill") == 3
    assert taken(NOON - HOUR) == keys
