"""The rollups: their list (`registry`), the buckets that are due (`marks`), their refresh, and their audits.

The dbt models in dbt_project define what each rollup computes.
"""

from tickettape.rollups.audits import SAMPLE_ROWS, AuditFinding, Row, failing_rows, store_audit
from tickettape.rollups.dbt import DBT_EXECUTABLE, call_dbt, export_dbt_environment, parsing_alone
from tickettape.rollups.dbt_project import readable_project
from tickettape.rollups.marks import (
    in_rollups,
    is_made,
    mark_hours_between,
    oldest_mark,
    pending_buckets,
    pending_sales,
)
from tickettape.rollups.refresh import ROLLUPS_ALONE, refresh_rollups, refresh_until
from tickettape.rollups.registry import HOURLY_ROLLUPS, ROLLUP_NAMES, SALES_ROLLUPS
from tickettape.rollups.window_counts import count_window

__all__ = [
    "DBT_EXECUTABLE",
    "HOURLY_ROLLUPS",
    "ROLLUPS_ALONE",
    "ROLLUP_NAMES",
    "SALES_ROLLUPS",
    "SAMPLE_ROWS",
    "AuditFinding",
    "Row",
    "call_dbt",
    "count_window",
    "export_dbt_environment",
    "failing_rows",
    "in_rollups",
    "is_made",
    "mark_hours_between",
    "oldest_mark",
    "parsing_alone",
    "pending_buckets",
    "pending_sales",
    "readable_project",
    "refresh_rollups",
    "refresh_until",
    "store_audit",
]
