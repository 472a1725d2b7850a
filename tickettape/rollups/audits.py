"""Audits: what the tests of the data found over all of it, and rows that fail a test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tickettape.database import Connection

SAMPLE_ROWS = 10  # enough to see what the failing rows have in common; they are copied into Dagster's event log

Row = dict[str, str | int | float | bool | None]


@dataclass(frozen=True)
class AuditFinding:
    """What one test found. `failures` is the number of failing rows; None where the test could not be run."""

    about: str
    test: str
    severity: Literal["error", "warn"]
    status: Literal["pass", "warn", "fail", "error"]
    failures: int | None
    seconds: float
    message: str | None = None
    sample: tuple[Row, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return self.status == "pass"


def failing_rows(connection: Connection, query: str, *, since: str = "") -> tuple[Row, ...]:
    """Up to SAMPLE_ROWS rows of a test's query, values as plain scalars; `since`: what market.tests_since() says."""
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("set local transaction read only")
        cursor.execute("select set_config('tickettape.tests_since', %s, true)", [since])
        rows = cursor.execute(f"select * from ({query}\n) as failing limit {SAMPLE_ROWS}").fetchall()  # noqa: S608
    return tuple({name: _scalar(value) for name, value in row.items()} for row in rows)


def store_audit(connection: Connection, *, run_id: str, started_at: datetime, findings: Sequence[AuditFinding]) -> None:
    """Keep an audit's findings, all or none; run again, a run's findings are replaced."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("delete from market.audits where run_id = %s", [run_id])
        cursor.executemany(
            """insert into market.audits
                   (run_id, started_at, about, test, severity, status, failures, sample, message, seconds)
               values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [
                (
                    run_id, started_at, finding.about, finding.test, finding.severity, finding.status,
                    finding.failures, Jsonb(finding.sample) if finding.sample else None, finding.message,
                    finding.seconds,
                )
                for finding in findings
            ],
        )  # fmt: skip


def _scalar(value: Any) -> str | int | float | bool | None:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
