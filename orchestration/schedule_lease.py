"""The schedule lease: only one program on a database runs the schedules of a marketplace.

Dagster allows one daemon per storage. Two daemons would both start every tick, both build its rollups, and start each
other's queued runs. So a daemon waits here, before it begins, until it holds the locks of Dagster's storage and of all
its marketplaces. They are database locks, so the death of their holder frees them. The UI works while the daemon waits.
A program that watches other marketplaces can run beside the first if its Dagster has its own schema.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from dagster._utils.interrupts import raise_interrupts_as

from orchestration import tell
from orchestration.shared_tables import has_shared_table, make_shared_table, shared_table
from tickettape.database import KEEPALIVES, Connection
from tickettape.settings import ROOT

WAIT_SECONDS = 2.0  # between two attempts to take the locks
KEEP_SECONDS = 5.0  # between two checks that the locks are still held: a restart of the server frees them
# with keep-alives the server notices within half a minute that the holder's machine is gone, and frees its locks
KEEPALIVE = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"

_HOLDERS = shared_table("schedule_holders")
_COLUMNS = """
    name text primary key, host text not null, pid integer not null, folder text not null,
    since timestamptz not null default now()"""

_SCHEDULES_OF = "the schedules of "  # followed by the marketplace: the name of the lock, also used in messages


@dataclass(frozen=True)
class Program:
    """A program that runs schedules: its machine, process and folder."""

    host: str
    pid: int
    folder: str

    def __str__(self) -> str:
        return f"{self.host} (pid {self.pid}, {self.folder})"


def this_program() -> Program:
    """The program of this process."""
    return Program(host_name(), os.getpid(), str(ROOT))


def host_name() -> str:
    """The name of the machine or container that this process runs on."""
    return socket.gethostname()


def is_scheduling_process() -> bool:
    """Whether this process is Dagster's daemon. Only the daemon starts runs, so only it needs a lease."""
    name = Path(sys.argv[0])
    return "run" in sys.argv and (name.name == "dagster-daemon" or name.parent.name == "_daemon")


class ScheduleLease:
    """The right to run the schedules of some marketplaces. It is taken once and kept while the process lives.

    `schema`: Dagster's schema in the database at `url`, which may have only one daemon too. `lost`: called when another
    program has taken the lease.
    """

    def __init__(
        self,
        url: str,
        schema: str,
        sources: Sequence[str],
        say: Callable[[str], None],
        *,
        program: Program | None = None,
        lost: Callable[[], None] | None = None,
    ) -> None:
        self._url, self._say = url, say
        self._names = [
            *(f"{_SCHEDULES_OF}{source}" for source in sorted(sources)),
            f"the daemon of Dagster's schema {schema}",
        ]
        self._program = program or this_program()
        self._lost = lost or (lambda: os.kill(os.getpid(), signal.SIGINT))
        self._given_up = threading.Event()
        self._connection = self._connect()
        make_shared_table(self._connection, "schedule_holders", _COLUMNS)

    def wait(self) -> None:
        """Wait until no other program holds one of the locks. Report each holder once."""
        told: set[Program] = set()
        with raise_interrupts_as(KeyboardInterrupt):
            while (holder := self._take_or_connect_again()) is not None:
                name, program = holder
                if program not in told:
                    told.add(program)
                    self._say(
                        f"{program} runs {name} on this database. This program serves the UI, and takes over when "
                        f"the other one stops.{self._way_beside(name)}"
                    )
                time.sleep(WAIT_SECONDS)
        for source, program in _held_schedules(self._connection):
            if f"{_SCHEDULES_OF}{source}" not in self._names:
                self._say(f"{program} runs {_SCHEDULES_OF}{source} on this database, beside this program.")

    def _take_or_connect_again(self) -> tuple[str, Program] | None:
        while not self._given_up.is_set():
            try:
                if self._connection.closed:
                    self._connection = self._connect()
                return self._take()
            except psycopg.OperationalError:  # the server restarted: give the previous holder time to take it again
                self._connection.close()
                time.sleep(2 * KEEP_SECONDS)
        return None

    def _way_beside(self, name: str) -> str:
        if name != self._names[-1]:
            return ""
        return (
            " To run other marketplaces beside it, set DAGSTER_SCHEMA to another name here, or let that program "
            "watch them too (MARKETPLACES)."
        )

    def keep(self) -> None:
        """Check the locks while the process lives, and take them again if the server was restarted."""
        threading.Thread(target=self._keep, name="schedule lease", daemon=True).start()

    def close(self) -> None:
        """Give up the lease."""
        self._given_up.set()
        self._connection.close()

    def _keep(self) -> None:
        while not self._given_up.wait(KEEP_SECONDS):
            try:
                self._connection.execute("select 1")
            except psycopg.OperationalError:
                if self._given_up.is_set() or not self._take_again():
                    return

    def _take_again(self) -> bool:
        try:
            self._connection.close()
            self._connection = self._connect()
            holder = self._take()
        except psycopg.OperationalError:
            return True  # the server is not back yet
        if holder is None:
            return True
        name, program = holder
        self._say(f"{program} took over {name}, because the connection to the database was lost.")
        self._lost()
        return False

    def _connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=10,
            options=KEEPALIVE,
            application_name="tickettape schedules",
            **KEEPALIVES,
        )

    def _take(self) -> tuple[str, Program] | None:
        """Take all locks or none. Returns None if all were taken, else a lock that is held and its holder."""
        for number, name in enumerate(self._names):
            if self._run("select pg_try_advisory_lock(hashtextextended(%s, 0))", name):
                continue
            for taken in self._names[:number]:
                self._run("select pg_advisory_unlock(hashtextextended(%s, 0))", taken)
            row = self._connection.execute(
                f"select host, pid, folder from {_HOLDERS} where name = %s",  # noqa: S608
                [name],
            ).fetchone()
            holder = Program(str(row[0]), int(str(row[1])), str(row[2])) if row else Program("another program", 0, "")
            return name, holder
        for name in self._names:
            self._connection.execute(
                f"""insert into {_HOLDERS} (name, host, pid, folder) values (%s, %s, %s, %s)
                   on conflict (name) do update set
                       host = excluded.host, pid = excluded.pid, folder = excluded.folder, since = now()""",  # noqa: S608
                [name, self._program.host, self._program.pid, self._program.folder],
            )
        return None

    def _run(self, statement: str, name: str) -> bool:
        row = self._connection.execute(statement, [name]).fetchone()
        return bool(row and row[0])


def watched_sources(connection: Connection, own: Iterable[str]) -> set[str]:
    """The marketplaces watched on this database: `own`, and those whose schedules other programs run now."""
    others = _held_schedules(connection) if has_shared_table(connection, "schedule_holders") else []
    return {*own, *(source for source, _ in others)}


def _held_schedules(connection: "psycopg.Connection[Any]") -> list[tuple[str, Program]]:
    """The marketplaces whose schedules a program runs now, each with that program."""
    rows = connection.execute(
        f"""select substr(name, length(%s) + 1), host, pid, folder from {_HOLDERS}
            where starts_with(name, %s) and exists (
                select from pg_locks
                where locktype = 'advisory' and granted
                    and database = (select oid from pg_database where datname = current_database())
                    and (classid::bigint << 32 | objid::bigint) = hashtextextended(name, 0))
            order by name""",  # noqa: S608
        [_SCHEDULES_OF, _SCHEDULES_OF],
    ).fetchall()
    return [(str(source), Program(str(host), int(pid), str(folder))) for source, host, pid, folder in rows]


def wait_for_schedules(url: str, schema: str, sources: Sequence[str]) -> ScheduleLease:
    """Make this process, Dagster's daemon, wait until it may run the schedules of these marketplaces."""
    lease = ScheduleLease(url, schema, sources, tell)
    lease.wait()
    lease.keep()
    return lease
