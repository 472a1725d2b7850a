"""Old months and events to cold storage as Parquet, verified, and back; hourly rollups likewise."""

from tickettape.archive.archived_month_replay import replay_archived_month
from tickettape.archive.event_archive import archive_due_events, archive_event, due_events
from tickettape.archive.event_restore import run_event_restore
from tickettape.archive.hourly_cold_storage import (
    bring_hours_back,
    hourly_months_due,
    hourly_months_pinned,
    hourly_months_present,
    months_with_data,
    move_hours_to_cold_storage,
)
from tickettape.archive.hourly_parquet import HourlyStorageError
from tickettape.archive.month_archive import ArchiveError, reopen_month
from tickettape.archive.month_operations import run_archive, run_restore
from tickettape.archive.month_restore import RestoreError, release_month
from tickettape.archive.storage_tiers import StoredTable, cold_bytes, storage_tiers

__all__ = [
    "ArchiveError",
    "HourlyStorageError",
    "RestoreError",
    "StoredTable",
    "archive_due_events",
    "archive_event",
    "bring_hours_back",
    "cold_bytes",
    "due_events",
    "hourly_months_due",
    "hourly_months_pinned",
    "hourly_months_present",
    "months_with_data",
    "move_hours_to_cold_storage",
    "release_month",
    "reopen_month",
    "replay_archived_month",
    "run_archive",
    "run_event_restore",
    "run_restore",
    "storage_tiers",
]
