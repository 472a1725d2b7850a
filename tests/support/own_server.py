"""A PostgreSQL server of a test's own on a loopback port, to be stopped, frozen, made a standby and promoted."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from tests.support.processes import free_port
from tickettape.database import server
from tickettape.database.client_tools import _embedded_tool

MOST_CONNECTIONS = 12


class OwnServer:
    """A server in a folder, not started yet."""

    def __init__(self, folder: Path, most_connections: int = MOST_CONNECTIONS) -> None:
        self._folder, self._most_connections = folder, most_connections
        self._port = free_port()
        self._run("initdb", "-U", "postgres", "-A", "trust", "--no-sync")

    @property
    def url(self) -> str:
        """The database `postgres` of it."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def start(self, *, standby: bool = False) -> None:
        """Start it; as a standby it answers and takes no writes."""
        marker = self._folder / "standby.signal"
        marker.unlink(missing_ok=True)
        if standby:
            marker.touch()
            shutil.chown(marker, self._folder.owner())
        options = f"-p {self._port} -k {self._folder} -h 127.0.0.1 -c fsync=off"
        options += f" -c max_connections={self._most_connections}"
        self._run("pg_ctl", "-w", "-l", str(self._folder / "log"), "-o", options, "start")

    def promote(self) -> None:
        """Let a standby take writes."""
        self._run("pg_ctl", "-w", "promote")

    def stop(self, how: str = "fast") -> None:
        """Stop it and cut off who is connected; `immediate`: as after a crash."""
        self._run("pg_ctl", "-w", "-m", how, "stop")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """For the block it takes connections, as its kernel does, and never answers."""
        main = psutil.Process(int((self._folder / "postmaster.pid").read_text().splitlines()[0]))
        stopped = [main, *main.children()]
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    def take_all(self) -> list["psycopg.Connection[tuple[object, ...]]"]:
        """All of its connections, also those of others, until the caller closes them."""
        taken = [psycopg.connect(self.url, autocommit=True)]
        while len(taken) < self._most_connections:
            others = """select pg_terminate_backend(pid, 5000) from pg_stat_activity
                        where backend_type = 'client backend' and not pid = any(%s)"""
            taken[0].execute(others, [[connection.info.backend_pid for connection in taken]])
            with suppress(psycopg.OperationalError):  # another was quicker
                taken.append(psycopg.connect(self.url))
        return taken

    def _run(self, tool: str, *arguments: str) -> None:
        root = os.geteuid() == 0
        user = pwd.getpwnam(server.SERVER_USER).pw_uid if root else None
        command = [str(_embedded_tool(tool)), "-D", str(self._folder), *arguments]
        subprocess.run(command, user=user, cwd="/", stdout=subprocess.DEVNULL, check=True, timeout=60)


@contextmanager
def own_server(most_connections: int = MOST_CONNECTIONS) -> Iterator[OwnServer]:
    """A started server for the block. The test run's own must have been started before: it makes the server's user."""
    with tempfile.TemporaryDirectory(prefix="tickettape-own-") as parent:
        folder = Path(parent) / "data"
        folder.mkdir()
        if os.geteuid() == 0:
            os.chmod(parent, 0o755)
            shutil.chown(folder, server.SERVER_USER)
        folder.chmod(0o700)
        made = OwnServer(folder, most_connections)
        made.start()
        try:
            yield made
        finally:
            if (folder / "postmaster.pid").exists():
                made.stop()
