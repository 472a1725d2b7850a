"""Start everything for a first look: `python -m orchestration.demo`, or `make demo`.

It runs `make dev` and `make serve` together, and opens the board in a browser once there is something to see. When it
is stopped, or when one of the two ends by itself, both end.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress

from orchestration.asset_pages import service_url
from orchestration.dev import as_a_child, say, stop
from tickettape.api_schema import api_schema_exists
from tickettape.database import Warehouse, database_url, forget_killed_users
from tickettape.settings import ROOT, settings
from tickettape.start_and_stop import check_port, explain_failures, stop_with_terminal_and_make

LOOK_SECONDS = 0.5
STOPPING_SECONDS = 9.0  # each of the two ends within less, and kills what it started

Program = subprocess.Popen[bytes]


def main() -> None:
    """Check the ports and the database, start both programs, open the board, and stop all of it."""
    options = argparse.ArgumentParser(prog="make demo")
    options.add_argument("--port", type=int, default=3000, help="of the Dagster UI")
    chosen = options.parse_args()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, stop)
    stop_with_terminal_and_make()
    started: list[Program] = []
    try:
        check_port("127.0.0.1", chosen.port, "make demo UI_PORT")
        check_port(settings().serving_host, settings().port, "PORT")
        with explain_failures():
            database_url()
            _run(started, chosen.port)
        code = 1
    except KeyboardInterrupt:
        code = 0
    finally:
        _end(started)
        forget_killed_users()
    sys.exit(code)


def _run(started: list[Program], ui_port: int) -> None:
    """Start the programs, and return when one of them ends by itself."""
    started.append(_start("orchestration.dev", "--port", str(ui_port)))
    while not _has_something_to_serve():
        if started[0].poll() is not None:
            return
        time.sleep(LOOK_SECONDS)
    started.append(_start("serving"))
    where = service_url(settings())
    _wait_until_it_answers(started[1], where)
    say(f"The board: {where}. It follows every tick.")
    started.append(_start("webbrowser", "-t", where, quiet=True))
    programs = started[:2]
    while all(program.poll() is None for program in programs):
        time.sleep(LOOK_SECONDS)


def _start(module: str, *arguments: str, quiet: bool = False) -> Program:
    """Start a Python module in a process group of its own: Ctrl-C reaches only this process, which stops the others."""
    output = subprocess.DEVNULL if quiet else None
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        process_group=0,
        preexec_fn=as_a_child,
    )


def _has_something_to_serve() -> bool:
    with Warehouse().connection() as connection:
        return api_schema_exists(connection)


def _wait_until_it_answers(service: Program, where: str) -> None:
    while service.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"{where}/health", timeout=LOOK_SECONDS):  # noqa: S310
            return
        time.sleep(LOOK_SECONDS)


def _end(started: list[Program]) -> None:
    """Stop what was started, in order."""
    for program in started:
        if program.poll() is None:
            program.terminate()
    until = time.monotonic() + STOPPING_SECONDS
    for program in started:
        with suppress(subprocess.TimeoutExpired):
            program.wait(max(0.1, until - time.monotonic()))
        with suppress(ProcessLookupError):  # nothing is left
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


if __name__ == "__main__":
    main()
