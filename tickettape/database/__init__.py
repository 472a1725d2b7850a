"""The warehouse's PostgreSQL: the server, connections, locks, months and partitions, migrations, health.

The contents of the tables are the business of the packages that own them. This package reads none of those tables.
"""

from tickettape.database.client_tools import libpq_environment, postgres_tool, psql_path
from tickettape.database.connections import Connection, Warehouse, check_session_mode
from tickettape.database.disk import database_disk, is_this_machine
from tickettape.database.errors import UnavailableDatabaseError, refusal_in, refusal_of
from tickettape.database.health import (
    HEALTH_CHECKS,
    database_size_bytes,
    judge_health,
    measure_health,
    measured_since,
    partitions_not_made,
    table_sizes,
)
from tickettape.database.lock_waits import BusyError, with_short_lock_waits
from tickettape.database.locks import live_work, try_lock, wait_for_lock, yield_to_live_work
from tickettape.database.migrations import SCHEMA_VERSION
from tickettape.database.month_state import (
    known_months,
    month_bounds,
    month_of,
    month_refusals,
    months_before,
    months_to_archive,
    state_of_month,
)
from tickettape.database.partitions import (
    DAILY_TABLES,
    DAYS_AHEAD,
    MONTHLY_TABLES,
    MONTHS_AHEAD,
    attach_partition,
    drop_payload_partitions_before,
    ensure_partitions,
    finish_interrupted_detaches,
    make_partitions_ahead,
)
from tickettape.database.server import (
    configured_database,
    configured_url,
    database_url,
    forget_killed_users,
    sqlalchemy_url,
    with_database,
)
from tickettape.database.time_outs import CONNECT_TIMEOUT_SECONDS, KEEPALIVES, LONGEST_STATEMENT
from tickettape.database.tls import encrypted_conninfo, encrypted_warehouse
from tickettape.database.vacuum import table_activity, vacuum_is_due, vacuum_table

__all__ = [
    "CONNECT_TIMEOUT_SECONDS",
    "DAILY_TABLES",
    "DAYS_AHEAD",
    "HEALTH_CHECKS",
    "KEEPALIVES",
    "LONGEST_STATEMENT",
    "MONTHLY_TABLES",
    "MONTHS_AHEAD",
    "SCHEMA_VERSION",
    "BusyError",
    "Connection",
    "UnavailableDatabaseError",
    "Warehouse",
    "attach_partition",
    "check_session_mode",
    "configured_database",
    "configured_url",
    "database_disk",
    "database_size_bytes",
    "database_url",
    "drop_payload_partitions_before",
    "encrypted_conninfo",
    "encrypted_warehouse",
    "ensure_partitions",
    "finish_interrupted_detaches",
    "forget_killed_users",
    "is_this_machine",
    "judge_health",
    "known_months",
    "libpq_environment",
    "live_work",
    "make_partitions_ahead",
    "measure_health",
    "measured_since",
    "month_bounds",
    "month_of",
    "month_refusals",
    "months_before",
    "months_to_archive",
    "partitions_not_made",
    "postgres_tool",
    "psql_path",
    "refusal_in",
    "refusal_of",
    "sqlalchemy_url",
    "state_of_month",
    "table_activity",
    "table_sizes",
    "try_lock",
    "vacuum_is_due",
    "vacuum_table",
    "wait_for_lock",
    "with_database",
    "with_short_lock_waits",
    "yield_to_live_work",
]
