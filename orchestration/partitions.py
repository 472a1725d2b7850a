"""The partitions, hours and months: their definitions and keys.

A tick is a scheduled observation time on the interval's UTC grid; an hourly partition holds the ticks
whose time falls into it. Everything takes and gives time-zone-aware UTC instants.
"""

from datetime import UTC, date, datetime, timedelta

import dagster as dg

from tickettape.observations import floor_to_grid
from tickettape.settings import settings

HOUR = timedelta(hours=1)

HOURLY = dg.HourlyPartitionsDefinition(
    start_date=datetime.combine(settings().first_day, datetime.min.time(), UTC),
    timezone="UTC",
    end_offset=1,  # the running hour has a partition too: ticks land in it while it runs
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
