"""scraper_jobs and scraper_logs: what each scraping run did, in the seeds' tables."""

from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from orchestration.warehouse import Connection


def start(connection: Connection, *, source: str, tick: datetime, run_id: str) -> UUID:
    """Open a job; one that this tick's run left `running` when it was killed is closed as failed."""
    connection.execute(
        """update market.scraper_jobs set status = 'failed', completed_at = now(),
               error_details = '{"killed": "the run ended without closing its job"}'
           where status = 'running' and source = %s and tick = %s""",
        [source, tick],
    )
    row = connection.execute(
        """insert into market.scraper_jobs (source, tick, run_id, status) values (%s, %s, %s, 'running')
           returning job_id""",
        [source, tick, run_id],
    ).fetchone()
    assert row is not None  # noqa: S101  an insert returns its row
    return UUID(str(row[0]))


def add_progress(connection: Connection, job_id: UUID, *, scraped: int, errors: int) -> None:
    """Count what a batch brought, in the batch's transaction."""
    connection.execute(
        """update market.scraper_jobs
           set events_scraped = events_scraped + %s, errors_count = errors_count + %s where job_id = %s""",
        [scraped, errors, job_id],
    )


def finish(connection: Connection, job_id: UUID, *, succeeded: bool, errors: dict[str, int]) -> None:
    """Close a job with its errors by class."""
    connection.execute(
        """update market.scraper_jobs set
               status = %s, completed_at = clock_timestamp(), error_details = %s,
               duration_ms = 1000 * extract(epoch from clock_timestamp() - started_at)
           where job_id = %s""",
        ["success" if succeeded else "failed", Jsonb(errors) if errors else None, job_id],
    )


def log(connection: Connection, job_id: UUID, *, level: str, event_key: int | None, message: str) -> None:
    """Keep a line about a job, and the event it is about."""
    connection.execute(
        """insert into market.scraper_logs (job_id, event_id, level, message)
           values (%s, (select id from market.events where event_key = %s), %s, %s)""",
        [job_id, event_key, level, message],
    )
