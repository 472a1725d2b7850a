"""`dagster dev` as a person meets it: starts, also after a kill, ticks by itself, stops without a trace."""

from pathlib import Path

import pytest

from tests.support.loopback_servers import served
from tests.support.processes import database_of, free_port, kill_all, left_over, press_ctrl_c, runs, start_dev, wait_for
from tests.support.slow_simulator import SlowSimulator


def _with_status(port: int, status: str) -> list[str]:
    return [run["runId"] for run in runs(port) if run["status"] == status]


@pytest.mark.processes
def test_killed_in_mid_tick_it_starts_again_ticks_by_itself_stops_without_a_trace_and_leaves_its_history(
    home: Path,
) -> None:
    log, port = home / "log", free_port()
    slow = SlowSimulator(seconds=20)
    with served(slow) as url:
        killed = start_dev(home, log, port, MARKETPLACE_URL=url, MARKETPLACE_SOURCE="simulator")
        try:
            wait_for("a tick under way", lambda: slow.asked.total() >= 3, 120, log)
        finally:
            kill_all(killed, home)
    again = start_dev(home, log, port)  # as it comes, without a setting
    try:
        (run, *_) = wait_for("a green tick", lambda: _with_status(port, "SUCCESS"), 120, log)
        wait_for("the killed run closed as failed", lambda: _with_status(port, "FAILURE"), 60, log)
        press_ctrl_c(again)
        wait_for("the end of every process", lambda: not left_over(again, home), 60)
    finally:
        kill_all(again, home)
    # a start that finds the killed one's history does not show that a clean stop keeps its own
    with database_of(home) as connection:
        statuses = dict(connection.execute("select run_id, status from dagster.runs").fetchall())
    assert statuses.pop(run) == "SUCCESS"
    assert "FAILURE" in statuses.values()
