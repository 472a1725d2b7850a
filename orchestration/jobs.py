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
    description="Capture, read, roll up and check one observation of every due event.",
)

shard = dg.define_asset_job(
    "shard",
    selection=dg.AssetSelection.assets("events", "captures").without_checks(),
    executor_def=dg.in_process_executor,
    description="Capture a part of a tick, as one of SCRAPER_SHARDS runs. The job `rollups` follows them.",
)

rollups = dg.define_asset_job(
    "rollups",
    selection=_TICK - dg.AssetSelection.assets("events", "captures").without_checks(),
    executor_def=dg.in_process_executor,
    description="Read, roll up and check a tick whose last shard has ended.",
)

nightly_audit = dg.define_asset_job(
    "nightly_audit",
    selection=dg.AssetSelection.checks(checks.audit),
    executor_def=dg.in_process_executor,
    description="Run every data test over all the data. The results are kept in market.audits.",
)

make_partitions = dg.define_asset_job(
    "make_partitions",
    selection=dg.AssetSelection.assets("partitions_ahead"),
    executor_def=dg.in_process_executor,
    description=(
        "Create the partitions for the coming months and days. Kept apart from removals, which may have to wait."
    ),
)

archive = dg.define_asset_job(
    "archive",
    selection=dg.AssetSelection.assets("archived_months"),
    executor_def=dg.in_process_executor,
    description=(
        "Move a month to cold storage, verify it, and remove it from the database. Safe to run again at any step."
    ),
)

retention = dg.define_asset_job(
    "retention",
    selection=dg.AssetSelection.assets("expired_payloads", "expired_hours", "expired_jobs", "service_history"),
    executor_def=dg.in_process_executor,
    description=(
        "Remove data past its retention limit: raw answers, jobs and logs are deleted, hours go to cold storage."
    ),
)

upkeep = dg.define_asset_job(
    "upkeep",
    selection=dg.AssetSelection.assets("dagster_history", "vacuumed_tables"),
    executor_def=dg.in_process_executor,
    description="Delete Dagster's old runs, and vacuum and analyze tables that change a lot.",
)

health = dg.define_asset_job(
    "health",
    selection=dg.AssetSelection.assets("database_health")
    | dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("backups"), "backups_are_fresh")),
    executor_def=dg.in_process_executor,
    description="Measure the database (storage, connections, indexes, marks, partitions) and the age of the backups.",
)

backup = dg.define_asset_job(
    "backup",
    selection=dg.AssetSelection.assets("backups"),
    executor_def=dg.in_process_executor,
    description="Back up the database, and remove backups past their retention.",
)

prove_backup = dg.define_asset_job(
    "prove_backup",
    selection=dg.AssetSelection.assets("proved_backup"),
    executor_def=dg.in_process_executor,
    description="Prove the newest backup by restoring it into a scratch database.",
)
