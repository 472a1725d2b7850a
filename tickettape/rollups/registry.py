"""The list of rollups. A rollup consists of its dbt model, the model's yml, its oracle, and a line here."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Rollup:
    """A rollup that is refreshed bucket by bucket.

    `bucket`: what is recomputed whole: an event's hour, its day, or the event. `made_of`: the facts that it shows.
    `marked_by`: the table of facts whose triggers mark its hours; None: the refresh of another rollup marks it.
    `counted_as`: the name of its rows in the report of a correction; None: they are not counted.
    """

    name: str
    bucket: Literal["hour", "day", "event"]
    made_of: Literal["snapshots", "listings", "price ranges"]
    marked_by: str | None = None
    counted_as: str | None = None


ROLLUPS = (
    Rollup("event_hours", "hour", "snapshots", marked_by="captures", counted_as="event hours"),
    Rollup("aggregated_analytics", "hour", "snapshots", counted_as="zone hours"),
    Rollup("event_days", "day", "snapshots", counted_as="event days"),
    Rollup("daily_analytics", "day", "snapshots", counted_as="zone days"),
    Rollup("latest_prices", "event", "snapshots"),
    Rollup("price_distribution", "hour", "listings", marked_by="listing_changes"),
    Rollup("inventory_changes", "hour", "listings", marked_by="listing_changes"),
    Rollup("listing_departures", "hour", "listings", marked_by="listing_changes"),
    Rollup("range_hours", "hour", "price ranges", marked_by="price_ranges", counted_as="price range hours"),
    Rollup("get_in_hours", "hour", "listings"),
    Rollup("event_board", "event", "listings"),
)
"""In this order: a rollup comes after those whose refresh marks it."""

ROLLUP_NAMES = tuple(rollup.name for rollup in ROLLUPS)
HOURLY_ROLLUPS = tuple(rollup.name for rollup in ROLLUPS if rollup.bucket == "hour")
SNAPSHOT_ROLLUPS = tuple(rollup.name for rollup in ROLLUPS if rollup.made_of == "snapshots")
MARKED_BY = {
    facts: tuple(rollup.name for rollup in ROLLUPS if rollup.marked_by == facts)
    for facts in dict.fromkeys(rollup.marked_by for rollup in ROLLUPS if rollup.marked_by)
}
"""A table of facts -> the rollups whose hours it marks."""

SALES_ROLLUPS = ("sales_by_hour", "event_sales_hours", "event_sales_days", "event_sales_summary", "sell_through")
"""The rollups of the box office, with marks of their own (dbt_project/macros/sales_buckets.sql), in the same order."""
