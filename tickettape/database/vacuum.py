"""VACUUM (ANALYZE) of what churns. Autovacuum does most of it; this is for what it leaves to grow.

Autovacuum waits for a fifth of a table to change, and never analyzes a partitioned table itself, without whose
statistics the planner guesses across partitions.
"""

import time
from dataclasses import dataclass

from psycopg import sql

from tickettape.database.connections import Connection

SCHEMAS = ("market", "analytics", "box_office", "price_alerts", "access", "dagster")
DEAD_ROWS = 1_000  # fewer are a few pages: not worth a scan of the indexes
DEAD_SHARE = 0.05  # a quarter of autovacuum's threshold, so that a night's pass leaves the day little to do
CHANGED_SHARE = 0.05  # of the rows, since they were last analyzed


@dataclass(frozen=True)
class TableActivity:
    """A table as Postgres counts it."""

    schema: str
    name: str
    is_partitioned: bool
    live_rows: int
    dead_rows: int
    changed_rows: int


def table_activity(connection: Connection) -> list[TableActivity]:
    """Every table of our schemas with its counts since it was last vacuumed and analyzed."""
    rows = connection.execute(
        """select schemaname, stat.relname, relkind = 'p', n_live_tup, n_dead_tup, n_mod_since_analyze
           from pg_stat_user_tables as stat inner join pg_class on pg_class.oid = relid
           where schemaname = any(%s) order by n_dead_tup desc, stat.relname""",
        [list(SCHEMAS)],
    ).fetchall()
    return [TableActivity(*row) for row in rows]


def vacuum_is_due(table: TableActivity) -> bool:
    """Whether a table has enough dead or changed rows; a partitioned one always, for its own statistics."""
    rows = table.live_rows + table.dead_rows
    return (
        table.is_partitioned
        or table.dead_rows >= max(DEAD_ROWS, DEAD_SHARE * rows)
        or table.changed_rows >= max(DEAD_ROWS, CHANGED_SHARE * rows)
    )


def vacuum_table(connection: Connection, table: TableActivity) -> float:
    """Vacuum and analyze a table, unless someone holds it; the seconds it took. A partitioned one is only analyzed."""
    started = time.monotonic()
    name = sql.Identifier(table.schema, table.name)
    options = sql.SQL("analyze (skip_locked) {}" if table.is_partitioned else "vacuum (analyze, skip_locked) {}")
    connection.execute(options.format(name))
    return round(time.monotonic() - started, 3)
