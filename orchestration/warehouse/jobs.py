"""scraper_jobs and scraper_logs: what each scraping run did, in the seeds' tables."""

from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from orchestration.warehouse import Connection

_HELD = "hashtextextended('job ' || %(job_id)s::text, 0)"


def start(connection: Connection, *, source: str, tick: datetime, run_id: str) -> UUID:
    """Open a job. The connection holds it until it is finished, so that all see which jobs were killed."""
    with connection.transaction():
        row = connection.execute(
            """insert into market.scraper_jobs (source, tick, run_id, status) values (%s, %s, %s, 'running')
               returning job_id""",
            [source, tick, run_id],
        ).fetchone()
        assert row is not None  # noqa: S101  an insert returns its row
        connection.execute(f"select pg_advisory_lock({_HELD})", {"job_id": row[0]})
    return UUID(str(row[0]))


def close_killed(connection: Connection, source: str, *, but: UUID | None = None) -> list[UUID]:
    """Close as failed what runs that were killed left `running`: jobs that no connection holds; these."""
    rows = connection.execute(
        f"""with running as materialized (
                select job_id from market.scraper_jobs
                where status = 'running' and source = %(source)s and job_id is distinct from %(but)s
            ),
            killed as materialized (
                select job_id from running as job where pg_try_advisory_xact_lock({_HELD % {"job_id": "job_id"}})
            )
            update market.scraper_jobs set status = 'failed', completed_at = now(),
                error_details = '{{"killed": "the run ended without closing its job"}}'
            where job_id in (select job_id from killed) and status = 'running'
            returning job_id""",  # noqa: S608
        {"source": source, "but": but},
    ).fetchall()
    return [UUID(str(job_id)) for (job_id,) in rows]


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
    connection.execute(f"select pg_advisory_unlock({_HELD})", {"job_id": job_id})


def log(connection: Connection, job_id: UUID, *, level: str, event_key: int | None, message: str) -> None:
    """Keep a line about a job, and the event it is about."""
    connection.execute(
        """insert into market.scraper_logs (job_id, event_id, level, message)
           values (%s, (select id from market.events where event_key = %s), %s, %s)""",
        [job_id, event_key, level, message],
    )
