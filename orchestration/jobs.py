"""The jobs: which assets run together."""

from functools import partial

import dagster as dg

from orchestration import checks
from orchestration.assets.marts import marts
from orchestration.console import ONE_LINE

_TICK = (
    dg.AssetSelection.groups("tick", "serving")
    | dg.AssetSelection.assets(marts)  # every dbt model, those of a new folder too
) - dg.AssetSelection.checks(checks.audit)

# in one process: a process per step cost 8.6 s a tick against 4.9
_job = partial(dg.define_asset_job, executor_def=dg.in_process_executor, config=ONE_LINE)

tick = _job(
    "tick",
    selection=_TICK,
    description="One observation of every due event: captured, read, rolled up, checked.",
)

shard = _job(
    "shard",
    selection=dg.AssetSelection.assets("events", "captures").without_checks(),
    description="A part of a tick's captures, beside others: one of SCRAPER_SHARDS runs; `rollups` follows them.",
)

rollups = _job(
    "rollups",
    selection=_TICK - dg.AssetSelection.assets("events", "captures").without_checks(),
    description="What follows a tick's captures, once, when its last shard has ended.",
)

nightly_audit = _job(
    "nightly_audit",
    selection=dg.AssetSelection.checks(checks.audit),
    description="Every test of the data over all of it; the results are kept in market.audits.",
)

make_partitions = _job(
    "make_partitions",
    selection=dg.AssetSelection.assets("partitions_ahead"),
    description="Partitions for the months and days to come; apart from every removal, which may have to wait.",
)

archive = _job(
    "archive",
    selection=dg.AssetSelection.assets("archived_months"),
    description="A month into cold storage, verified, then out of the database; safe to run again at any step.",
)

retention = _job(
    "retention",
    selection=dg.AssetSelection.assets("expired_payloads", "expired_hours", "expired_jobs", "service_history"),
    description="What is past its time goes: raw answers, jobs and logs for good, hours to cold storage.",
)

upkeep = _job(
    "upkeep",
    selection=dg.AssetSelection.assets("dagster_history", "vacuumed_tables"),
    description="Dagster's old runs go, and what churns is vacuumed and analyzed.",
)

health = _job(
    "health",
    selection=dg.AssetSelection.assets("database_health")
    | dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("backups"), "backups_are_fresh")),
    description="The database measured: storage, connections, indexes, marks, partitions; the backups' age.",
)

backup = _job(
    "backup",
    selection=dg.AssetSelection.assets("backups"),
    description="A backup of the warehouse, and the removal of those that need not stay.",
)

prove_backup = _job(
    "prove_backup",
    selection=dg.AssetSelection.assets("proved_backup"),
    description="The newest backup, proved by restoring it into a scratch database.",
)
