"""What the UI shows of an asset beside its description: its owner, its documentation, and how fresh it must be."""

from datetime import timedelta
from typing import Any

import dagster as dg

from tickettape.settings import Settings

OWNER = "team:tickettape"  # of every asset that names no other; a dbt model does so in its meta (dagster: owners:)

TABLES = {
    "events": "events",
    "captures": "captures",
    "section_snapshots": "section_snapshots",
    "market/price_ranges": "price_ranges",
    "event_links": "event_links",
    "forecasts": "forecasts",
    "forecast_tables": "forecast_tables",
}
"""Assets that write a table of schema market -> that table, which the dbt documentation describes."""

PAGES = {
    "api": "docs/api.md",
    "documentation": "docs/analyst.md",
    "partitions_ahead": "docs/operations.md",
    "archived_months": "docs/archive.md",
    "archived_events": "docs/archive.md#events-of-the-box-office",
    "simulated_history": "docs/operations.md#the-week-before-the-first-tick",
    "backlog": "docs/operations.md#live-ticks-come-first",
    "vacuumed_tables": "docs/operations.md",
    "database_health": "docs/operations.md#health",
    "service_history": "docs/operations.md#the-service",
    "backups": "docs/backups.md",
    "proved_backup": "docs/backups.md",
    "packed_days": "docs/operations.md#packed-days",
    "event_links": "docs/matching.md",
    "price_alerts": "docs/alerts.md",
    "box_office/sales": "docs/box-office-pipeline.md",
    **dict.fromkeys(("tidied_orders", "notices", "seat_prices"), "docs/box-office-pipeline.md"),
    **dict.fromkeys(("forecasts", "forecast_tables"), "docs/forecasts.md"),
    **dict.fromkeys(
        ("expired_payloads", "expired_hours", "expired_jobs", "dagster_history"),
        "docs/operations.md#what-is-kept-for-how-long",
    ),
}
"""Other assets -> the page of this repository that explains them."""

PRICE_RANGES = dg.AssetSpec(
    ["market", "price_ranges"],
    group_name="imports",
    kinds={"postgres"},
    description="Price ranges of events whose sections and listings are not known. `tickettape import` stores them.",
)
"""A table that no run writes."""

BOX_OFFICE = dg.AssetSpec(
    ["box_office", "sales"],
    group_name="box_office",
    kinds={"postgres"},
    description="What the box office sells, at face value: events, tiers, seats, tickets and money. Buyers write it.",
)
"""The tables of the primary market, which no run writes either."""

LIVE_GROUPS = ("tick", "serving")
LATE_AFTER, STALE_AFTER = 2, 3
"""Intervals between two ticks. A tick is materialized within one, and a second one that failed is worth a look."""


def with_page(spec: dg.AssetSpec, settings: Settings) -> dg.AssetSpec:
    """The asset with its owner, its documentation, and, if every tick materializes it, a freshness policy.

    The policy says that the steps run. It is per asset, so a backfill of an old hour satisfies it. Whether each event
    has a price that is new enough is what the check `freshness` asks the tables.
    """
    name = spec.key.to_user_string()
    metadata: dict[str, Any] = {}
    unique_id = spec.metadata.get("dagster_dbt/unique_id")
    if name in TABLES:
        unique_id = f"source.tickettape.market.{TABLES[name]}"
        metadata["dagster/table_name"] = f"market.{TABLES[name]}"
    table = str(spec.metadata.get("dagster/table_name", ""))
    if table.count(".") == 2:  # dbt puts the database's name in front, which nobody types
        metadata["dagster/table_name"] = table.partition(".")[2]
    if unique_id:
        kind = str(unique_id).partition(".")[0]
        metadata["documentation (while make serve runs)"] = dg.MetadataValue.url(
            f"{service_url(settings)}/docs/data#!/{kind}/{unique_id}"
        )
    if name in PAGES:
        metadata["documentation"] = dg.MetadataValue.path(PAGES[name])
    of_a_tick = "dagster_dbt/unique_id" in spec.metadata and "box_office" not in spec.tags
    live = spec.group_name in LIVE_GROUPS or of_a_tick
    return spec.replace_attributes(
        owners=[*spec.owners] or [OWNER],
        metadata={**spec.metadata, **metadata},
        freshness_policy=freshness_of_ticks(settings) if live else None,
    )


def freshness_of_ticks(settings: Settings) -> dg.FreshnessPolicy:
    """How old what every tick makes may be: by the shortest interval, because one asset stands for all marketplaces."""
    every = timedelta(minutes=min(settings.of_source(one).scraper_interval_minutes for one in settings.sources))
    return dg.FreshnessPolicy.time_window(warn_window=LATE_AFTER * every, fail_window=STALE_AFTER * every)


def service_url(settings: Settings) -> str:
    """Where the service of this machine is."""
    host = settings.serving_host
    return f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{settings.port}"  # noqa: S104
