"""Dagster's partitions, hours and months: their definitions and keys.

An hourly partition holds the ticks of its hour. All functions take and return time-zone-aware UTC instants.
"""

from datetime import UTC, date, datetime, timedelta

import dagster as dg

from tickettape.observations import floor_to_grid
from tickettape.settings import settings

HOUR = timedelta(hours=1)

HOURLY = dg.HourlyPartitionsDefinition(
    start_date=datetime.combine(settings().first_day, datetime.min.time(), UTC),
    timezone="UTC",
    end_offset=1,  # the current hour has a partition too: its ticks run before it is over
)

MONTHLY = dg.MonthlyPartitionsDefinition(
    start_date=datetime.combine(settings().first_day.replace(day=1), datetime.min.time(), UTC), timezone="UTC"
)


def partition_of(tick: datetime) -> str:
    """The key of the hourly partition that holds a tick."""
    return floor_to_grid(HOUR, tick).strftime(HOURLY.fmt)


def hour_of_partition(key: str) -> datetime:
    """The hour (its start) of an hourly partition's key."""
    return datetime.strptime(key, HOURLY.fmt).replace(tzinfo=UTC)


def month_of_partition(key: str) -> date:
    """The month (its first day) of a monthly partition's key."""
    return datetime.strptime(key, MONTHLY.fmt).replace(tzinfo=UTC).date()


def partition_of_month(month: date) -> str:
    """The key of a month's partition."""
    return month.strftime(MONTHLY.fmt)
