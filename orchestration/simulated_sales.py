"""Where everything is simulated: link the demo's event to the event that is resold, and compare the two at once.

The summary of the box office does the rest, every 15 minutes. Where a real marketplace is watched, or money is real,
there is no such sensor, and no invented buyer.
"""

from datetime import UTC, datetime

import dagster as dg

from orchestration.start_claims import run_once
from tickettape.box_office import compared, simulated_event
from tickettape.catalogue import link_known
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces import FirstHandSales, Marketplaces, WatchedMarketplace, is_simulated
from tickettape.settings import Settings

GROUP = "simulated_sales"
SUMMARY_JOB = "box_office_summary"
RULE = "both are of one simulator"


def sold_market(settings: Settings, marketplaces: Marketplaces) -> WatchedMarketplace | None:
    """The simulated market of which an event is also sold here; None unless everything is simulated."""
    if settings.stripe_api_key or not all(is_simulated(one.settings) for one in marketplaces.values()):
        return None
    here = (one for one in marketplaces.values() if one.settings.format == "simulator" and not one.marketplace.paced)
    return next(here, None)


def sales_of(watched: WatchedMarketplace) -> FirstHandSales:
    """The box offices of a simulated market's events."""
    return FirstHandSales(watched.settings.simulator_seed, watched.settings.simulator_events)


def build_comparison_sensor(watched: WatchedMarketplace, warehouse: Warehouse) -> dg.SensorDefinition:
    """Start the first summary of the demo's event as soon as both of its markets are known."""

    @dg.sensor(
        name="compare_simulated_event",
        job_name=SUMMARY_JOB,
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def compare_simulated_event() -> dg.RunRequest | dg.SkipReason:
        """Link the event, and start one run. Later summaries start on schedule."""
        with warehouse.connection() as connection:
            why, event_id = _link(connection, watched.source, datetime.now(UTC))
        if event_id is None:
            return dg.SkipReason(why)
        return run_once(f"first summary of simulated event {event_id}")

    return compare_simulated_event


def _link(connection: Connection, source: str, now: datetime) -> tuple[str, int | None]:
    """Link the demo's event once its prices are known. Returns its id if it has to be compared, else None; and why."""
    event = simulated_event(connection, now)
    if event is None:
        return "No invented event is on sale. `make serve` puts one on sale.", None
    state = compared(connection, event.event_id, source, event.external_id)
    if state is None:
        return "The first tick comes first.", None
    sides = ("box_office", str(event.event_id)), (source, event.external_id)
    if not link_known(connection, *sides, RULE, {"event": event.external_id}, "simulator"):
        return "A person said that these are two events, or linked one of them to a third.", None
    return "Both markets are side by side.", None if state else event.event_id
