"""The definitions that Dagster loads. Tests call `build_defs` with their own settings, warehouse and marketplaces."""

import dagster as dg

from orchestration import broken_models, checks, dbt, jobs
from orchestration.asset_pages import BOX_OFFICE, PRICE_RANGES, with_page
from orchestration.assets import backups, retention, upkeep
from orchestration.assets.archive import (
    archived_events,
    archived_months,
    partitions_ahead,
    restore_event,
    restore_month,
)
from orchestration.assets.backlog import backlog
from orchestration.assets.box_office import (
    books,
    box_office_sales,
    notices,
    seat_prices,
    tidied_orders,
)
from orchestration.assets.captures import captures
from orchestration.assets.documentation import build_documentation, build_documentation_sensor, documentation
from orchestration.assets.event_links import event_links
from orchestration.assets.events import events
from orchestration.assets.forecasts import forecast_tables, forecasts
from orchestration.assets.marts import marts
from orchestration.assets.packed_days import packed_days
from orchestration.assets.price_alerts import price_alerts
from orchestration.assets.section_snapshots import section_snapshots
from orchestration.assets.serving import api, service_is_well
from orchestration.assets.simulated_history import simulated_history
from orchestration.assets.simulated_sales import simulated_sales
from orchestration.box_office_schedules import build_box_office_schedules
from orchestration.console import console_logger
from orchestration.incidents import build_incident_sensor
from orchestration.price_alerts import build_price_alert_sensor
from orchestration.schedules import HOUSEKEEPING, build_tick_schedule
from orchestration.sensors import (
    build_archive_sensor,
    build_backlog_sensor,
    build_first_tick_sensor,
    build_partitions_sensor,
    build_rollups_sensor,
    fail_abandoned_runs,
)
from orchestration.simulated_history import build_history_sensor, has_simulated_history
from orchestration.simulated_sales import build_comparison_sensor, sold_market
from tickettape.database import Warehouse
from tickettape.marketplaces import Marketplaces, open_marketplaces
from tickettape.settings import Settings
from tickettape.settings import settings as read_settings


def build_defs(
    *,
    settings: Settings | None = None,
    warehouse: Warehouse | None = None,
    marketplaces: Marketplaces | None = None,
) -> dg.Definitions:
    """All assets, checks, jobs, schedules, sensors and resources."""
    settings = settings or read_settings()
    warehouse = warehouse or Warehouse()
    marketplaces = marketplaces or open_marketplaces(settings, warehouse)
    sold = sold_market(settings, marketplaces)
    own = [watched.settings for watched in marketplaces.values()]
    assets: list[dg.AssetsDefinition | dg.AssetSpec] = [
        *(PRICE_RANGES, simulated_sales if sold else BOX_OFFICE),
        *(events, captures, section_snapshots, marts, api, price_alerts, documentation),
        *(partitions_ahead, archived_months),
        *(retention.expired_payloads, retention.expired_hours, retention.expired_jobs, retention.service_history),
        *(upkeep.dagster_history, upkeep.vacuumed_tables, upkeep.database_health, backlog),
        simulated_history,
        event_links,
        packed_days,
        *(box_office_sales, tidied_orders, notices, seat_prices, archived_events),
        *(forecasts, forecast_tables),
        *(backups.backups, backups.proved_backup),
    ]
    return dg.Definitions(
        assets=dg.map_asset_specs(lambda spec: with_page(spec, settings), assets),
        asset_checks=[
            *(checks.captured_share, checks.reconciliation, checks.answers_understood, checks.listing_history),
            *(checks.discovery, checks.freshness, checks.audit, backups.backups_are_fresh, service_is_well),
            *(broken_models.every_model_is_built, books),
        ],
        jobs=[
            *(jobs.tick, jobs.shard, jobs.rollups, jobs.backfill, jobs.read_backlog, jobs.nightly_audit),
            *(jobs.make_partitions, jobs.archive, restore_month, restore_event, jobs.fill_history),
            *(jobs.box_office_upkeep, jobs.box_office_summary, jobs.box_office_audit, jobs.archive_events),
            *(jobs.link_events, jobs.refit_forecasts, jobs.retention, jobs.pack, jobs.upkeep, jobs.health),
            *(jobs.backup, jobs.prove_backup),
            build_documentation,
        ],
        schedules=[*map(build_tick_schedule, own), *HOUSEKEEPING, *build_box_office_schedules(settings, warehouse)],
        sensors=[
            *(build_first_tick_sensor(each, warehouse) for each in own),
            build_archive_sensor(settings, warehouse),
            build_backlog_sensor(settings, warehouse),
            build_partitions_sensor(warehouse),
            build_incident_sensor(settings, warehouse),
            build_price_alert_sensor(settings, warehouse),
            build_documentation_sensor(settings, warehouse),
            fail_abandoned_runs,
            *(build_rollups_sensor(each) for each in own if each.scraper_shards > 1),
            *(
                build_history_sensor(watched, warehouse)
                for watched in marketplaces.values()
                if has_simulated_history(watched)
            ),
            *([build_comparison_sensor(sold, warehouse)] if sold else []),
        ],
        loggers={"console": console_logger},
        resources={
            "settings": settings,
            "warehouse": warehouse,
            "marketplaces": marketplaces,
            "dbt": dbt.dbt_resource(),
        },
    )


defs = build_defs()
