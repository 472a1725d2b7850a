"""scraper_jobs and scraper_logs, as required (R-027, R-035): true for killed runs too."""

from typing import Any

from tests.support.markets import NOON, add_event
from tickettape.database import Connection, Warehouse
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
