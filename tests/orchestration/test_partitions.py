"""Hours and ticks."""

from datetime import UTC, datetime, timedelta, timezone

from orchestration.partitions import HOURLY, partition_of


def test_a_local_instant_lands_on_the_utc_grid() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    assert partition_of(datetime(2026, 11, 21, 5, 29, tzinfo=india)) == "2026-11-20-23:00"


def test_the_running_hour_has_a_partition() -> None:
    assert HOURLY.get_last_partition_key() == partition_of(datetime.now(UTC))
