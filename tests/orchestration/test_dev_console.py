"""What `make dev` shows of all that Dagster prints."""

import pytest

from orchestration.dev import what_to_show

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
