"""Which tier takes how much room."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.old_months import JULY, cold, fill, run_archive
from tests.support.packed_history import packed, past_days, tiers
from tickettape.archive.storage_tiers import cold_bytes, storage_tiers, tier_of
from tickettape.database import Connection, table_sizes


@pytest.mark.parametrize(
    ("table", "tier"),
    [
        ("market.section_snapshots", "hot"),
        ("market.capture_payloads", "hot"),
        ("market.packed_days", "warm"),
        ("analytics.latest_prices", "rollups"),
        ("market.events", "other"),
        ("dagster.runs", "other"),
    ],
)
def test_every_table_has_a_tier(table: str, tier: str) -> None:
    assert tier_of(table) == tier


def test_a_tier_says_its_bytes_and_what_a_snapshot_takes_there(connection: Connection, tmp_path: Path) -> None:
    fill(connection, JULY)
    run_archive(connection, cold(tmp_path), JULY)
    packed(connection, past_days(connection))
    connection.execute("analyze")
    rows, in_arrays = tiers(connection)
    sizes, _ = table_sizes(connection, datetime.now(UTC))
    found = {one.table: one for one in storage_tiers(connection, sizes, cold_bytes(cold(tmp_path)))}
    hot, warm = found["market.section_snapshots"], found["market.packed_days"]
    assert (hot.tier, hot.rows, warm.tier, warm.rows) == ("hot", rows, "warm", in_arrays)
    assert warm.bytes_a_row == warm.bytes / in_arrays
    files = [*(tmp_path / "cold" / "section_snapshots").rglob("*.parquet")]
    assert found["section_snapshots"].bytes == sum(file.stat().st_size for file in files) > 0
    assert found["section_snapshots"].tier == found["manifests"].tier == "cold"


def test_without_any_cold_storage_there_are_only_tables(connection: Connection, tmp_path: Path) -> None:
    sizes, _ = table_sizes(connection, datetime.now(UTC))
    found = storage_tiers(connection, sizes, cold_bytes(cold(tmp_path / "none")))
    assert {one.tier for one in found} == {"hot", "warm", "other"}
