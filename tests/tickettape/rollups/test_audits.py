"""What tests of the data found: a few of the failing rows, and findings that are kept once a run."""

from datetime import UTC, datetime

import psycopg
import pytest

from tests.support.markets import NOON
from tickettape.database import Connection
from tickettape.rollups import AuditFinding, failing_rows, store_audit
from tickettape.rollups.audits import SAMPLE_ROWS


def finding(test: str, failures: int) -> AuditFinding:
    return AuditFinding("event_days", test, "error", "fail" if failures else "pass", failures, 0.5)


def test_a_sample_is_a_few_rows_of_plain_values(connection: Connection) -> None:
    rows = failing_rows(
        connection,
        "select n, 1.5::numeric as price, date '2026-11-21' as day, null as none from generate_series(1, 99) n",
    )
    assert len(rows) == SAMPLE_ROWS
    assert rows[0] == {"n": 1, "price": "1.5", "day": "2026-11-21", "none": None}


def test_a_query_that_would_write_is_refused_and_one_may_end_in_a_comment(connection: Connection) -> None:
    assert failing_rows(connection, "select 1 as one -- of a test") == ({"one": 1},)
    connection.execute("create sequence written")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        failing_rows(connection, "select nextval('written')")


def test_a_query_is_told_since_when_it_is_asked(connection: Connection) -> None:
    (row,) = failing_rows(connection, "select market.tests_since() as since", since="2026-11-21 10:00+00")
    assert row["since"] == str(datetime(2026, 11, 21, 10, tzinfo=UTC))


def test_a_runs_findings_are_kept_once_and_replaced_when_it_runs_again(connection: Connection) -> None:
    store_audit(connection, run_id="1", started_at=NOON, findings=[finding("is_whole", 3), finding("is_exact", 0)])
    store_audit(connection, run_id="2", started_at=NOON, findings=[finding("is_whole", 0)])
    store_audit(connection, run_id="1", started_at=NOON, findings=[finding("is_whole", 1)])
    kept = connection.execute("select run_id, test, failures from market.audits order by 1").fetchall()
    assert kept == [("1", "is_whole", 1), ("2", "is_whole", 0)]
