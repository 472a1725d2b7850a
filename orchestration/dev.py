"""Start `dagster dev` for a person: `python -m orchestration.dev`, or `make dev`.

Everything that Dagster prints goes to a file. The console shows the address of the UI, a line for each run, warnings
and errors. However this process is stopped, everything that it started ends within ten seconds.
"""

import argparse
import ctypes
import logging
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from textwrap import shorten
from typing import IO, NoReturn

import psutil
import psycopg

from orchestration import CONSOLE_MARK
from tickettape.database import (
    UnavailableDatabaseError,
    configured_url,
    database_url,
    forget_killed_users,
    refusal_in,
)
from tickettape.settings import ROOT, settings
from tickettape.start_and_stop import check_port, explain_failures, stop_with_terminal_and_make

STOPPING_SECONDS = 3.0  # Dagster needs one or two, on a busy machine more; the rest of the ten is for Postgres
LOOK_SECONDS = 0.2
CODE_SERVER_SECONDS = 20.0  # without a child: longer than it needs to start one
LOG_BYTES = 20_000_000  # a day of ticks is some 5 MB
LOGS_KEPT = 2
LAST_LINES = 15
TRACE_SECONDS = 0.5  # without a line, after which a trace has ended
AGAIN_SECONDS = 600.0  # before the same line of a service, or the same reason, is shown again
WIDTH = 300  # the most characters of an error that Dagster prints
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1  # Linux: the option that sets which signal a process gets when its parent dies

COLORS = re.compile(r"\x1b\[[0-9;]*m")
SERVICE_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ - (?P<name>\S+) - (?P<level>[A-Z]+) - (?P<text>.*)")
OF_THE_CODE_SERVER = ("No heartbeat received in", "user code server", "Code server process has exited")
NO_CODE_SERVER = (
    "The code server does not answer: it was stopped, or the machine slept. Dagster starts it again by itself, and the "
    "schedules go on. If not, start this program again."
)
HIDDEN = ("BetaWarning", "SupersessionWarning", "PreviewWarning")  # about Dagster's own API: users cannot fix these


def main() -> None:
    """Check the port and the database, start Dagster, show what matters, and stop all of it."""
    options = argparse.ArgumentParser(prog="make dev")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=3000)
    chosen = options.parse_args()
    # first, so that everything started from here on is also stopped
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, stop)
    stop_with_terminal_and_make()
    logging.raiseExceptions = False  # a line that a full disk does not take is lost, and not told about line by line
    try:
        check_port(chosen.host, chosen.port, "make dev UI_PORT")
        with explain_failures():
            database_url()
            while (code := _run(chosen.host, chosen.port)) is None:
                say("error: Dagster had no code server any more. All of it is started again.")
    except KeyboardInterrupt:
        code = 0
    forget_killed_users()
    sys.exit(code)


def stop(*_: object) -> NoReturn:
    """Stop this program: the handler of its signals."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)  # a second signal must not interrupt the stopping, which is short anyway
    raise KeyboardInterrupt


def _run(host: str, port: int) -> int | None:
    """Run `dagster dev` until it ends or this process is told to stop. Returns the exit code; None: run it again."""
    path = settings().home / "logs" / "dev.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    url = f"http://{'localhost' if host == '127.0.0.1' else host}:{port}"
    say(f"The Dagster UI starts on {url}. Ctrl-C stops everything. The full log: {_short(path)}")
    dagster = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "dagster", "dev", "--host", host, "--port", str(port)],
        cwd=ROOT,
        env={"DAGSTER_HOME": str(ROOT)} | os.environ,  # without it, Dagster makes a folder that a kill leaves behind
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,  # Ctrl-C reaches only this process, which stops the others in order
        preexec_fn=as_a_child,
    )
    assert dagster.stdout is not None  # noqa: S101
    reader = threading.Thread(target=_show, args=(dagster.stdout, path, url), daemon=True)
    reader.start()
    code_servers = CodeServers(dagster.pid)
    try:
        while dagster.poll() is None:
            time.sleep(LOOK_SECONDS)
            if not code_servers.look():
                return None
    finally:
        if dagster.poll() is None:
            say("Stopping …")
        _end(dagster)
        reader.join(1)
    say(f"error: Dagster ended by itself (exit code {dagster.returncode}). The end of {_short(path)}:")
    for line in path.read_text(errors="replace").splitlines()[-LAST_LINES:]:
        say(f"  {line}")
    return 1


class CodeServers:
    """Ends a code server whose child is gone, for example because memory ran out. The child has the code.

    Dagster starts a code server again when it ends. It does not notice that the child is gone. And it gives up for ever
    if the code server cannot start, as while the database is away. No schedule and no sensor would run any more, and no
    incident would be found, until somebody starts the program again.
    """

    def __init__(self, dagster: int) -> None:
        self._dagster = psutil.Process(dagster)
        self._whole_at = self._look_at = time.monotonic()

    def look(self) -> bool:
        """Look now and then, and end a code server that has been without its child for too long.

        Returns False if there is none, and Dagster must be started again. Nothing is done while the database is away.
        """
        now = time.monotonic()
        if now < self._look_at:
            return True
        self._look_at = now + CODE_SERVER_SECONDS / 10
        with suppress(psutil.NoSuchProcess):
            servers = [one for one in self._dagster.children() if _is(one, "code-server")]
            broken = [one for one in servers if not any(_is(child, "grpc") for child in one.children())]
            if servers and not broken:
                self._whole_at = now
            elif now - self._whole_at > CODE_SERVER_SECONDS * (1 if broken else 3) and _database_answers():
                self._whole_at = now
                for server in broken:
                    say("error: The code server lost the process that has the code. It is started again.")
                    server.kill()
                return bool(broken)
        return True


def _database_answers() -> bool:
    try:
        psycopg.connect(configured_url(), connect_timeout=2).close()
    except (psycopg.Error, UnavailableDatabaseError):
        return False
    return True


def _is(process: psutil.Process, command: str) -> bool:
    """Whether a process runs a command of Dagster's. A killed one, which waits to be reaped, has no command line."""
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return command in process.cmdline()
    return False


def as_a_child() -> None:
    """In the new process: accept SIGINT even if it was started in the background, and end with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(dagster: "subprocess.Popen[bytes]") -> None:
    """Stop Dagster and everything that it started."""
    if dagster.poll() is None:
        dagster.terminate()
        with suppress(subprocess.TimeoutExpired):
            dagster.wait(STOPPING_SECONDS)
    with suppress(ProcessLookupError):  # nothing is left
        os.killpg(dagster.pid, signal.SIGKILL)
        for _ in range(10):  # wait until all are gone, so that none counts as a user of the embedded server any more
            time.sleep(0.1)
            os.killpg(dagster.pid, 0)
    dagster.wait()


def _show(output: IO[bytes], path: Path, url: str) -> None:
    """Write every line to the file, and the lines that matter to the console."""
    log = logging.Logger("dev")
    log.addHandler(RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOGS_KEPT))
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(output, lines), daemon=True).start()
    screen = Screen(url)
    while True:
        try:
            line = lines.get(timeout=TRACE_SECONDS)
        except queue.Empty:
            shown = screen.end_of_trace()
        else:
            if line is None:
                break
            log.info("%s", line)
            shown = screen.hear(line)
        for text in shown:
            say(text)
    for text in screen.end_of_trace():
        say(text)


def _read(output: IO[bytes], lines: "queue.Queue[str | None]") -> None:
    for raw in output:
        lines.put(COLORS.sub("", raw.decode(errors="replace").rstrip()))
    lines.put(None)


class Screen:
    """Decides what the console shows of the lines that Dagster prints.

    When the database or the code server is away, each of Dagster's services says so every few seconds, with a trace
    that has the reason at its end. The console shows the reason, with what to do, and again only after a while.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._clock = url, clock
        self._error: str | None = None
        self._trace: list[str] = []
        self._said_at: dict[str, float] = {}

    def hear(self, line: str) -> list[str]:
        """Take the next line. Returns what is to be shown now."""
        if not line.startswith(CONSOLE_MARK) and not SERVICE_LINE.match(line):
            if self._error is not None:
                self._trace.append(line)
            return []
        shown = self.end_of_trace()
        text = what_to_show(line, self._url)
        if text is not None and text.startswith(("error: ", "warning: ")) and not line.startswith(CONSOLE_MARK):
            self._error, self._trace = text, [line]
        elif text is not None:
            shown.append(text)
        return shown

    def end_of_trace(self) -> list[str]:
        """Show the error whose trace has ended, if there is one and it was not shown just now."""
        error, self._error = self._error, None
        if error is None:
            return []
        reason = _reason_in("\n".join(self._trace))
        text = f"error: {reason}" if reason else error
        now = self._clock()
        if now - self._said_at.get(text, -AGAIN_SECONDS) < AGAIN_SECONDS:
            return []
        self._said_at[text] = now
        return [text]


def _reason_in(trace: str) -> str | None:
    """What is wrong and what to do, if a trace is about the whole database or the code server."""
    refusal = refusal_in(trace)
    if refusal is not None:
        return refusal.in_short
    return NO_CODE_SERVER if any(words in trace for words in OF_THE_CODE_SERVER) else None


def what_to_show(line: str, url: str) -> str | None:
    """The text that the console shows for a line that Dagster printed. None: nothing, as for most lines."""
    if line.startswith(CONSOLE_MARK):
        return line.removeprefix(CONSOLE_MARK)
    found = SERVICE_LINE.match(line)
    if found is None:
        return None
    name, level, text = found.group("name", "level", "text")
    if name == "dagster-webserver" and text.startswith("Serving "):
        return f"The UI is up: {url}"
    if level in ("WARNING", "ERROR", "CRITICAL") and not any(word in text for word in HIDDEN):
        return f"{level.lower()}: {shorten(text, WIDTH, placeholder=' … (more in the full log)')}"
    return None


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def say(text: str) -> None:
    """Write a line for the person at the console."""
    with suppress(OSError):  # the terminal is closed
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
