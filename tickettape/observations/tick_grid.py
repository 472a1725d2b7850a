"""The grid of ticks: pure arithmetic on time-zone-aware UTC instants.

A tick is a scheduled observation time on the interval's UTC grid.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta


def floor_to_grid(interval: timedelta, instant: datetime) -> datetime:
    """The latest point of the interval's UTC grid that is not after `instant`."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone. Give an aware datetime")
    midnight = instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (instant - midnight) // interval * interval


def ticks_between(start: datetime, end: datetime, interval: timedelta) -> Iterator[datetime]:
    """Every tick in [start, end), oldest first."""
    tick = floor_to_grid(interval, start)
    if tick < start:
        tick += interval
    while tick < end:
        yield tick
        tick += interval
