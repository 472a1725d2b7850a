"""What keeps a program from starting is said in a sentence, and whatever stops its terminal or its make stops it."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from tests.support.processes import free_port, kill_all, left_over, start, wait_for
from tickettape.cli import main
from tickettape.database import UnavailableDatabaseError
from tickettape.settings import ROOT, Settings
from tickettape.start_and_stop import check_port, explain_failures

PROGRAM = """
import signal, sys, time
from tickettape import start_and_stop
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if "deaf" not in sys.argv:
    start_and_stop.stop_with_terminal_and_make()
print("runs", flush=True)
time.sleep(60)
"""


@pytest.fixture
def makefile(tmp_path: Path) -> Path:
    """Starts the program as `make dev` does: make stays its parent."""
    (tmp_path / "program.py").write_text(PROGRAM)
    path = tmp_path / "Makefile"
    recipe = f"@PYTHONPATH={ROOT} exec {sys.executable} {tmp_path / 'program.py'}"
    path.write_text(f"hears:\n\t{recipe}\ndeaf:\n\t{recipe} deaf\n")
    return path


@pytest.mark.processes
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_it_stops_with_the_make_that_started_it_when_make_alone_is_told(
    stop: signal.Signals, makefile: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    make = start(["make", "-f", str(makefile), "hears"], tmp_path, log)
    try:
        wait_for("the program", lambda: "runs" in log.read_text(), 30, log)
        make.send_signal(stop)
        wait_for("its end", lambda: not left_over(make, tmp_path), 10)
    finally:
        kill_all(make, tmp_path)


@pytest.mark.processes
def test_it_stops_when_its_terminal_is_closed(makefile: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    make = start(["make", "-f", str(makefile), "hears"], tmp_path, log)
    try:
        wait_for("the program", lambda: "runs" in log.read_text(), 30, log)
        (program,) = psutil.Process(make.pid).children()
        os.killpg(make.pid, signal.SIGHUP)
        # by SIGTERM, which it handles: SIGHUP would have ended it before it could put its things in order
        assert program.wait(timeout=60) in (0, None)  # None: make has reaped it
    finally:
        kill_all(make, tmp_path)


@pytest.mark.processes
def test_control_without_it_a_program_outlives_what_stops_make(makefile: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    make = start(["make", "-f", str(makefile), "deaf"], tmp_path, log)
    try:
        wait_for("the program", lambda: "runs" in log.read_text(), 30, log)
        make.send_signal(signal.SIGINT)
        time.sleep(2)
        assert len(left_over(make, tmp_path)) == 2
    finally:
        kill_all(make, tmp_path)


def test_what_is_wrong_with_the_settings_is_said_without_a_traceback() -> None:
    with pytest.raises(SystemExit, match="HOURLY_MONTHS is 1 and RAW_MONTHS is 4"), explain_failures():
        Settings(hourly_months=1, raw_months=4)
    with pytest.raises(SystemExit, match=r"RAW_MONTHS: .*integer"), explain_failures():
        Settings.model_validate({"RAW_MONTHS": "many"})


def test_a_database_that_cannot_be_used_is_said_without_a_traceback() -> None:
    with pytest.raises(SystemExit, match="It is away"), explain_failures():
        raise UnavailableDatabaseError("It is away.")


def test_a_mistake_of_our_own_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), explain_failures():
        1 / 0  # noqa: B018


def test_the_command_says_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["tickettape", "tracked"])
    monkeypatch.setattr(
        "tickettape.database.server.settings", lambda: Settings(database_url=SecretStr("mysql://elsewhere"))
    )
    with pytest.raises(SystemExit, match="DATABASE_URL must begin with postgresql://"):
        main()


def test_a_port_that_is_taken_is_said_with_a_way_out() -> None:
    port = free_port()
    check_port("127.0.0.1", port, "PORT")
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(SystemExit, match=f"another program listens there.*PORT={port + 1}"):
            check_port("127.0.0.1", port, "PORT")
