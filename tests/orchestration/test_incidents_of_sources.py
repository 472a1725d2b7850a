"""Several marketplaces: an incident names its source, and the others are not touched."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from orchestration.incidents import Watched, find_incidents
from orchestration.run_plan import SOURCE_TAG, TICK_TAG
from tests.support.markets import TEN, add_event
from tickettape.database import Connection, Warehouse
from tickettape.incidents import record_incidents, record_told
from tickettape.marketplaces.breaker import Breaker
from tickettape.marketplaces.breaker_store import store_breaker
from tickettape.observations.poll_schedule import PollRules, plan_polls
from tickettape.settings import Settings

FAILS, BLOCKS, STALE = "gametime_a", "vividseats_b", "tevo_c"
OWN: dict[str, Any] = {name: {"format": "simulator", "url": "http://127.0.0.1:9"} for name in (FAILS, BLOCKS, STALE)}


@pytest.fixture
def failing_ticks(instance: dg.DagsterInstance) -> dg.DagsterInstance:
    """Three ticks in a row failed at one source, and succeeded at another."""
    for number in range(3):
        for source, status in ((FAILS, dg.DagsterRunStatus.FAILURE), (BLOCKS, dg.DagsterRunStatus.SUCCESS)):
            tags = {SOURCE_TAG: source, TICK_TAG: f"2026-11-20T12:{number}0"}
            instance.add_run(dg.DagsterRun("tick", status=status, tags=tags))
    return instance


def test_an_incident_names_its_source_and_no_other(
    warehouse: Warehouse, connection: Connection, failing_ticks: dg.DagsterInstance
) -> None:
    now, settings = datetime.now(UTC), Settings(marketplaces=OWN)
    opened = Breaker("open", 5, "bbbbb", 1, now.timestamp(), now.timestamp() + 300, "5 blocked in a row")
    store_breaker(connection, BLOCKS, opened, before=Breaker())
    for source in (FAILS, BLOCKS, STALE):
        add_event(connection, source, source=source, name=f"An opera at {source}", date=now + timedelta(days=30))
    connection.execute("update market.events set created_at = %s where source = %s", [now - timedelta(hours=1), STALE])
    plan_polls(connection, STALE, now, PollRules(TEN))  # and then nothing: it is not captured

    def found() -> dict[str, str]:
        incidents = find_incidents(settings, warehouse, failing_ticks, Watched(["tick"], []), now)
        return {one.about: f"{one.title} {one.message}" for one in incidents}

    told = found()
    assert set(told) == {f"runs of tick ({FAILS})", f"breaker {BLOCKS}", f"freshness {STALE}"}
    for about, text in told.items():
        (named,) = [source for source in OWN if source in about]
        assert named in text
        assert not [source for source in OWN if source != named and source in text], text
    store_breaker(connection, BLOCKS, Breaker(), before=opened)
    assert set(found()) == {f"runs of tick ({FAILS})", f"freshness {STALE}"}


def test_the_end_of_one_sources_incident_is_not_that_of_another(warehouse: Warehouse, connection: Connection) -> None:
    now = datetime.now(UTC)
    first = Breaker("open", 5, "bbbbb", 1, now.timestamp(), now.timestamp() + 300, "5 blocked in a row")
    for source in (FAILS, BLOCKS):
        store_breaker(connection, source, first, before=Breaker())

    def looked() -> tuple[list[str], list[str]]:
        with dg.DagsterInstance.ephemeral() as instance:
            current = list(find_incidents(Settings(marketplaces=OWN), warehouse, instance, Watched([], []), now))
        new, over = record_incidents(connection, current, now=now, repeat=timedelta(hours=12))
        record_told(connection, new, now)
        return sorted(one.about for one in new), sorted(one.about for one in over)

    assert looked() == ([f"breaker {FAILS}", f"breaker {BLOCKS}"], [])
    store_breaker(connection, FAILS, Breaker(), before=first)
    assert looked() == ([], [f"breaker {FAILS}"])
