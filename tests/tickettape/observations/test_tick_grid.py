"""Ticks on the grid of UTC."""

from datetime import UTC, datetime, timedelta

import pytest

from tickettape.observations import floor_to_grid, ticks_between
from tickettape.settings.marketplaces import INTERVALS_MINUTES


@pytest.mark.parametrize("minutes", INTERVALS_MINUTES)
def test_every_hour_begins_with_a_tick(minutes: int) -> None:
    hour = datetime(2026, 11, 21, 7, tzinfo=UTC)
    ticks = list(ticks_between(hour, hour + timedelta(hours=1), timedelta(minutes=minutes)))
    assert ticks[0] == hour
    assert len(ticks) == 60 // minutes


def test_an_instant_belongs_to_the_tick_that_began_last() -> None:
    ten = timedelta(minutes=10)
    assert floor_to_grid(ten, datetime(2026, 11, 21, 7, 19, 59, 999999, UTC)) == datetime(
        2026, 11, 21, 7, 10, tzinfo=UTC
    )
    assert floor_to_grid(ten, datetime(2026, 11, 21, 7, 20, tzinfo=UTC)) == datetime(2026, 11, 21, 7, 20, tzinfo=UTC)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        floor_to_grid(timedelta(minutes=10), datetime(2026, 11, 21))  # noqa: DTZ001
