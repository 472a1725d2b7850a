"""`make serve` as a person meets it: starts beside nothing, prints a key, stops without a trace."""

import re
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.processes import free_port, kill_all, left_over, press_ctrl_c, start, wait_for


def _status(url: str, **headers: str) -> int | None:
    try:
        return httpx.get(url, headers=headers, timeout=5).status_code
    except httpx.HTTPError:
        return None


@pytest.mark.processes
@pytest.mark.parametrize("processes", [1, 2])
def test_it_serves_on_the_embedded_server_and_stops_without_a_trace(home: Path, processes: int) -> None:
    log, port = home / "log", free_port()
    url = f"http://127.0.0.1:{port}"
    served = start([sys.executable, "-m", "serving"], home, log, PORT=str(port), SERVING_PROCESSES=str(processes))
    try:
        # before the first tick there is nothing to serve, and it says so
        wait_for("an answer", lambda: _status(f"{url}/health") == 503, 60, log)
        said = log.read_text()
        assert "run a tick first" in said
        found = re.search(r'X-API-Key: (tt_\w+)" "(\S+)"', said)
        assert found is not None
        key, example = found.groups()
        assert example.startswith(url)
        assert {_status(example, **{"x-api-key": key}) for _ in range(4)} == {503}
        press_ctrl_c(served)
        wait_for("the end of every process", lambda: not left_over(served, home), 60)
    finally:
        kill_all(served, home)
