"""One marketplace that fails costs only itself, and discovery that fails stops no capture."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from orchestration import checks
from orchestration.assets.captures import captures
from orchestration.assets.events import events
from orchestration.assets.section_snapshots import section_snapshots
from orchestration.incidents import Watched, find_incidents
from orchestration.partitions import partition_of
from orchestration.run_plan import SOURCE_TAG, TICK_TAG
from tests.support.failed_checks import tells_what_to_do
from tests.support.markets import TEN, watching
from tickettape.catalogue import decide_link, discover_events, track_rule, tracking_rules
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces import MarketplaceEvent, Marketplaces, Refused
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import floor_to_grid
from tickettape.settings import Settings

DISCOVERY = dg.AssetCheckKey(dg.AssetKey("events"), "discovery")


class Market(SimulatedMarketplace):
    """A simulated market of which parts can be broken, as by a mistake of ours."""

    broken: tuple[str, ...] = ()

    def upcoming_events(self, **rule: Any) -> Any:
        if "discovery" in self.broken:
            raise KeyError("a field that is not there")
        return self._listed(**rule)

    async def _listed(self, **rule: Any) -> AsyncIterator[MarketplaceEvent | Refused]:
        if "an entry" in self.broken:
            yield Refused("Production 2 is none.", payload=b"{}")
        async for one in super().upcoming_events(**rule):
            yield one

    @property
    def requests(self) -> Counter[str]:
        if "capture" in self.broken:  # what fails at one event costs that event alone: this fails beside them
            raise RuntimeError("a mistake in the client")
        return super().requests

    def read_listings(self, body: bytes, external_id: str, tolerance: float) -> Any:
        if "reading" in self.broken:
            raise RuntimeError("a mistake in the reader")
        return super().read_listings(body, external_id, tolerance)


@pytest.fixture
def markets() -> dict[str, Market]:
    return {name: Market(source=name, seed=number, events=3) for number, name in enumerate(("fair", "foul"))}


def run(
    warehouse: Warehouse, instance: dg.DagsterInstance, marketplaces: Marketplaces, source: str | None = None
) -> dg.ExecuteInProcessResult:
    """Capture and read the running tick, and check what was discovered; of all marketplaces, or of one."""
    tick = floor_to_grid(TEN, datetime.now(UTC))
    return dg.materialize(
        [events, captures, section_snapshots, checks.discovery],
        partition_key=partition_of(tick),
        tags={TICK_TAG: tick.isoformat()} | ({SOURCE_TAG: source} if source else {}),
        instance=instance,
        resources={"warehouse": warehouse, "marketplaces": marketplaces},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )


def captured(connection: Connection) -> dict[str, int]:
    rows = connection.execute(
        """select source, count(*) from market.captures inner join market.events using (event_key)
           where status in ('ok', 'received') group by source"""
    ).fetchall()
    return {str(source): int(count) for source, count in rows}


@pytest.mark.parametrize(("part", "step"), [("capture", "captures"), ("reading", "section_snapshots")])
def test_a_marketplace_that_fails_costs_only_itself_and_the_run_names_it(
    part: str,
    step: str,
    warehouse: Warehouse,
    connection: Connection,
    instance: dg.DagsterInstance,
    markets: dict[str, Market],
) -> None:
    markets["fair"].broken = (part,)  # the first: what follows has its turn
    result = run(warehouse, instance, watching(*markets.values()))
    assert not result.success
    failure = result.failure_data_for_node(step)
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "1 of 2 marketplaces failed, and the others are done. fair: a mistake" in str(
        failure.user_failure_data.description
    )
    assert captured(connection)["foul"] == 3
    assert "events captured (foul)" in failure.user_failure_data.metadata or step == "section_snapshots"


def test_the_only_marketplace_of_a_run_fails_with_its_own_error(
    warehouse: Warehouse, instance: dg.DagsterInstance, markets: dict[str, Market]
) -> None:
    markets["foul"].broken = ("capture",)
    result = run(warehouse, instance, watching(*markets.values()), "foul")
    failure = result.failure_data_for_node("captures")
    assert failure is not None
    assert "a mistake in the client" in str(failure.error)
    assert run(warehouse, instance, watching(*markets.values()), "fair").success


def test_an_entry_of_the_catalogue_that_cannot_be_read_costs_itself_alone_and_is_seen(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance, markets: dict[str, Market]
) -> None:
    markets["fair"].broken = ("an entry",)
    for _ in range(2):
        result = run(warehouse, instance, watching(*markets.values()))
        assert result.success
        connection.execute("update market.tracked_rules set discovered_at = null")
    assert min(captured(connection)[source] for source in ("fair", "foul")) >= 3  # more where a tick began between
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert "1 left out, such as search simulated: Production 2 is none." in str(check.description)
    rows = connection.execute("select source, external_id, reason from market.quarantine").fetchall()
    assert rows == [("fair", None, "search simulated: Production 2 is none.")]  # once, however often it is met


def test_discovery_that_fails_stops_no_capture_and_is_an_incident_until_it_works_again(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance, markets: dict[str, Market]
) -> None:
    settings = Settings(catalogue_refresh_minutes=1)
    marketplaces = watching(*markets.values(), settings=settings)
    assert run(warehouse, instance, marketplaces).get_asset_check_evaluations()[0].passed
    connection.execute("update market.tracked_rules set discovered_at = null")
    connection.execute("delete from market.captures")

    markets["fair"].broken = ("discovery",)
    failed = run(warehouse, instance, marketplaces, "fair")
    assert failed.success  # what is watched already is captured
    assert captured(connection) == {"fair": 3}
    well = run(warehouse, instance, marketplaces, "foul")  # says the same: another marketplace's tick hides nothing
    for result in (failed, well):
        (check,) = result.get_asset_check_evaluations()
        assert not check.passed
        assert "fair: New events are not found" in str(check.description)
        assert tells_what_to_do(check.description)
        assert "KeyError: 'a field that is not there'" in str(check.description)
    watched = Watched(checks=[DISCOVERY])
    told = [one.message for one in find_incidents(settings, warehouse, instance, watched, datetime.now(UTC))]
    assert any("events:discovery: fair: New events are not found" in message for message in told)

    markets["fair"].broken = ()
    assert run(warehouse, instance, marketplaces, "fair").get_asset_check_evaluations()[0].passed
    told = [one.message for one in find_incidents(settings, warehouse, instance, watched, datetime.now(UTC))]
    assert not any("events:discovery" in message for message in told)


def test_a_failure_beside_the_rules_stops_no_capture_either(
    warehouse: Warehouse,
    connection: Connection,
    instance: dg.DagsterInstance,
    markets: dict[str, Market],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marketplaces = watching(markets["fair"])
    assert run(warehouse, instance, marketplaces).success
    connection.execute("delete from market.captures")

    def retire(connection: Connection, *_: Any, **__: Any) -> None:
        connection.close()  # as where the server was restarted
        raise RuntimeError("nobody could be retired")

    monkeypatch.setattr("orchestration.assets.events.retire_events", retire)
    result = run(warehouse, instance, marketplaces)
    assert result.success
    assert captured(connection) == {"fair": 3}
    (check,) = result.get_asset_check_evaluations()
    assert "nobody could be retired" in str(check.description)


def test_a_rule_of_one_source_is_followed_to_the_others_in_the_same_tick(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance
) -> None:
    markets = [Market(source=name, seed=1, events=3) for name in ("fair", "foul")]
    found = asyncio.run(discover_events(markets[0], "search", "simulated")).events
    one, other, _ = (event.external_id for event in found)
    track_rule(connection, "fair", "event", one)
    track_rule(connection, "foul", "event", other)
    run(warehouse, instance, watching(*markets))
    assert captured(connection) == {"fair": 1, "foul": 1}
    decide_link(connection, ("fair", one), ("foul", one), "confirmed", "somebody")
    run(warehouse, instance, watching(*markets))
    assert captured(connection) == {"fair": 1, "foul": 2}
    assert [str(rule) for rule in tracking_rules(connection, "foul") if rule.because_of] == [f"event {one}"]
    decide_link(connection, ("fair", one), ("foul", one), "refused", "somebody")
    run(warehouse, instance, watching(*markets))
    assert connection.execute(
        "select source, external_id, active from market.events where retired_because is not null"
    ).fetchall() == [("foul", one, False)]
