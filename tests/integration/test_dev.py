"""`dagster dev` as a person meets it: starts, ticks by itself, stops without a trace, finds its history again."""

from pathlib import Path

from tests.marketplaces.loopback_servers import served
from tests.processes import database_of, free_port, kill_all, left_over, press_ctrl_c, runs, start_dev, wait_for
from tests.slow_simulator import SlowSimulator


def _with_status(port: int, status: str) -> list[str]:
    return [run["runId"] for run in runs(port) if run["status"] == status]


def test_it_ticks_by_itself_stops_without_a_trace_and_leaves_its_history(home: Path) -> None:
    log, port = home / "log", free_port()
    dev = start_dev(home, log, port)
    try:
        (run, *_) = wait_for("a green tick", lambda: _with_status(port, "SUCCESS"), 120, log)
        press_ctrl_c(dev)
        wait_for("the end of every process", lambda: not left_over(dev, home), 60)
    finally:
        kill_all(dev, home)
    with database_of(home) as connection:
        status = connection.execute("select status from dagster.runs where run_id = %s", [run]).fetchone()
    assert status == ("SUCCESS",)


def test_after_a_kill_of_everything_in_mid_tick_it_finds_its_history_and_the_next_tick_is_green(home: Path) -> None:
    log, port = home / "log", free_port()
    slow = SlowSimulator(seconds=20)
    with served(slow) as url:
        environment = {"MARKETPLACE_URL": url, "MARKETPLACE_SOURCE": "simulator"}
        killed = start_dev(home, log, port, **environment)
        try:
            wait_for("a tick under way", lambda: slow.asked.total() >= 3, 120, log)
        finally:
            kill_all(killed, home)
        slow.seconds = 0
        again = start_dev(home, log, port, **environment)
        try:
            wait_for("a green tick", lambda: _with_status(port, "SUCCESS"), 120, log)
            wait_for("the killed run closed as failed", lambda: _with_status(port, "FAILURE"), 60, log)
            press_ctrl_c(again)
            wait_for("the end of every process", lambda: not left_over(again, home), 60)
        finally:
            kill_all(again, home)
