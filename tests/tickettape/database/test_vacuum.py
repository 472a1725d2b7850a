"""Which tables are vacuumed."""

from datetime import UTC, datetime

import psycopg
import pytest

from tickettape.database import (
    Connection,
    ensure_partitions,
    table_activity,
    vacuum_is_due,
    vacuum_table,
)
from tickettape.database.vacuum import TableActivity

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_table_with_dead_rows_is_vacuumed_and_a_held_one_is_passed_by(
    connection: Connection, database_url: str
) -> None:
    connection.execute(
        """insert into market.dirty_buckets (rollup, event_key, bucket)
           select 'x', n, now() from generate_series(1, 5000) as n"""
    )
    connection.execute("delete from market.dirty_buckets")
    ensure_partitions(connection, [NOW])

    def due() -> dict[str, TableActivity]:
        connection.execute("select pg_stat_force_next_flush()")
        return {table.name: table for table in table_activity(connection) if vacuum_is_due(table)}

    marks = due()["dirty_buckets"]
    assert marks.dead_rows == 5000
    with psycopg.connect(database_url) as holder:
        holder.execute("lock table market.dirty_buckets")
        assert vacuum_table(connection, marks) < 5
        assert "dirty_buckets" in due()
    vacuum_table(connection, marks)
    assert "dirty_buckets" not in due()
    assert due()["captures"].is_partitioned


@pytest.mark.parametrize(
    ("live", "dead", "changed", "is_due"),
    [(0, 0, 0, False), (0, 999, 0, False), (0, 1000, 0, True), (99_000, 4_000, 0, False), (99_000, 6_000, 0, True),
     (99_000, 0, 4_900, False), (99_000, 0, 5_000, True)],
)  # fmt: skip
def test_a_table_is_due_by_its_share_of_dead_or_changed_rows(live: int, dead: int, changed: int, is_due: bool) -> None:
    table = TableActivity("market", "t", False, live, dead, changed)
    assert vacuum_is_due(table) == is_due
