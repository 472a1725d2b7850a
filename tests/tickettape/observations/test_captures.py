"""What comes for a month that takes no rows is not lost."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.support.captured_answers import answer, store
from tests.support.markets import NOON, TEN, Section, add_event, observe
from tests.support.old_months import JULY, cold, fill, run_archive, state
from tickettape.database import (
    Connection,
    ensure_partitions,
)
from tickettape.observations import (
    lock_held,
)
from tickettape.observations.captures import lock_answers

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


def test_an_answer_is_compressed_against_the_first_one_of_its_hour_and_read_as_it_came(connection: Connection) -> None:
    events = [add_event(connection, str(number)) for number in range(2)]
    ticks = [NOON - TEN, NOON, NOON + TEN, NOON + 2 * TEN]
    ensure_partitions(connection, ticks)
    bodies = {
        (event, tick): b"".join(b'{"listing": %d, "price": %d}' % (9**n % 7919, n) for n in range(600))
        + str(tick).encode()
        for event in events
        for tick in ticks
    }
    for tick in (*ticks[:2], *ticks[:1:-1]):  # the last one before the one before it
        store(
            connection,
            *(answer(event, tick, bodies[event, tick]) for event in events if (event, tick) != (events[1], NOON)),
        )
    stored = connection.execute(
        "select event_key, tick, base_tick, octet_length(answer_zstd) from market.capture_payloads order by 1, 2"
    ).fetchall()
    alone, *_ = (size for *_, size in stored)
    assert [(event, tick, base) for event, tick, base, _ in stored] == [
        (events[0], NOON - TEN, None),
        (events[0], NOON, None),
        (events[0], NOON + TEN, NOON),
        (events[0], NOON + 2 * TEN, NOON),
        (events[1], NOON - TEN, None),
        (events[1], NOON + TEN, NOON + 2 * TEN),  # whichever was stored first
        (events[1], NOON + 2 * TEN, None),
    ]
    assert all(size < alone / 10 for _, _, base, size in stored if base)
    read = {
        (one.event_key, tick): one.answer
        for tick in ticks
        for one in lock_answers(connection, "simulator", tick, only_received=True)
    }
    assert read == {key: body for key, body in bodies.items() if key != (events[1], NOON)}
