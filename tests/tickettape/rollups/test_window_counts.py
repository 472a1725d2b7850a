"""What a range of time holds, in counts."""

from datetime import timedelta

from tests.support.markets import NOON, TEN, Section, add_event, observe, observe_ranges, price_range
from tests.support.recorded_refresh import Refresh
from tickettape.database import Connection
from tickettape.rollups import count_window

HOUR = timedelta(hours=1)


def test_ticks_count_from_the_start_up_to_the_end_and_hours_and_days_where_they_overlap(
    connection: Connection, refresh: Refresh
) -> None:
    one, other = add_event(connection, "1"), add_event(connection, "2")
    for event, tick in ((one, NOON), (one, NOON + TEN), (one, NOON + HOUR), (other, NOON + TEN)):
        observe(connection, event, tick, Section("Lower", "101", [1000, 3000]))
    observe(connection, one, NOON + 2 * TEN)
    observe_ranges(connection, price_range(one, NOON + TEN))
    refresh.run_until_clean(connection)
    counts = count_window(connection, NOON + TEN, NOON + HOUR)
    assert counts["captures ok"] == 2
    assert counts["captures empty"] == 1
    assert counts["section snapshots"] == 2
    assert (counts["listings"], counts["tickets"], counts["sum of prices (cents)"]) == (4, 8, 8000)
    assert counts["price ranges"] == 1
    of_one = count_window(connection, NOON + TEN, NOON + HOUR, one)
    assert (of_one["captures ok"], of_one["captures empty"], of_one["listings"]) == (1, 1, 2)
    hourly = [name for name in counts if "hour" in name]
    assert hourly
    assert [of_one[name] for name in hourly] != [0] * len(hourly)
    assert all(counts[name] >= of_one[name] for name in hourly)


def test_a_rollup_that_is_not_made_yet_counts_nothing(connection: Connection) -> None:
    connection.execute("drop schema analytics cascade; create schema analytics")
    assert set(count_window(connection, NOON, NOON + HOUR).values()) == {0}
