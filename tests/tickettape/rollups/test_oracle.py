"""The oracle finds what is wrong: a check that cannot fail proves nothing."""

import pytest

from tests.support.markets import NOON, TEN, Section, add_event, observe, observe_ranges, price_range
from tests.support.oracle import assert_exact, differences
from tests.support.recorded_refresh import Refresh
from tickettape.database import Connection
from tickettape.rollups import ROLLUP_NAMES

KEYS = {"event_id", "zone", "hour", "date", "created_at"}


@pytest.mark.parametrize("rollup", ROLLUP_NAMES)
def test_the_oracle_finds_a_corrupted_value_a_missing_and_an_invented_row(
    connection: Connection, refresh: Refresh, rollup: str
) -> None:
    event = add_event(connection)
    observe(connection, event, NOON, Section("A", "101", [1000, 3000]), Section("B", "201"))
    observe(connection, event, NOON + TEN, Section("A", "101", [1500]), Section("B", "201"))
    observe_ranges(connection, price_range(event, NOON), price_range(event, NOON + TEN, lowest_price_cents=950))
    refresh.run_until_clean(connection)
    assert_exact(connection)
    columns = connection.execute(
        """select column_name, data_type from information_schema.columns
           where table_schema = 'analytics' and table_name = %s""",
        [rollup],
    ).fetchall()
    corruptions = [
        f"update analytics.{rollup} set {name} = {_other(name, kind)}" for name, kind in columns if name not in KEYS
    ]
    assert len(corruptions) >= 5
    for corruption in (*corruptions, f"delete from analytics.{rollup}"):
        with connection.transaction(force_rollback=True):
            connection.execute(corruption)
            found = differences(connection)
            assert found.pop(rollup) > 0, corruption
            assert set(found.values()) == {0}, corruption
    with connection.transaction(force_rollback=True):
        connection.execute("delete from market.section_snapshots")
        connection.execute("delete from market.captures")
        connection.execute("delete from market.listing_changes")
        connection.execute("delete from market.price_ranges")
        connection.execute("delete from market.dirty_buckets")
        assert differences(connection)[rollup] > 0
    assert_exact(connection)


def _other(name: str, kind: str) -> str:
    """SQL for a value that the column does not have."""
    if kind == "boolean":
        return f"not {name}"
    if kind == "text":
        return f"coalesce({name}, '') || '!'"
    if kind == "ARRAY":
        return f"array_append({name}, null)"
    if kind.startswith("timestamp"):
        return f"coalesce({name}, now()) + interval '1 second'"
    return f"coalesce({name}, 0) + 0.01" if kind == "numeric" else f"{name} + 1"
