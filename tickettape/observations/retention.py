"""What is deleted when its time is over: raw answers, jobs and logs. Days of rollups never are.

Hours go to cold storage first (`archive.hourly_cold_storage`), and so do
months of captures and snapshots (`archive.month_archive`).
"""

from datetime import UTC, datetime, timedelta

from tickettape.database import Connection, drop_payload_partitions_before, months_before


def expire_payloads(connection: Connection, now: datetime, *, days: int) -> tuple[list[str], int]:
    """Drop the raw answers of whole days older than so many; the dropped partitions, the answers lost unread.

    An answer that was never read into snapshots has no snapshots now: its capture says so by failing.
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
    """Delete the jobs that started more than so many months ago, with their logs; how many jobs."""
    before = months_before(now, months)
    return connection.execute("delete from market.scraper_jobs where started_at < %s", [before]).rowcount


def expire_logs(connection: Connection, now: datetime, *, months: int) -> int:
    """Delete the log lines older than so many months; how many."""
    before = months_before(now, months)
    return connection.execute('delete from market.scraper_logs where "timestamp" < %s', [before]).rowcount
