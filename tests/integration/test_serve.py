"""`make serve` as a person meets it: starts beside nothing, prints a key, stops without a trace."""

import os
import re
import signal
from pathlib import Path

import httpx
import pytest

from tests.support.processes import free_port, kill_all, seconds_to_end, start_make, wait_for


def _status(url: str, **headers: str) -> int | None:
    try:
        return httpx.get(url, headers=headers, timeout=5).status_code
    except httpx.HTTPError:
        return None


LONGEST_STOP = 10.0  # seconds, as for make dev


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
