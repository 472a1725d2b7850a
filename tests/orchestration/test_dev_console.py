"""What `make dev` shows of all that Dagster prints."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from orchestration import dev
from orchestration.dev import AGAIN_SECONDS, CodeServers, Screen, what_to_show
from tests.support.processes import wait_for

URL = "http://localhost:3000"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("tickettape: 03:10 tick: 24 events captured (31 s)", "03:10 tick: 24 events captured (31 s)"),
        (
            "2026-11-20 03:10:01 +0000 - dagster-webserver - INFO - Serving dagster-webserver on http://127.0.0.1:3000",
            f"The UI is up: {URL}",
        ),
        (
            "2026-11-20 03:10:01 +0000 - dagster.daemon.SensorDaemon - ERROR - Sensor daemon caught an error",
            "error: Sensor daemon caught an error",
        ),
        ("2026-11-20 03:10:01 +0000 - dagster - INFO - Using temporary directory /x for storage.", None),
        ("2026-11-20 03:10:01 +0000 - dagster.daemon.SensorDaemon - INFO - Checking for new runs for sensor: x", None),
        ("2026-11-20 03:10:01 +0000 - dagster - DEBUG - tick - 1a2b - STEP_START - Started", None),
        ("2026-11-20 03:10:01 +0000 - dagster - WARNING - /x.py:1: BetaWarning: Parameter `backfill_policy` is", None),
        ("1 of 38 OK created sql view model analytics.events ... [CREATE VIEW in 0.18s]", None),
        ("/x.py:911: SupersessionWarning: Function `dev_command` is superseded. Use 'dg dev' instead.", None),
    ],
)
def test_the_console_shows_what_is_for_a_person(line: str, shown: str | None) -> None:
    assert what_to_show(line, URL) == shown


def error(words: str, reason: str) -> list[str]:
    """What a service of Dagster prints: a line, and a trace with the reason at its end."""
    trace = ["Traceback (most recent call last):", '  File "base.py", line 1967, in _exec_single_context', reason]
    return [f"2026-11-20 03:10:01 +0000 - dagster.daemon - ERROR - {words}", *trace]


REFUSED = 'psycopg2.OperationalError: connection to server at "127.0.0.1", port 5432 failed: Connection refused'
FULL = 'psycopg2.errors.DiskFull: could not extend file "base/5/17414": No space left on device'


def test_what_every_service_says_of_one_fault_is_told_once_with_its_reason_and_what_to_do() -> None:
    now = [0.0]
    screen = Screen(URL, lambda: now[0])

    def shown(*lines: str) -> list[str]:
        return [text for line in lines for text in screen.hear(line)] + screen.end_of_trace()

    (said,) = shown(*error("Failed to add heartbeat:", REFUSED), *error("SensorDaemon caught an error", REFUSED))
    assert said.startswith("error: The database server cannot be reached. Start it, or check DATABASE_URL.")
    assert shown(*error("Caught error:", REFUSED)) == []
    (said,) = shown(*error("Caught error:", FULL))
    assert said.startswith("error: The database's disk is full. Free some space on it")
    now[0] = AGAIN_SECONDS
    assert len(shown(*error("Caught error:", REFUSED))) == 1


def test_a_code_server_that_starts_anew_is_told_once() -> None:
    unreachable = "dagster._core.errors.DagsterUserCodeUnreachableError: Could not reach user code server."
    lines = [
        "2026-11-20 03:10:01 +0000 - dagster - WARNING - No heartbeat received in 45 seconds, shutting down",
        *error("Sensor tick caught an error", unreachable),
        f"2026-11-20 03:10:02 +0000 - dagster - WARNING - context.py:1172: UserWarning: Error loading {unreachable}",
        "2026-11-20 03:10:03 +0000 - dagster - WARNING - Code server process has exited with code 0. Restarting it.",
    ]
    screen = Screen(URL)
    (said,) = [text for line in lines for text in screen.hear(line)] + screen.end_of_trace()
    assert said.startswith("error: The code server does not answer")


def test_an_error_without_a_known_reason_is_shown_as_it_is_and_a_runs_line_at_once() -> None:
    screen = Screen(URL)
    assert [text for line in error("Caught an error", "ValueError: 7") for text in screen.hear(line)] == []
    assert screen.hear("tickettape: 03:10 tick: done") == ["error: Caught an error", "03:10 tick: done"]
    assert screen.end_of_trace() == []


SLEEP = "import time; time.sleep(60)"
WITH_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{SLEEP}', 'grpc'])"


@pytest.mark.processes
def test_a_code_server_that_lost_its_child_is_ended_once_the_database_answers_and_one_that_has_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [False]
    monkeypatch.setattr(dev, "_database_answers", lambda: answers[0])
    monkeypatch.setattr(dev, "CODE_SERVER_SECONDS", 0.3)
    whole, broken, other = (
        subprocess.Popen([sys.executable, "-c", code, command], start_new_session=True)
        for code, command in ((WITH_CHILD, "code-server"), (SLEEP, "code-server"), (SLEEP, "webserver"))
    )
    try:
        wait_for("its child", lambda: psutil.Process(whole.pid).children(), 10)
        servers = CodeServers(os.getpid())

        def ended() -> bool:
            assert servers.look()
            return broken.poll() is not None

        for _ in range(40):
            time.sleep(0.02)
            assert not ended()
        answers[0] = True
        wait_for("the end of the broken one", ended, 10)
        assert (whole.poll(), other.poll()) == (None, None)
        os.killpg(whole.pid, signal.SIGKILL)
        whole.wait()
        wait_for("that Dagster must be started again", lambda: not servers.look(), 10)
    finally:
        for process in (whole, broken, other):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
