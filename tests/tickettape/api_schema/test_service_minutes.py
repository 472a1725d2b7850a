"""What the service did, minute by minute, and its totals."""

from datetime import UTC, datetime, timedelta

from tests.support.served_minutes import did
from tickettape.api_schema import (
    SERVICE_TOTALS,
    RouteTotal,
    fold_service_minutes,
    service_totals,
)
from tickettape.database import Connection


def test_old_minutes_are_added_up_and_no_total_changes(connection: Connection) -> None:
    for _ in range(2):
        did(connection, requests=3, errors=1, bucket=2)
    always = datetime.min.replace(tzinfo=UTC)
    before = service_totals(connection, always)
    assert fold_service_minutes(connection, datetime.now(UTC) + timedelta(minutes=1)) == 1
    did(connection, requests=0)
    assert fold_service_minutes(connection, datetime.now(UTC) + timedelta(minutes=1)) == 1
    after = connection.execute(SERVICE_TOTALS, {"since": "-infinity"}).fetchall()
    assert [RouteTotal(*row).latency_counts for row in after] == [before[0].latency_counts]
    assert connection.execute("select isfinite(minute), requests from market.service_minutes").fetchall() == [
        (False, 6)
    ]
