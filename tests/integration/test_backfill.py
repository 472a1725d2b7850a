"""`tickettape backfill` as a person types it: one run, killed and given again, each hour with its own figures."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.processes import BIN, kill_all, start, wait_for
from tickettape.database import Connection

HOUR = timedelta(hours=1)
HOURS, EVENTS = 8, 4
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=2)
COMMAND = [str(BIN / "tickettape"), "backfill", "--from", START.isoformat(), "--to", (START + HOURS * HOUR).isoformat()]


@pytest.mark.processes
@pytest.mark.whole_program
def test_a_backfill_that_was_killed_goes_on_with_the_same_command_and_each_hour_has_its_own_figures(
    home: Path, database_url: str, connection: Connection
) -> None:
    log, few = home / "log", {"SIMULATOR_EVENTS": str(EVENTS), "DATABASE_URL": database_url}
    killed = start(COMMAND, home, log, **few)
    try:
        wait_for("half of the ticks read", lambda: read(connection) >= HOURS * 3, 120, log)
    finally:
        kill_all(killed, home)
    assert "Done." not in log.read_text()
    again = start(COMMAND, home, log, **few)
    assert again.wait(timeout=300) == 0, log.read_text()[-3000:]
    said = log.read_text()
    assert "goes on from run" in said
    assert said.count("one run") == 2
    assert one(connection, "select count(distinct tick) from market.captures") == HOURS * 6
    assert one(connection, "select count(*) from market.captures where status = 'received'") == 0
    assert one(connection, "select count(*) from market.dirty_buckets") == 0
    assert one(connection, "select count(distinct hour) from analytics.event_hours") == HOURS
    in_tables: dict[str, int] = dict(
        connection.execute(
            """select to_char(date_trunc('hour', tick, 'UTC') at time zone 'UTC', 'YYYY-MM-DD-HH24:MI'), count(*)
               from market.captures group by 1"""
        ).fetchall()
    )
    assert figures(connection, "captures", "events captured") == in_tables
    assert figures(connection, "section_snapshots", "answers read") == in_tables


def read(connection: Connection) -> int:
    """How many ticks are read."""
    return one(connection, "select count(distinct tick) from market.captures where status != 'received'")


def figures(connection: Connection, asset: str, figure: str) -> dict[str, int]:
    """A figure of an asset's newest materialization of each hour, as the UI shows it."""
    rows = connection.execute(
        """select distinct on (partition) partition,
               event::jsonb #> '{dagster_event,event_specific_data,materialization,metadata_entries}'
           from dagster.event_logs
           where dagster_event_type = 'ASSET_MATERIALIZATION' and asset_key = %s
           order by partition, id desc""",
        [f'["{asset}"]'],
    ).fetchall()
    return {
        partition: next(int(one["entry_data"]["value"]) for one in entries if one["label"] == figure)
        for partition, entries in rows
    }


def one(connection: Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
