"""Partitions: made ahead and in time, removed without harm, with readers about (A1, A2, A3)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.support.markets import Section, add_event, observe
from tests.support.old_months import JULY, cold, fill, run_archive, state
from tickettape.database import (
    BusyError,
    Connection,
    Warehouse,
    drop_payload_partitions_before,
    ensure_partitions,
    finish_interrupted_detaches,
    lock_waits,
    make_partitions_ahead,
)

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def known_months(connection: Connection) -> list[str]:
    return [f"{month:%m}" for (month,) in connection.execute("select month from market.months order by month")]


def days(connection: Connection) -> list[str]:
    rows = connection.execute(
        """select relname from pg_inherits join pg_class c on c.oid = inhrelid
           where inhparent = 'market.capture_payloads'::regclass order by 1"""
    )
    return [str(name).removeprefix("capture_payloads_") for (name,) in rows]


def test_a2_partitions_are_made_ahead_with_no_data_and_a_second_time_nothing_is_made(connection: Connection) -> None:
    made = make_partitions_ahead(connection, NOW, months=3, days=7)
    assert known_months(connection) == ["11", "12", "01", "02"]
    assert len(days(connection)) == 8
    assert len(made) == 4 * 6 + 8
    assert make_partitions_ahead(connection, NOW, months=3, days=7) == []


def test_a2_partitions_are_made_after_missed_months_and_across_the_gap_and_no_row_is_lost(
    connection: Connection,
) -> None:
    event = add_event(connection)
    observe(connection, event, datetime(2026, 6, 30, 23, 50, tzinfo=UTC), Section("Lower", "101"))
    make_partitions_ahead(connection, NOW, months=1, days=1)
    assert known_months(connection) == ["06", "07", "08", "09", "10", "11", "12"]
    for edge in ("2026-08-01T00:00Z", "2026-08-31T23:59:59.999999Z", "2026-09-01T00:00Z"):
        observe(connection, event, datetime.fromisoformat(edge), Section("Lower", "101"))
    rows = connection.execute(
        "select tableoid::regclass::text, count(*) from market.section_snapshots group by 1 order by 1"
    ).fetchall()
    assert rows == [
        ("market.section_snapshots_2026_06", 1),
        ("market.section_snapshots_2026_08", 2),
        ("market.section_snapshots_2026_09", 1),
    ]


def test_a1_only_answers_of_days_wholly_older_are_dropped_twice_is_once_and_the_newest_stays(
    connection: Connection,
) -> None:
    ensure_partitions(connection, [NOW - timedelta(days=back) for back in range(5)])
    assert drop_payload_partitions_before(connection, date(2026, 11, 19)) == [
        "capture_payloads_2026_11_17",
        "capture_payloads_2026_11_18",
    ]
    assert drop_payload_partitions_before(connection, date(2026, 11, 19)) == []
    drop_payload_partitions_before(connection, date(2027, 6, 1))
    assert days(connection) == ["2026_11_21"]


@pytest.fixture
def reader(warehouse: Warehouse, connection: Connection) -> Iterator[Connection]:
    """Somebody who has read July and keeps the transaction open."""
    fill(connection, JULY)
    with warehouse.connection() as reader:
        reader.execute("begin")
        reader.execute("select count(*) from market.section_snapshots, market.captures")
        yield reader


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_waits, "LOCK_WAIT_SECONDS", 0.1)
    monkeypatch.setattr(lock_waits, "LOCK_ATTEMPTS", 2)


@pytest.mark.usefixtures("impatient")
def test_a3_with_an_open_reader_a_removal_times_out_cleanly_and_creation_goes_on(
    connection: Connection, reader: Connection, tmp_path: Path
) -> None:
    storage = cold(tmp_path)
    with pytest.raises(BusyError, match="Detaching 2026-07 gave up after 2 tries"):
        run_archive(connection, storage, JULY)
    assert state(connection, JULY) == ("closed", "verified")
    assert connection.execute("select count(*) from market.captures").fetchone() == (15,)
    assert make_partitions_ahead(connection, NOW, months=1, days=1) != []
    assert reader.execute("select count(*) from market.section_snapshots").fetchone() == (28,)
    reader.execute("commit")
    run_archive(connection, storage, JULY)
    assert state(connection, JULY) == ("archived", "dropped")


def test_a3_an_interrupted_detach_is_finished_and_the_month_comes_back(
    warehouse: Warehouse, connection: Connection, reader: Connection
) -> None:
    with warehouse.connection() as interrupted:
        interrupted.execute("set statement_timeout = '300ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            interrupted.execute(
                "alter table market.section_snapshots detach partition market.section_snapshots_2026_07 concurrently"
            )
    reader.execute("commit")
    assert connection.execute("select count(*) from market.section_snapshots").fetchone() == (0,)  # unseen already
    assert finish_interrupted_detaches(connection) == ["section_snapshots_2026_07"]
    assert connection.execute("select count(*) from market.section_snapshots").fetchone() == (28,)
    assert finish_interrupted_detaches(connection) == []
