"""A price range that is voided counts no more, until it is brought back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.support.markets import NOON, TEN, add_event
from tests.support.stored_ranges import marked, of, stored
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.observations import (
    NothingToDo,
    price_range_ticks,
    store_price_ranges,
    undo_price_range_void,
    void_price_range,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def event(connection: Connection) -> int:
    ensure_partitions(connection, [NOON], answers=False)
    return add_event(connection)


def test_a_void_takes_it_out_and_an_undo_brings_it_back_as_it_was(connection: Connection, event: int) -> None:
    store_price_ranges(connection, [of(event), of(event, NOON + TEN)])
    before = stored(connection)
    connection.execute("delete from market.dirty_buckets")
    void_price_range(connection, event, NOON, reason="another event's", by="me")
    assert stored(connection) == before[1:]
    assert marked(connection) == [("range_hours", 12)]
    with pytest.raises(NothingToDo, match="no valid price range"):
        void_price_range(connection, event, NOON, reason="again", by="me")
    assert price_range_ticks(connection, event, NOON, NOON + HOUR, voided=True) == [NOON]
    assert price_range_ticks(connection, event, NOON, NOON + HOUR, voided=False) == [NOON + TEN]
    connection.execute("delete from market.dirty_buckets")
    undo_price_range_void(connection, event, NOON)
    assert (stored(connection), marked(connection)) == (before, [("range_hours", 12)])
    with pytest.raises(NothingToDo, match="is not void"):
        undo_price_range_void(connection, event, NOON)
    assert connection.execute("select kind, reason, ended_by, capture_status from market.voids").fetchall() == [
        ("price_range", "another event's", "undo", None)
    ]


def test_a_voided_one_stays_void_when_it_comes_again_and_counts_when_it_comes_corrected(
    connection: Connection, event: int
) -> None:
    store_price_ranges(connection, [of(event)])
    void_price_range(connection, event, NOON, reason="wrong", by="me")
    assert store_price_ranges(connection, [of(event)])["unchanged"] == 1
    assert stored(connection) == []
    both = [of(event, listings=13), of(event, NOON + TEN)]
    assert store_price_ranges(connection, both) == {"added": 1, "replaced": 1, "unchanged": 0, "refused": 0}
    assert [row[5] for row in stored(connection)] == [13, 12]
    assert connection.execute("select ended_by from market.voids").fetchall() == [("import",)]


def test_a_void_of_a_closed_month_changes_nothing(connection: Connection, event: int) -> None:
    store_price_ranges(connection, [of(event)])
    connection.execute("update market.months set state = 'closed'")
    with pytest.raises(NothingToDo, match="2026-11 is closed"):
        void_price_range(connection, event, NOON, reason="wrong", by="me")
    assert len(stored(connection)) == 1


@pytest.mark.race
def test_a_void_waits_for_a_writer_under_way_so_that_what_it_voids_does_not_come_back(
    connection: Connection, warehouse: Warehouse, event: int
) -> None:
    store_price_ranges(connection, [of(event)])
    with warehouse.connection() as other, ThreadPoolExecutor(1) as threads:
        with other.transaction():
            store_price_ranges(other, [of(event)])  # it saw that nothing is void
            voiding = threads.submit(void_price_range, connection, event, NOON, reason="wrong", by="me")
            with pytest.raises(TimeoutError):
                voiding.result(0.3)
        voiding.result(10)
    assert stored(connection) == []
