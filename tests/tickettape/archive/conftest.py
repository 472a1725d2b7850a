"""What the tests of this folder share."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.support.dbt_runs import run_dbt
from tests.support.markets import TEN, Section, add_event, observe, observe_ranges, price_range
from tests.support.old_months import (
    cold,
)
from tests.tickettape.box_office.conftest import box_office_url, office
from tickettape.database import Connection
from tickettape.file_storage import Storage
from tickettape.rollups import ROLLUPS_ALONE, pending_buckets

__all__ = ["box_office_url", "may", "office", "storage"]  # fixtures: pytest finds them by name

MAY = date(2026, 5, 1)


@pytest.fixture
def may(connection: Connection) -> list[int]:
    """Two events with two observed hours at each end of May and one of June, rolled up; May's raw month is archived."""
    events = [add_event(connection, "1"), add_event(connection, "2")]
    for event in events:
        for hour in (datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 31, 23, tzinfo=UTC)):
            observe(connection, event, hour, Section("A", "101", [1000, 2001]), Section("B", "202", [999]))
            observe(connection, event, hour + TEN, Section("A", "101", [1500]))
            observe_ranges(connection, price_range(event, hour), price_range(event, hour + TEN, market="primary"))
        observe(connection, event, datetime(2026, 6, 1, tzinfo=UTC), Section("A", "101"))
    while pending_buckets(connection):
        run_dbt(*ROLLUPS_ALONE)
    connection.execute("update market.months set state = 'archived' where month = %s", [MAY])
    return events


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return cold(tmp_path)
