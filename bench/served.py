"""A server of the bench in a process of its own, for a block."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def served(module: str, *arguments: object) -> Iterator[str]:
    """Start `python -m MODULE ARGUMENTS`, which prints its URL as its first line; that URL."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        assert server.stdout is not None  # noqa: S101  it is a pipe
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait(timeout=10)
