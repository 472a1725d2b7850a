"""Observations of events at ticks: schedule the polls, capture the answers, read them, store their metrics.

poll_schedule → tick_capture → captures → read_answers → section_metrics → section_snapshots. Refused answers go to
`quarantine`. `voids` takes out what a person found wrong. `price_ranges` has observations without listings.
"""

from tickettape.observations.answer_fields import new_answer_fields
from tickettape.observations.answer_samples import sample_answers
from tickettape.observations.captures import (
    Capture,
    newest_captured_tick,
    oldest_captured_tick,
    store_captures,
    ticks_with_answers,
)
from tickettape.observations.catalogue_entries import forget_catalogue_entries, store_catalogue_entries
from tickettape.observations.missed_ticks import record_missed_ticks
from tickettape.observations.packed_days import give_back_space, pack_days, unpack_days
from tickettape.observations.payloads import compress_payload
from tickettape.observations.poll_schedule import poll_rules
from tickettape.observations.poll_schedule_store import VIEWS_WINDOW, newest_poll_schedule, poll_summary, stale_events
from tickettape.observations.price_range_voids import price_range_ticks, undo_price_range_void, void_price_range
from tickettape.observations.price_ranges import PriceRange, PriceRangeError, store_price_ranges
from tickettape.observations.quarantine import (
    HeldForMonth,
    Refusal,
    count_quarantined,
    delete_replayed_before,
    held_ticks,
    list_refusals,
    lock_held,
    lock_held_price_ranges,
    quarantine_refused,
    record_replayed,
    refused_payload,
)
from tickettape.observations.read_answers import NotReplayable, read_tick, read_ticks, replay_quarantined
from tickettape.observations.read_figures import read_figures
from tickettape.observations.reconciliation import (
    not_understood_at_newest_tick,
    reconcile_newest_tick,
    reconciliation_totals,
)
from tickettape.observations.retention import expire_jobs, expire_logs, expire_payloads
from tickettape.observations.scraper_figures import answered_at_newest_tick, scraper_figures
from tickettape.observations.scraper_jobs import newest_jobs
from tickettape.observations.section_metrics import COUNTED_SIZES, metrics_by_keys
from tickettape.observations.section_snapshots import SNAPSHOT_COLUMNS, AnswerVerdict, copy_snapshots, replace_snapshots
from tickettape.observations.tick_capture import capture_tick
from tickettape.observations.tick_grid import floor_to_grid, ticks_between
from tickettape.observations.voids import NothingToDo, capture_ticks, end_voids, is_voided, undo_void, void_capture

__all__ = [
    "COUNTED_SIZES",
    "SNAPSHOT_COLUMNS",
    "VIEWS_WINDOW",
    "AnswerVerdict",
    "Capture",
    "HeldForMonth",
    "NotReplayable",
    "NothingToDo",
    "PriceRange",
    "PriceRangeError",
    "Refusal",
    "answered_at_newest_tick",
    "capture_tick",
    "capture_ticks",
    "compress_payload",
    "copy_snapshots",
    "count_quarantined",
    "delete_replayed_before",
    "end_voids",
    "expire_jobs",
    "expire_logs",
    "expire_payloads",
    "floor_to_grid",
    "forget_catalogue_entries",
    "give_back_space",
    "held_ticks",
    "is_voided",
    "list_refusals",
    "lock_held",
    "lock_held_price_ranges",
    "metrics_by_keys",
    "new_answer_fields",
    "newest_captured_tick",
    "newest_jobs",
    "newest_poll_schedule",
    "not_understood_at_newest_tick",
    "oldest_captured_tick",
    "pack_days",
    "poll_rules",
    "poll_summary",
    "price_range_ticks",
    "quarantine_refused",
    "read_figures",
    "read_tick",
    "read_ticks",
    "reconcile_newest_tick",
    "reconciliation_totals",
    "record_missed_ticks",
    "record_replayed",
    "refused_payload",
    "replace_snapshots",
    "replay_quarantined",
    "sample_answers",
    "scraper_figures",
    "stale_events",
    "store_captures",
    "store_catalogue_entries",
    "store_price_ranges",
    "ticks_between",
    "ticks_with_answers",
    "undo_price_range_void",
    "undo_void",
    "unpack_days",
    "void_capture",
    "void_price_range",
]
