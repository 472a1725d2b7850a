"""A process that kills itself with -9 when its work says a certain thing."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tickettape.database import Connection

PROCESSES = multiprocessing.get_context("forkserver")  # a clean process each, without importing everything each time
PROCESSES.set_forkserver_preload(["tests.support.old_months", "pyarrow.csv", "pyarrow.parquet"])


def kills_itself_at(point: str) -> Callable[[str], None]:
    def say(text: str) -> None:
        if text.startswith(point):
            os.kill(os.getpid(), signal.SIGKILL)

    return say


def kill(connection: Connection, target: Callable[..., None], *arguments: str | int | Path) -> None:
    process = PROCESSES.Process(target=target, args=arguments)
    process.start()
    process.join(timeout=60)
    assert process.exitcode == -signal.SIGKILL, f"{arguments[-1]} was never reached"
    deadline = time.monotonic() + 10
    others = "select count(*) from pg_stat_activity where datname = current_database() and pid != pg_backend_pid()"
    while connection.execute(others).fetchone() != (0,):
        assert time.monotonic() < deadline, "the killed process's connection stays"
        time.sleep(0.02)
