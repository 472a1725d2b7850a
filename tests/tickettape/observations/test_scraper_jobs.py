"""scraper_jobs and scraper_logs, as required (R-027, R-035): true for killed runs too."""

from datetime import timedelta
from typing import Any

from tests.support.markets import NOON, TEN, add_event
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.observations import Capture, scraper_figures, store_captures
from tickettape.observations.scraper_jobs import (
    add_job_progress,
    close_killed_jobs,
    finish_job,
    log_about_job,
    start_job,
)


def rows(connection: Connection) -> list[Any]:
    return connection.execute(
        """select run_id, status, events_scraped, errors_count, error_details, duration_ms, completed_at is not null
           from market.scraper_jobs order by id"""
    ).fetchall()


def test_a_job_says_what_it_did_and_why_events_were_not_answered(connection: Connection) -> None:
    job = start_job(connection, source="simulator", tick=NOON, run_id="a run")
    assert rows(connection) == [("a run", "running", 0, 0, None, None, False)]
    add_job_progress(connection, job, scraped=7, errors=3)
    finish_job(connection, job, succeeded=True, errors={"missing": 1, "blocked": 2})
    [(run_id, status, scraped, errors, details, duration, completed)] = rows(connection)
    assert (run_id, status, scraped, errors, completed) == ("a run", "success", 7, 3, True)
    assert details == {"missing": 1, "blocked": 2}
    assert 0 <= duration < 60_000


def test_a_job_that_brought_nothing_has_failed_though_it_reached_its_end(connection: Connection) -> None:
    for scraped, errors, succeeded in ((0, 5, True), (0, 0, True), (5, 0, False)):
        job = start_job(connection, source="simulator", tick=NOON, run_id="a run")
        add_job_progress(connection, job, scraped=scraped, errors=errors)
        finish_job(connection, job, succeeded=succeeded, errors={})
    assert [row[1] for row in rows(connection)] == ["failed", "success", "failed"]


def test_a_killed_runs_job_is_closed_by_the_next_and_a_living_ones_is_not(
    warehouse: Warehouse, connection: Connection
) -> None:
    """Of four runs that share a tick, the killed one must not look alive, nor the living ones killed."""
    with warehouse.connection() as doomed, warehouse.connection() as living, warehouse.connection() as third:
        killed = start_job(doomed, source="simulator", tick=NOON, run_id="killed")
        add_job_progress(doomed, killed, scraped=20, errors=1)
        start_job(living, source="simulator", tick=NOON, run_id="living")
        start_job(third, source="simulator", tick=NOON, run_id="a third")
        assert close_killed_jobs(connection, "simulator") == []
        assert [row[1] for row in rows(connection)] == ["running", "running", "running"]
        connection.execute("select pg_terminate_backend(%s, 5000)", [doomed.info.backend_pid])
        assert close_killed_jobs(connection, "elsewhere") == []
        assert rows(connection)[0][1] == "running"
        assert close_killed_jobs(connection, "simulator") == [killed]
        assert [(run, status) for run, status, *_ in rows(connection)] == [
            ("killed", "failed"),
            ("living", "running"),
            ("a third", "running"),
        ]
        assert rows(connection)[0][2:] == (
            20,
            1,
            {"killed": "the run ended without closing its job"},
            None,  # nobody knows how long it took
            True,
        )
        lines = connection.execute("select job_id, level, message from market.scraper_logs").fetchall()
        assert [(job, level) for job, level, _ in lines] == [(killed, "ERROR")]
        assert "Run killed was killed" in lines[0][2]


def test_a_line_keeps_where_in_the_program_and_which_figures(connection: Connection) -> None:
    event = add_event(connection)
    job = start_job(connection, source="simulator", tick=NOON, run_id="a run")
    log_about_job(
        connection,
        job,
        level="ERROR",
        event_key=event,
        message="no answer",
        stack_trace="line 1",
        metadata={"http": 503},
    )
    [line] = connection.execute(
        """select events.event_key, job_id, level, message, stack_trace, metadata
           from market.scraper_logs inner join market.events on events.id = event_id"""
    ).fetchall()
    assert line == (event, job, "ERROR", "no answer", "line 1", {"http": 503})


def test_the_scrapers_figures_are_those_of_the_ticks_captures_of_one_marketplace(connection: Connection) -> None:
    def capture(key: int, status: str, code: int | None, latency_ms: int | None, **more: Any) -> Capture:
        return Capture(key, NOON, status, http_status=code, latency_ms=latency_ms, **more)

    assert scraper_figures(connection, "simulator", [NOON]).success_rate is None
    events = [add_event(connection, str(number)) for number in range(5)]
    other = add_event(connection, "1", "elsewhere")
    ensure_partitions(connection, [NOON])
    captured = [
        capture(events[0], "received", 200, 100, answer=b"1234"),
        capture(events[1], "received", 200, 300, answer=b"1234"),
        capture(events[2], "blocked", 403, 50),
        capture(events[3], "missed", None, None),
        Capture(events[4], NOON - timedelta(minutes=10), "received", answer=b"older"),
        capture(other, "failed", 503, 9_000),
    ]
    store_captures(connection, captured, None)
    figures = scraper_figures(connection, "simulator", [NOON])
    assert (figures.asked, figures.answered, figures.success_rate) == (4, 2, 0.5)
    assert figures.by_status == {"received": 2, "blocked": 1, "missed": 1}
    assert figures.by_http_status == {"200": 2, "403": 1, "none": 1}
    assert (figures.latency_p50, figures.payload_bytes) == (100, 8)
    assert 280 < (figures.latency_p99 or 0) <= 300
    both = scraper_figures(connection, "simulator", [NOON, NOON - TEN])
    assert (both.asked, both.answered) == (5, 3)
