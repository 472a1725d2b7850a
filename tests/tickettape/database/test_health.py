"""The database's health: measured on a real database, judged in a table of cases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.markets import Section, add_event, observe
from tickettape.database import (
    HEALTH_CHECKS,
    Connection,
    judge_health,
    measure_health,
)
from tickettape.database.disk import Disk
from tickettape.database.health import DatabaseHealth, missing_partitions

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GB = 10**9
FINE = DatabaseHealth(
    measured_at=NOW,
    began_at=NOW - timedelta(days=1),
    database_bytes=GB,
    growth_a_day=1.0 * GB,
    disk=Disk(total=100 * GB, free=50 * GB),
    connections=10,
    max_connections=100,
    xid_age=200_000_000,
    marks=0,
    oldest_mark_seconds=0,
    partitions_missing=[],
    sizes=[],
    unused_indexes=[],
    slow_statements=None,
    connections_by_state=[],
    dead_rows=[],
)


@pytest.mark.parametrize(
    ("found", "failing"),
    [
        (FINE, set()),
        (replace(FINE, disk=Disk(100 * GB, 14 * GB)), set()),
        (replace(FINE, disk=Disk(100 * GB, 13 * GB)), {"storage"}),
        (replace(FINE, disk=Disk(100 * GB, 13 * GB), growth_a_day=-1.0), set()),
        (replace(FINE, disk=Disk(100 * GB, 9 * GB), growth_a_day=None), {"storage"}),
        (replace(FINE, disk=None), {"storage"}),
        (replace(FINE, connections=80), set()),
        (replace(FINE, connections=81), {"connections"}),
        (replace(FINE, xid_age=500_000_001), {"xid_age"}),
        (replace(FINE, marks=3, oldest_mark_seconds=3600), set()),
        (replace(FINE, marks=3, oldest_mark_seconds=3601), {"marks"}),
        (replace(FINE, partitions_missing=["captures_2027_01"]), {"partitions_ahead"}),
        (replace(FINE, partitions_missing=["captures_2027_01"], began_at=NOW - timedelta(minutes=59)), set()),
    ],
)
def test_each_check_fails_past_its_threshold_and_no_sooner(found: DatabaseHealth, failing: set[str]) -> None:
    judged = judge_health(found, storage_days_left=14, connections_share=0.8)
    assert [verdict.check for verdict in judged] == list(HEALTH_CHECKS)
    assert {verdict.check for verdict in judged if not verdict.passed} == failing


def test_a_measurement_finds_what_is_there(connection: Connection) -> None:
    event = add_event(connection)
    observe(connection, event, NOW, Section("A", "101"))
    observe(connection, event, NOW - timedelta(days=31), Section("A", "101"))
    connection.execute("update market.dirty_buckets set marked_at = now() - interval '2 hours'")
    connection.execute("create index idle_index on market.events (city)")
    connection.execute(
        """insert into box_office.users (email, full_name, password_hash)
           select number || '@example.com', 'A user', 'x' from generate_series(1, 1000) as number;
           create index idle_index on box_office.users (full_name, email)"""
    )
    connection.execute("select pg_stat_force_next_flush()")
    connection.execute("update box_office.users set full_name = 'Another'")
    connection.execute("select pg_stat_force_next_flush()")
    for days, size in ((3, 100), (2, 200), (1, 300)):
        connection.execute(
            "insert into market.database_sizes (measured_at, relation, bytes) values (%s, 'market.events', %s)",
            [NOW - timedelta(days=days), size * 1_000_000],
        )
    found = measure_health(connection, NOW)
    assert found.growth_a_day is None  # one measurement of the whole says nothing of a day
    sizes = {row["table"]: row for row in found.sizes}
    assert sizes["market.section_snapshots"]["partitions"] == 2
    assert sizes["market.section_snapshots"]["bytes"] > sizes["market.section_snapshots"]["index bytes"] > 0
    assert sizes["market.events"]["growth a day"] is not None
    assert found.disk is not None
    assert 0 < found.disk.free < found.disk.total
    assert {"market.idle_index", "box_office.idle_index"} <= {row["index"] for row in found.unused_indexes}
    assert sizes["box_office.users"]["bytes"] > sizes["box_office.users"]["index bytes"] > 0
    assert "box_office.users" in {row["table"] for row in found.dead_rows}
    assert found.slow_statements is None  # the embedded server does not have pg_stat_statements
    assert found.connections == sum(row["connections"] for row in found.connections_by_state) >= 1
    assert found.xid_age > 0
    assert found.oldest_mark_seconds >= 7200
    assert "captures_2026_12" in found.partitions_missing
    assert "captures_2026_11" not in found.partitions_missing

    # a control: an index that was used, and rows that were vacuumed
    connection.execute("set enable_seqscan = off")
    connection.execute("select from box_office.users where full_name = 'Another'")
    connection.execute("vacuum box_office.users")
    connection.execute("select pg_stat_force_next_flush()")
    connection.execute("select pg_stat_clear_snapshot()")
    later = measure_health(connection, NOW + timedelta(days=2))
    assert "box_office.idle_index" not in {row["index"] for row in later.unused_indexes}
    assert "box_office.users" not in {row["table"] for row in later.dead_rows}
    assert later.growth_a_day is not None
    assert abs(later.growth_a_day * 2 - (later.database_bytes - found.database_bytes)) < 1


def test_partitions_are_missed_before_they_are_needed() -> None:
    new_years_eve = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    missing = missing_partitions(["captures_2027_01"], new_years_eve)
    assert [name for name in missing if name.startswith("captures")] == [
        f"captures_{month}" for month in ("2026_12", "2027_02", "2027_03")
    ]
    assert [name for name in missing if "payloads" in name][:2] == [
        "capture_payloads_2026_12_31",
        "capture_payloads_2027_01_01",
    ]
    assert len([name for name in missing if "payloads" in name]) == 8
