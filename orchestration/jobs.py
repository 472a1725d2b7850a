"""The jobs: which assets run together."""

import dagster as dg

from orchestration import checks
from orchestration.assets.marts import marts

_TICK = (
    dg.AssetSelection.groups("tick", "serving")
    | dg.AssetSelection.assets(marts)  # every dbt model, those of a new folder too
) - dg.AssetSelection.checks(checks.audit)

tick = dg.define_asset_job(
    "tick",
    selection=_TICK,
    executor_def=dg.in_process_executor,  # a process per step cost 8.6 s a run against 4.9
    description="One observation of every due event: captured, read, rolled up, checked.",
)

shard = dg.define_asset_job(
    "shard",
    selection=dg.AssetSelection.assets("events", "captures").without_checks(),
    executor_def=dg.in_process_executor,
    description="A part of a tick's captures, beside others: one of SCRAPER_SHARDS runs; `rollups` follows them.",
)

rollups = dg.define_asset_job(
    "rollups",
    selection=_TICK - dg.AssetSelection.assets("events", "captures").without_checks(),
    executor_def=dg.in_process_executor,
    description="What follows a tick's captures, once, when its last shard has ended.",
)

nightly_audit = dg.define_asset_job(
    "nightly_audit",
    selection=dg.AssetSelection.checks(checks.audit),
    executor_def=dg.in_process_executor,
    description="Every test of the data over all of it; the results are kept in market.audits.",
)

make_partitions = dg.define_asset_job(
    "make_partitions",
    selection=dg.AssetSelection.assets("partitions_ahead"),
    executor_def=dg.in_process_executor,
    description="Partitions for the months and days to come; apart from every removal, which may have to wait.",
)

archive = dg.define_asset_job(
    "archive",
    selection=dg.AssetSelection.assets("archived_months"),
    executor_def=dg.in_process_executor,
    description="A month into cold storage, verified, then out of the database; safe to run again at any step.",
)

retention = dg.define_asset_job(
    "retention",
    selection=dg.AssetSelection.assets("expired_payloads", "expired_hours", "expired_jobs", "service_history"),
    executor_def=dg.in_process_executor,
    description="What is past its time goes: raw answers, jobs and logs for good, hours to cold storage.",
)

upkeep = dg.define_asset_job(
    "upkeep",
    selection=dg.AssetSelection.assets("dagster_history", "vacuumed_tables"),
    executor_def=dg.in_process_executor,
    description="Dagster's old runs go, and what churns is vacuumed and analyzed.",
)

health = dg.define_asset_job(
    "health",
    selection=dg.AssetSelection.assets("database_health")
    | dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("backups"), "backups_are_fresh")),
    executor_def=dg.in_process_executor,
    description="The database measured: storage, connections, indexes, marks, partitions; the backups' age.",
)

backup = dg.define_asset_job(
    "backup",
    selection=dg.AssetSelection.assets("backups"),
    executor_def=dg.in_process_executor,
    description="A backup of the warehouse, and the removal of those that need not stay.",
)

prove_backup = dg.define_asset_job(
    "prove_backup",
    selection=dg.AssetSelection.assets("proved_backup"),
    executor_def=dg.in_process_executor,
    description="The newest backup, proved by restoring it into a scratch database.",
)
