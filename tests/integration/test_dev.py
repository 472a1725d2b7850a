"""`dagster dev`, `make dev` and `make demo` as a person meets them: start, tick, say little, stop whole."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestration.run_plan import TICK_TAG
from tests.support.loopback_servers import served
from tests.support.processes import (
    database_of,
    free_port,
    kill_all,
    left_over,
    press_ctrl_c,
    runs,
    seconds_to_end,
    start_dev,
    start_make,
    wait_for,
)
from tests.support.slow_simulator import SlowSimulator

LONGEST_STOP = 30.0  # seconds; 5 to 8 on a quiet machine
"""Seconds. Whoever presses an IDE's stop button waits no longer before it kills."""


def _with_status(port: int, status: str) -> list[str]:
    """The ticks' runs: others make partitions, or read what an earlier one left."""
    return [
        run["runId"]
        for run in runs(port)
        if run["status"] == status and any(tag["key"] == TICK_TAG for tag in run["tags"])
    ]


@pytest.mark.processes
def test_killed_in_mid_tick_it_starts_again_fills_in_its_past_opens_the_charts_and_stops_without_a_trace(
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
    console = home / "console"
    opened, browser = home / "opened", home / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    charts = free_port()
    again = start_make(
        *("demo", home, console),
        UI_PORT=str(port),
        PORT=str(charts),
        BROWSER=f"{browser} %s",
        SIMULATOR_HISTORY_HOURS="1",
    )
    try:
        (run, *_) = wait_for("a green tick", lambda: _with_status(port, "SUCCESS"), 120, console)
        wait_for("the killed run closed as failed", lambda: _with_status(port, "FAILURE"), 60, console)
        url = wait_for("the charts, opened", lambda: opened.exists() and opened.read_text().strip(), 60, console)
        assert httpx.get(url, follow_redirects=True).status_code == 200
        both = wait_for("an event's two markets", lambda: _both_markets(url, console), 180, console)
        assert min(both[known] for known in ("lowest_face_value", "tickets_sold", "listed_tickets")) > 0
        wait_for("the past, filled in", lambda: "fill_simulated_history: " in console.read_text(), 120, console)
        press_ctrl_c(again)
        wait_for("the end of every process", lambda: not left_over(again, home), 60)
    finally:
        kill_all(again, home)
    _says_little(console.read_text())
    # a start that finds the killed one's history does not show that a clean stop keeps its own
    with database_of(home) as connection:
        statuses = dict(connection.execute("select run_id, status from dagster.runs").fetchall())
        hours = connection.execute("select count(distinct hour), count(distinct event_id) from analytics.event_hours")
        assert [hour >= 2 and events == 24 for hour, events in hours.fetchall()] == [True]
    assert statuses.pop(run) == "SUCCESS"
    assert "FAILURE" in statuses.values()


def _both_markets(url: str, console: Path) -> dict[str, Any] | None:
    """The event that is sold and resold, today, as soon as it has a premium."""
    (key,) = re.findall(r"A demo key: (\S+)", console.read_text())
    with httpx.Client(base_url=url, headers={"X-API-Key": key}) as client:
        (sold,) = client.get("/api/box-office/events").raise_for_status().json()["data"]
        for event in client.get("/api/events", params={"search": sold["title"]}).raise_for_status().json()["data"]:
            days = client.get(f"/api/events/{event['id']}/primary-and-resale").raise_for_status().json()["data"]
            found: list[dict[str, Any]] = [day for day in days if day["zone"] is None and day["premium"] is not None]
            if found:
                return found[-1]
    return None


def _says_little(said: str) -> None:
    """Where the UI and the charts are, how to stop, a line for each run; nothing that is untrue, or for developers."""
    first, *rest = said.splitlines()
    assert re.search(r"http://localhost:\d+\. Ctrl-C stops everything", first)
    (tick, *_) = [line for line in rest if " tick: " in line]
    assert re.search(r"\d\d:\d\d tick: 24 events captured, [\d,]+ sections, \d+ rollup hours refreshed", tick)
    assert re.search(r"fill_simulated_history: [\d,]+ answers of \d+ ticks \(\d+ s\)", said)
    assert len(rest) < 20, said
    for untrue in ("temporary directory", "dg dev", "superseded", "DEBUG", "STEP_", "Traceback"):
        assert untrue not in said


@pytest.mark.processes
@pytest.mark.whole_program
def test_when_make_alone_is_stopped_in_mid_tick_everything_ends_soon(home: Path) -> None:
    console, port = home / "console", free_port()
    slow = SlowSimulator(seconds=20)
    with served(slow) as url:
        dev = start_make("dev", home, console, UI_PORT=str(port), MARKETPLACE_URL=url, MARKETPLACE_SOURCE="simulator")
        try:
            wait_for("a tick under way", lambda: slow.asked.total() >= 3, 120, console)
            dev.terminate()
            assert seconds_to_end(dev, home) < LONGEST_STOP
        finally:
            kill_all(dev, home)
