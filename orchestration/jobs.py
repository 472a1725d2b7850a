"""The jobs: which assets run together."""

import dagster as dg

from orchestration import checks

tick = dg.define_asset_job(
    "tick",
    selection=dg.AssetSelection.groups("tick", "rollups", "views") - dg.AssetSelection.checks(checks.audit),
    executor_def=dg.in_process_executor,  # a process per step cost 8.6 s a run against 4.9
    description="One observation of every due event: captured, read, rolled up, checked.",
)

nightly_audit = dg.define_asset_job(
    "nightly_audit",
    selection=dg.AssetSelection.checks(checks.audit),
    executor_def=dg.in_process_executor,
    description="Every test of the data over all of it; the results are kept in market.audits.",
)
