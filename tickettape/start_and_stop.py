"""Start and stop programs: a failure to start is explained in a sentence, and every way to stop a program works.

Used by programs that run until a person stops them (`make dev`, `make serve`). Commands use the first part.
"""

import errno
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from pydantic import ValidationError

from tickettape.database import UnavailableDatabaseError, refusal_of
from tickettape.file_storage import FullDiskError

LOOK_SECONDS = 0.5  # between two looks at the process of make
MAKES = ("make", "gmake")
STOPS_MAKE = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)


@contextmanager
def explain_failures() -> Iterator[None]:
    """End the program with a sentence, not a traceback, if its settings, its database or its disk cannot be used."""
    try:
        yield
    except (UnavailableDatabaseError, FullDiskError) as error:
        sys.exit(str(error))
    except ValidationError as error:
        if error.title != "Settings":
            raise
        wrong = [_sentence(one["loc"], one["msg"].removeprefix("Value error, ")) for one in error.errors()]
        sys.exit("\n  ".join(["The settings cannot be used. They come from the environment and from .env.", *wrong]))
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        sys.exit(str(refusal))


def _sentence(place: tuple[int | str, ...], text: str) -> str:
    name = ".".join(map(str, place)).upper()
    return text if text.startswith(name) else f"{name}: {text}"


def check_port(host: str, port: int, setting: str) -> None:
    """End the program with a sentence if it cannot listen on a port. `setting`: the name of the port's setting."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = (
            "another program listens there. Stop it, or choose" if taken else f"{os.strerror(error.errno or 0)}. Choose"
        )
        sys.exit(f"Port {port} of {host} cannot be used: {why} another port: {setting}={port + 1}")


def stop_with_terminal_and_make() -> None:
    """Stop this process, as with SIGTERM, when its terminal is closed or when the `make` that started it is stopped.

    Child processes ignore SIGHUP; this process stops them. Call this before any thread is started.
    """
    # SIGHUP is blocked and waited for, because a handler of uvicorn would restart the server processes
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    threading.Thread(target=_stop_at_hang_up, name="closed terminal", daemon=True).start()
    parent = os.getppid()
    if psutil.Process(parent).name() in MAKES:
        threading.Thread(target=_stop_with, args=(parent, _handled(parent)), name="stopped make", daemon=True).start()


def _stop_at_hang_up() -> None:
    signal.sigwait({signal.SIGHUP})
    os.kill(os.getpid(), signal.SIGTERM)


def _stop_with(make: int, handled: set[int]) -> None:
    while os.getppid() == make and handled <= _handled(make):
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _handled(pid: int) -> set[int]:
    """Which of STOPS_MAKE the process `pid` still handles; none if the system does not tell.

    After SIGINT or SIGHUP, make waits for its commands to end, but sends them no signal. A terminal signals the
    commands too; `kill` does not. The only sign is then that make no longer handles the signal.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return set()
    masks = [int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")]
    return {int(one) for one in STOPS_MAKE for mask in masks if mask >> (one - 1) & 1}
