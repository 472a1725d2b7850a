"""`make serve` as a person meets it: starts beside nothing, prints a key, stops without a trace."""

import os
import re
import signal
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.own_server import own_server
from tests.support.processes import free_port, kill_all, seconds_to_end, start_make, wait_for
from tickettape.database.migrations import upgrade_database


def _status(url: str, **headers: str) -> int | None:
    try:
        return httpx.get(url, headers=headers, timeout=60).status_code
    except httpx.HTTPError:
        return None


LONGEST_STOP = 30.0  # seconds; 5 to 8 on a quiet machine


@pytest.mark.processes
@pytest.mark.parametrize(
    ("processes", "stop", "all_are_told"),
    [(1, signal.SIGINT, True), (2, signal.SIGHUP, True), (2, signal.SIGTERM, False)],
    ids=["Ctrl-C", "a closed terminal", "make alone"],
)
def test_it_serves_on_the_embedded_server_and_stops_without_a_trace(
    home: Path, processes: int, stop: signal.Signals, all_are_told: bool
) -> None:
    log, port = home / "log", free_port()
    url = f"http://127.0.0.1:{port}"
    served = start_make("serve", home, log, PORT=str(port), SERVING_PROCESSES=str(processes))
    try:
        # before the first tick there is nothing to serve, and it says so
        wait_for("an answer", lambda: _status(f"{url}/health") == 503, 60, log)
        said = log.read_text()
        assert "Run a tick first" in said
        found = re.search(r'X-API-Key: (tt_\w+)" "(\S+)"', said)
        assert found is not None
        key, example = found.groups()
        assert example.startswith(url)
        assert {_status(example, **{"x-api-key": key}) for _ in range(4)} == {503}
        (os.killpg if all_are_told else os.kill)(served.pid, stop)
        assert seconds_to_end(served, home) < LONGEST_STOP
        assert "Traceback" not in log.read_text()
    finally:
        kill_all(served, home)


@pytest.mark.processes
def test_a_server_process_that_starts_while_the_database_is_away_says_so_without_a_trace_and_heals(
    home: Path, server_url: str
) -> None:
    log, port = home / "log", free_port()
    url = f"http://127.0.0.1:{port}"

    def detail() -> str:
        try:
            return str(httpx.get(f"{url}/health", timeout=60).json()["detail"])
        except httpx.HTTPError:
            return ""

    with own_server() as server:
        upgrade_database(server.url)
        served = start_make("serve", home, log, PORT=str(port), SERVING_PROCESSES="2", DATABASE_URL=server.url)
        try:
            wait_for("an answer", lambda: "Run a tick" in detail(), 60, log)
            workers = [one for one in _below(served.pid) if "spawn_main" in " ".join(one.cmdline())]
            assert len(workers) == 2
            server.stop()
            for worker in workers:
                worker.kill()
            wait_for("the reason", lambda: "cannot be reached" in detail(), 60, log)
            server.start()
            wait_for("an answer again", lambda: "Run a tick" in detail(), 60, log)
            assert "Traceback" not in log.read_text()
        finally:
            kill_all(served, home)


def _below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)
