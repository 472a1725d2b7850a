"""What comes for a month that takes no rows is not lost."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.support.captured_answers import answer, store
from tests.support.markets import Section, add_event, observe
from tests.support.old_months import JULY, cold, fill, run_archive, state
from tickettape.database import (
    Connection,
    ensure_partitions,
)
from tickettape.observations import (
    lock_held,
)

IN_JULY = datetime(2026, 7, 9, 12, tzinfo=UTC)


def counts(connection: Connection) -> tuple[int, int]:
    """Captures, and what is held in quarantine."""
    row = connection.execute(
        """select (select count(*) from market.captures),
                  (select count(*) from market.quarantine where held_for is not null)"""
    ).fetchone()
    assert row
    return row[0], row[1]


def test_a5_what_comes_for_a_month_in_the_archive_is_quarantined_once_and_the_rest_is_stored(
    connection: Connection, tmp_path: Path
) -> None:
    [event, other] = fill(connection, JULY)
    run_archive(connection, cold(tmp_path), JULY)
    ensure_partitions(connection, [IN_JULY, IN_JULY + timedelta(days=31)])
    assert state(connection, JULY) == ("archived", "dropped")  # asking for its partition does not open it
    late = [answer(event, IN_JULY, b'{"late": true}'), answer(other, IN_JULY, None)]
    open_month = answer(event, IN_JULY + timedelta(days=31))
    assert store(connection, *late, open_month) == 2
    assert store(connection, *late) == 2
    assert counts(connection) == (1, 2)
    with pytest.raises(psycopg.errors.CheckViolation):  # who writes past `store` is refused by the table itself
        observe(connection, event, IN_JULY, Section("Lower", "101"))
    kept = lock_held(connection, "simulator", IN_JULY)
    assert [(one.content, one.event_key) for one in kept] == [("answer", event), ("rows", other)]
    assert kept[0].payload == b'{"late": true}'
    assert b'"failed"' in kept[1].payload
    reason = connection.execute("select distinct reason from market.quarantine").fetchall()
    assert reason == [("2026-07 is archived: run `tickettape restore 2026-07`, then replay this",)]


def test_a_write_into_a_month_that_nobody_made_is_quarantined_not_lost(connection: Connection) -> None:
    event = add_event(connection)
    assert store(connection, answer(event, IN_JULY)) == 1
    assert connection.execute("select reason from market.quarantine").fetchall() == [("2026-07 has no partition",)]
