"""The jobs: which assets run together."""

from functools import partial

import dagster as dg

from orchestration import checks
from orchestration.assets.box_office import books, box_office_sales
from orchestration.assets.marts import marts
from orchestration.console import ONE_LINE
from orchestration.simulated_history import JOB
from orchestration.simulated_sales import GROUP

_TICK = (
    dg.AssetSelection.groups("tick", "serving")
    | dg.AssetSelection.assets(marts)  # every dbt model, including those in new folders
) - dg.AssetSelection.checks(checks.audit)

# in one process: with a process per step, a tick took 8.6 s instead of 4.9
_job = partial(dg.define_asset_job, executor_def=dg.in_process_executor, config=ONE_LINE)

tick = _job(
    "tick",
    selection=_TICK,
    description="Capture, read, roll up and check one observation of every due event.",
)

shard = _job(
    "shard",
    selection=dg.AssetSelection.assets("events", "captures").without_checks(),
    description="Capture a part of a tick, as one of SCRAPER_SHARDS runs. The job `rollups` follows them.",
)

rollups = _job(
    "rollups",
    selection=_TICK - dg.AssetSelection.assets("events", "captures").without_checks(),
    description="Read, roll up and check a tick whose last shard has ended.",
)

backfill = _job(
    "backfill",
    selection=_TICK,
    description="Past hours in one run: captured if the marketplace knows the past, else replayed from stored answers.",
)

read_backlog = _job(
    "read_backlog",
    selection=dg.AssetSelection.assets("backlog"),
    description="Read answers that were left unread and refresh what they changed, between live ticks. Can be resumed.",
)

fill_history = _job(
    JOB,
    selection=dg.AssetSelection.assets("simulated_history"),
    description="Fill in the simulated market's past before the first tick, beside live ticks. Can be resumed.",
)

nightly_audit = _job(
    "nightly_audit",
    selection=dg.AssetSelection.checks(checks.audit),
    description="Run every data test over all the data. The results are kept in market.audits.",
)

make_partitions = _job(
    "make_partitions",
    selection=dg.AssetSelection.assets("partitions_ahead"),
    description="Create the partitions for the coming months and days. Removals, which may have to wait, run apart.",
)

archive = _job(
    "archive",
    selection=dg.AssetSelection.assets("archived_months"),
    description="Move a month to cold storage, and remove it from the database once verified. Safe to run again.",
)

box_office_upkeep = _job(
    "box_office_upkeep",
    selection=dg.AssetSelection.assets("tidied_orders", "notices"),
    description="End what has expired at the box office, finish payments, make offers to the waitlist, and send mail.",
)

box_office_summary = _job(
    "box_office_summary",
    selection=dg.AssetSelection.assets(box_office_sales)
    | dg.AssetSelection.assets("seat_prices")
    | dg.AssetSelection.groups(GROUP),  # nothing where somebody really sells
    description="Roll up what the box office sold, beside the resale market, and let prices follow demand.",
)

box_office_audit = _job(
    "box_office_audit",
    selection=dg.AssetSelection.checks(books),
    description="Look at every record of the box office: counters, tickets and money agree.",
)

archive_events = _job(
    "archive_events",
    selection=dg.AssetSelection.assets("archived_events"),
    description="Move events that are long over to cold storage, and remove them once verified. Safe to run again.",
)

retention = _job(
    "retention",
    selection=dg.AssetSelection.assets("expired_payloads", "expired_hours", "expired_jobs", "service_history"),
    description="Delete what is past its retention limit: raw answers, jobs, logs, deleted users of the box office. "
    "Move old hours to cold storage.",
)

link_events = _job(
    "link_events",
    selection=dg.AssetSelection.assets("event_links"),
    description="Link what is one event at several marketplaces.",
)

refit_forecasts = _job(
    "refit_forecasts",
    selection=dg.AssetSelection.assets("forecast_tables"),
    tags={"dagster/priority": "-1"},  # below live ticks, if runs are queued
    description="Score what was forecast, and fit the tables of the next forecasts.",
)

pack = _job(
    "pack",
    selection=dg.AssetSelection.assets("packed_days"),
    tags={"dagster/priority": "-1"},  # below live ticks, if runs are queued
    description="Pack the section snapshots of past days, between live ticks. Can be resumed.",
)

upkeep = _job(
    "upkeep",
    selection=dg.AssetSelection.assets("dagster_history", "vacuumed_tables"),
    description="Delete Dagster's old runs, and vacuum and analyze tables that change a lot.",
)

health = _job(
    "health",
    selection=dg.AssetSelection.assets("database_health")
    | dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("backups"), "backups_are_fresh")),
    description="Measure the database (storage, connections, indexes, marks, partitions) and the age of the backups.",
)

backup = _job(
    "backup",
    selection=dg.AssetSelection.assets("backups"),
    description="Back up the database, and remove backups past their retention.",
)

prove_backup = _job(
    "prove_backup",
    selection=dg.AssetSelection.assets("proved_backup"),
    description="Prove the newest backup by restoring it into a scratch database.",
)
