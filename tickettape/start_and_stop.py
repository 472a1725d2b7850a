"""How a program starts and stops: what keeps it from starting is said in a sentence, and every way to stop it works.

For what runs until a person stops it (`make dev`, `make serve`), and, as to starting, for the commands.
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

LOOK_SECONDS = 0.5  # between two looks at make
MAKES = ("make", "gmake")
STOPS_MAKE = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)


@contextmanager
def explain_failures() -> Iterator[None]:
    """End the program with a sentence, not a traceback, where its settings or its database cannot be used."""
    try:
        yield
    except UnavailableDatabaseError as error:
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
    """End the program with a sentence where it could not listen on a port; `setting` chooses another."""
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
    """Have this process stop as at SIGTERM when its terminal is closed, and when the `make` that started it is stopped.

    Processes that this one starts are left alone by SIGHUP: it stops them. Call it before any thread is started.
    """
    # blocked and waited for, because uvicorn's process manager takes SIGHUP for a wish to start its processes anew
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
    """Which of the signals that stop make it still handles; none where the system does not say.

    Stopped by SIGINT or SIGHUP, make waits for its commands to end and tells them nothing. A terminal tells them too,
    but what stops one process does not. That make no longer handles the signal is all there is to see.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return set()
    masks = [int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")]
    return {int(one) for one in STOPS_MAKE for mask in masks if mask >> (one - 1) & 1}
