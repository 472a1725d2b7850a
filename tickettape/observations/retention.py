"""Delete raw answers, jobs and logs that have reached their retention limit. Daily rollups are never deleted.

Hourly rollups go to cold storage first (`archive.hourly_cold_storage`), and so do months of captures and snapshots
(`archive.month_archive`).
"""

from datetime import UTC, datetime, timedelta

from tickettape.database import Connection, drop_payload_partitions_before, months_before


def expire_payloads(connection: Connection, now: datetime, *, days: int) -> tuple[list[str], int]:
    """Drop the raw answers of whole days, older than `days`; returns the dropped partitions and how many were unread.

    An answer that was never read will never have snapshots, so its capture becomes `failed`.
    """
    before = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    dropped = drop_payload_partitions_before(connection, before.date())
    lost = connection.execute(
        """update market.captures set status = 'failed', note = 'the answer was never read, and its time is over'
           where status = 'received' and tick < %s and market.month_is_writable(tick)""",
        [before],
    )
    return dropped, lost.rowcount


def expire_jobs(connection: Connection, now: datetime, *, months: int) -> int:
    """Delete the jobs that started more than `months` ago, with their logs; returns how many jobs."""
    before = months_before(now, months)
    return connection.execute("delete from market.scraper_jobs where started_at < %s", [before]).rowcount


def expire_logs(connection: Connection, now: datetime, *, months: int) -> int:
    """Delete the log lines that are older than `months`; returns how many."""
    before = months_before(now, months)
    return connection.execute('delete from market.scraper_logs where "timestamp" < %s', [before]).rowcount
