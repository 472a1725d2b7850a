"""Anomalies warn: each on the one that was made for it, none on a market as it usually is, and with rows to look at."""

import re
from datetime import UTC, datetime

import dagster as dg
import pytest

from orchestration.definitions import build_defs
from orchestration.partitions import partition_of
from orchestration.run_plan import TICK_TAG
from tests.dbt_project.conftest import capture_and_read, ticks_of_hour
from tests.support.dbt_runs import outcomes, run_dbt
from tests.support.failed_checks import tells_what_to_do
from tests.support.markets import watching
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.rollups import ROLLUPS_ALONE, pending_buckets
from tickettape.settings import Settings

ANOMALIES = {"no_lone_price_is_absurd", "volume_is_as_usual", "prices_do_not_jump", "zones_do_not_vanish_at_once"}

MADE = {
    # a new unit or currency: cents taken for dollars would be a hundred times as dear, and three times is enough
    "prices_do_not_jump": """
        update market.section_snapshots set
            lowest_price_cents = 3 * lowest_price_cents, highest_price_cents = 3 * highest_price_cents,
            price_sum_cents = 3 * price_sum_cents, lowest_price_1ticket_cents = null,
            lowest_price_2tickets_cents = null, lowest_price_4tickets_cents = null
        where event_key = %(event)s and tick >= date_trunc('hour', now())""",
    # a seller's typing error: 17 dollars among hundreds, in one section at one tick, and nothing else is moved by it
    "no_lone_price_is_absurd": """
        update market.section_snapshots as cheap set lowest_price_cents = 17, lowest_price_2tickets_cents = null,
            lowest_price_1ticket_cents = null, lowest_price_4tickets_cents = null
        from (
            select tick, section_key from market.section_snapshots
            where event_key = %(event)s and total_listings > 1 order by tick desc, section_key limit 1
        ) as one
        where cheap.event_key = %(event)s and cheap.tick = one.tick and cheap.section_key = one.section_key""",
    # an answer of which only the first page was read
    "volume_is_as_usual": """
        update market.section_snapshots set
            total_listings = 1, total_tickets = 2, price_sum_cents = lowest_price_cents,
            highest_price_cents = lowest_price_cents
        where event_key = %(event)s and tick >= date_trunc('hour', now())""",
    # an answer whose groups were cut: all zones but one are gone at the newest capture
    "zones_do_not_vanish_at_once": """
        delete from market.section_snapshots as gone using market.sections
        where gone.event_key = %(event)s and sections.event_key = gone.event_key
            and sections.section_key = gone.section_key
            and sections.zone_key > (select min(zone_key) from market.sections where event_key = %(event)s)
            and gone.tick = (select max(tick) from market.captures where event_key = %(event)s)""",
}


@pytest.fixture(autouse=True)
def running_hour(connection: Connection) -> None:
    """The running hour is captured, should it have begun since the days before it were."""
    ticks = ticks_of_hour(datetime.now(UTC))
    (newest,) = connection.execute("select max(tick) from market.captures").fetchone() or (None,)
    assert newest is not None
    if newest < ticks[0]:
        capture_and_read(connection, ticks)


@pytest.fixture
def event(connection: Connection) -> int:
    """The key of an event that is weeks away and has more zones than four."""
    row = connection.execute(
        """select events.event_key from market.events inner join market.zones using (event_key)
           where date > now() + interval '7 days'
           group by events.event_key having count(*) > 4 order by events.event_key limit 1"""
    ).fetchone()
    assert row
    return int(row[0])


def warned(*, all_of_it: bool) -> set[str]:
    result = outcomes(run_dbt("test", "--select", "path:dbt_project/tests/anomalies", all_of_it=all_of_it))
    assert {run.node.name for run in result} == ANOMALIES
    return {run.node.name for run in result if run.status == "warn"}


@pytest.mark.usefixtures("database_url")
@pytest.mark.parametrize("all_of_it", [False, True], ids=["after a tick", "at night"])
def test_a_market_as_it_usually_is_warns_of_nothing(all_of_it: bool) -> None:
    assert warned(all_of_it=all_of_it) == set()


@pytest.mark.parametrize("anomaly", sorted(ANOMALIES))
def test_an_anomaly_warns_of_itself_after_the_tick(connection: Connection, event: int, anomaly: str) -> None:
    done = connection.execute(MADE[anomaly], {"event": event})
    assert done.rowcount > 0
    run_dbt(*ROLLUPS_ALONE)
    assert anomaly in warned(all_of_it=False)


def test_a_lone_absurd_price_stays_a_fact_and_the_check_shows_it_beside_the_usual_one(
    connection: Connection, event: int
) -> None:
    connection.execute(MADE["no_lone_price_is_absurd"], {"event": event})
    run_dbt(*ROLLUPS_ALONE)
    assert warned(all_of_it=False) == {"no_lone_price_is_absurd"}
    rows = connection.execute(
        """select min(min_price), max(avg_price) from analytics.aggregated_analytics inner join market.events
               on events.id = event_id where event_key = %s""",
        [event],
    ).fetchone()
    assert rows
    assert float(rows[0]) == 0.17
    assert rows[1] > 10


@pytest.mark.parametrize(("factor", "absurd"), [(90, False), (200, True)])
def test_a_highest_price_is_absurd_at_a_hundred_times_the_usual_one(
    connection: Connection, event: int, factor: int, absurd: bool
) -> None:
    connection.execute(
        """update market.section_snapshots as dear set highest_price_cents = %(factor)s * 100 * (
               select percentile_cont(0.5) within group (order by median_price)
               from analytics.price_distribution inner join market.events
                   on events.id = event_id inner join market.zones using (event_key)
               where event_key = %(event)s and zones.name = price_distribution.zone
                   and hour between date_trunc('hour', dear.tick) - interval '24 hours' and dear.tick
                   and zone_key = (select zone_key from market.sections where section_key = dear.section_key))
           where event_key = %(event)s and (tick, section_key) = (
               select tick, section_key from market.section_snapshots
               where event_key = %(event)s order by tick desc, section_key limit 1)""",
        {"event": event, "factor": factor},
    )
    run_dbt(*ROLLUPS_ALONE)
    assert ("no_lone_price_is_absurd" in warned(all_of_it=False)) is absurd


def refresh(warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """The step `marts` of the job `tick`, for the newest tick."""
    (tick,) = connection.execute("select max(tick) from market.captures").fetchone() or (None,)
    assert tick is not None
    market = SimulatedMarketplace(clock=lambda: tick)
    defs = build_defs(settings=Settings(), warehouse=warehouse, marketplaces=watching(market))
    return defs.resolve_job_def("tick").execute_in_process(
        instance=instance,
        partition_key=partition_of(tick),
        tags={TICK_TAG: tick.isoformat()},
        op_selection=["marts"],
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )


def is_observation(event: dg.DagsterEvent) -> bool:
    return event.event_type is dg.DagsterEventType.ASSET_OBSERVATION


def test_a_warning_stops_nothing_and_shows_rows_in_dagster(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance, event: int
) -> None:
    connection.execute(MADE["prices_do_not_jump"], {"event": event})
    result = refresh(warehouse, connection, instance)
    assert result.success
    assert pending_buckets(connection) == {}
    (warning,) = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert (warning.check_name, warning.severity) == ("prices_do_not_jump", dg.AssetCheckSeverity.WARN)
    assert tells_what_to_do(warning.description)
    assert re.match(r"\d+ rows fail prices_do_not_jump: ", str(warning.description))
    sample = warning.metadata["failing rows (up to 10)"]
    assert isinstance(sample, dg.TableMetadataValue)
    assert {column.name for column in sample.schema.columns} >= {"zone", "avg_price", "usual_price", "robust_z_score"}
    assert {str(record.data["event_id"]) for record in sample.records} == {
        str(row[0]) for row in connection.execute("select id from market.events where event_key = %s", [event])
    }


def test_an_error_stops_what_is_downstream_and_shows_rows_in_dagster(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance, event: int
) -> None:
    before = connection.execute("select max(created_at) from analytics.aggregated_analytics").fetchall()
    connection.execute(
        """update market.section_snapshots set highest_price_cents = lowest_price_cents - 1
           where event_key = %s and tick = (select max(tick) from market.captures where event_key = %s)""",
        [event, event],
    )
    result = refresh(warehouse, connection, instance)
    assert not result.success
    observed = [e.asset_observation_data.asset_observation for e in result.filter_events(is_observation)]
    failed = {o.asset_key.to_user_string(): o.metadata for o in observed if o.metadata["status"].value == "fail"}
    assert {"snapshot_prices_are_in_order" in str(m["unique_id"].value) for m in failed.values()} == {True}
    assert isinstance(failed["section_snapshots"]["failing rows (up to 10)"], dg.TableMetadataValue)
    assert all(tells_what_to_do(o.description) for o in observed if o.metadata["status"].value == "fail")
    assert connection.execute("select max(created_at) from analytics.aggregated_analytics").fetchall() == before
    assert pending_buckets(connection)  # nothing is lost: they are refreshed once the snapshots are right
