"""scraper_jobs and scraper_logs: what each scraper run did, in the required tables (R-027, R-035).

The session of a run holds a lock for its job. If the lock is free, that run is dead.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from tickettape.database import Connection


def _lock(job_id: str) -> str:
    return f"hashtextextended('scraper job ' || {job_id}::text, 0)"


def start_job(connection: Connection, *, source: str, tick: datetime, run_id: str) -> UUID:
    """Open a job. The connection holds its lock until it is finished, so that all can see which jobs were killed."""
    job_id = uuid4()
    connection.execute(f"select pg_advisory_lock({_lock('%s')})", [job_id])
    connection.execute(
        "insert into market.scraper_jobs (job_id, source, tick, run_id, status) values (%s, %s, %s, %s, 'running')",
        [job_id, source, tick, run_id],
    )
    return job_id


def close_killed_jobs(connection: Connection, source: str, *, but: UUID | None = None) -> list[UUID]:
    """Close the jobs that killed runs left `running` as failed: those whose lock is free; returns them.

    How long they took is not known, so it is left empty. What they stored stays, and so do their counts.
    """
    closed = connection.execute(
        f"""with running as materialized (  -- only their locks are tried
               select job_id from market.scraper_jobs
               where status = 'running' and source = %s and job_id is distinct from %s
           )
           update market.scraper_jobs as job set
               status = 'failed', completed_at = now(),
               error_details = coalesce(error_details, '{{}}')
                   || '{{"killed": "the run ended without closing its job"}}'
           from running
           where job.job_id = running.job_id and job.status = 'running'
               and pg_try_advisory_xact_lock({_lock("running.job_id")})
           returning job.job_id, job.run_id""",  # noqa: S608
        [source, but],
    ).fetchall()
    for job_id, run_id in closed:
        message = f"Run {run_id} was killed before it closed its job. What it had stored so far is kept."
        log_about_job(connection, job_id, level="ERROR", event_key=None, message=message)
    return [UUID(str(job_id)) for job_id, _ in closed]


def add_job_progress(connection: Connection, job_id: UUID, *, scraped: int, errors: int) -> None:
    """Add the counts of a batch, in the batch's transaction."""
    connection.execute(
        """update market.scraper_jobs
           set events_scraped = events_scraped + %s, errors_count = errors_count + %s where job_id = %s""",
        [scraped, errors, job_id],
    )


def finish_job(connection: Connection, job_id: UUID, *, succeeded: bool, errors: Mapping[str, int]) -> None:
    """Close a job with its errors by class. One with errors and without a single answer has failed too."""
    connection.execute(
        """update market.scraper_jobs set
               status = case when %s and (events_scraped > 0 or errors_count = 0) then 'success' else 'failed' end,
               completed_at = clock_timestamp(), error_details = %s,
               duration_ms = 1000 * extract(epoch from clock_timestamp() - started_at)
           where job_id = %s""",
        [succeeded, Jsonb(dict(errors)) if errors else None, job_id],
    )
    connection.execute(f"select pg_advisory_unlock({_lock('%s')})", [job_id])


def log_about_job(
    connection: Connection,
    job_id: UUID | None,
    *,
    level: str,
    event_key: int | None,
    message: str,
    stack_trace: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Store a log line about a job, and the event that it is about."""
    connection.execute(
        """insert into market.scraper_logs (job_id, event_id, level, message, stack_trace, metadata)
           values (%s, (select id from market.events where event_key = %s), %s, %s, %s, %s)""",
        [job_id, event_key, level, message, stack_trace, Jsonb(dict(metadata)) if metadata else None],
    )


def newest_jobs(connection: Connection, source: str, most: int) -> list[dict[str, Any]]:
    """The newest jobs of a marketplace, newest first, as a table."""
    rows = connection.execute(
        """select tick, status, events_scraped, errors_count, duration_ms, error_details::text, run_id
           from market.scraper_jobs where source = %s order by started_at desc limit %s""",
        [source, most],
    ).fetchall()
    names = ("tick", "status", "events scraped", "errors", "milliseconds", "errors by class", "run")
    return [dict(zip(names, row, strict=True)) for row in rows]
