"""Two `make dev` on one database: one runs the schedules; the other says for whom it waits, and takes over."""

from pathlib import Path

import pytest

from tests.support.processes import empty_home, free_port, kill_all, left_over, press_ctrl_c, start_dev, wait_for

STARTED = "Instance is configured with the following daemons"
WAITS = "runs the schedules of simulator on this database"


@pytest.mark.whole_program
def test_others_say_once_for_whom_they_wait_stop_at_once_and_take_over_when_the_first_is_killed(
    database_url: str, tmp_path: Path
) -> None:
    logs = tmp_path / "one", tmp_path / "two", tmp_path / "three"
    with empty_home() as one_home, empty_home() as two_home, empty_home() as three_home:
        one = start_dev(one_home, logs[0], free_port(), DATABASE_URL=database_url)
        try:
            wait_for("the first program's schedules", lambda: STARTED in logs[0].read_text(), 120, logs[0])
            two = start_dev(two_home, logs[1], free_port(), DATABASE_URL=database_url)
            three = start_dev(three_home, logs[2], free_port(), DATABASE_URL=database_url)
            try:
                wait_for("the others' word on it", lambda: all(WAITS in log.read_text() for log in logs[1:]), 120)
                assert not any(STARTED in log.read_text() for log in logs[1:])
                press_ctrl_c(three)
                wait_for("the end of every process", lambda: not left_over(three, three_home), 60)
                kill_all(one, one_home)
                wait_for("the second's schedules", lambda: STARTED in logs[1].read_text(), 60, logs[1])
                assert logs[1].read_text().count("runs the schedules of") == 1
                assert "sending heartbeats" not in logs[0].read_text() + logs[1].read_text()
                press_ctrl_c(two)
                wait_for("the end of every process", lambda: not left_over(two, two_home), 60)
            finally:
                kill_all(two, two_home)
                kill_all(three, three_home)
        finally:
            kill_all(one, one_home)
