"""A server of the bench in a process of its own: `served` starts it for a block, `serve` is what it runs."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


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


def serve(app: ASGIApp) -> None:
    """Print the URL of a free port, and serve the application there until the process is ended."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listener])
