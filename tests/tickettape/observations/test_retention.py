"""Raw answers, jobs and logs go when their time is over."""

from datetime import UTC, datetime, timedelta

from tests.support.markets import add_event
from tickettape.database import Connection, ensure_partitions
from tickettape.observations import expire_jobs, expire_logs, expire_payloads

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_raw_answers_go_by_whole_days_and_one_that_was_never_read_says_so(connection: Connection) -> None:
    event = add_event(connection)
    last_gone, first_kept = datetime(2026, 11, 13, 23, 50, tzinfo=UTC), datetime(2026, 11, 14, tzinfo=UTC)
    ensure_partitions(connection, [last_gone, first_kept, NOON])
    for tick in (last_gone, first_kept):
        connection.execute(
            "insert into market.captures (event_key, tick, status) values (%s, %s, 'received')", [event, tick]
        )
        connection.execute(
            "insert into market.capture_payloads (event_key, tick, answer_zstd) values (%s, %s, '')", [event, tick]
        )
    assert expire_payloads(connection, NOON, days=7) == (["capture_payloads_2026_11_13"], 1)
    assert connection.execute("select tick from market.capture_payloads").fetchall() == [(first_kept,)]
    assert connection.execute("select tick, status, note from market.captures order by tick").fetchall() == [
        (last_gone, "failed", "the answer was never read, and its time is over"),
        (first_kept, "received", None),
    ]
    assert expire_payloads(connection, NOON, days=7) == ([], 0)


def test_jobs_and_logs_go_when_they_are_older_than_their_months_and_not_at_the_very_instant(
    connection: Connection,
) -> None:
    three, one = datetime(2026, 8, 21, 12, tzinfo=UTC), datetime(2026, 10, 21, 12, tzinfo=UTC)
    second = timedelta(seconds=1)
    for started in (three - second, three):
        job = connection.execute(
            "insert into market.scraper_jobs (source, started_at, status) values ('s', %s, 'success') returning job_id",
            [started],
        ).fetchone()
        for at in (one - second, one):
            connection.execute(
                "insert into market.scraper_logs (job_id, timestamp, level, message) values (%s, %s, 'INFO', 'm')",
                [job and job[0], at],
            )
    assert expire_logs(connection, NOON, months=1) == 2
    assert expire_jobs(connection, NOON, months=3) == 1
    assert connection.execute("select started_at from market.scraper_jobs").fetchall() == [(three,)]
    assert connection.execute("select timestamp from market.scraper_logs").fetchall() == [(one,)]
