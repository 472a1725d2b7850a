"""The jobs: which assets run together."""

import dagster as dg

from orchestration.partitions import MONTHLY

tick = dg.define_asset_job(
    "tick",
    selection=dg.AssetSelection.groups("tick", "rollups", "views"),
    executor_def=dg.in_process_executor,  # a process per step cost 8.6 s a run against 4.9
    description="One observation of every due event: captured, read, rolled up, checked.",
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
    partitions_def=MONTHLY,
    executor_def=dg.in_process_executor,
    description="A month into cold storage, verified, then out of the database; safe to run again at any step.",
)
