"""`make dev` under faults: a slow market that tells when a tick is in its middle, what people read, and the oracle."""

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import Popen

import psycopg
import pytest

from tests.support import oracle
from tests.support.loopback_servers import served
from tests.support.processes import free_port, kill_all, start_make, wait_for
from tests.support.receiver import Receiver
from tests.support.slow_simulator import SlowSimulator
from tickettape.database import Connection
from tickettape.observations import floor_to_grid, ticks_between
from tickettape.settings import ROOT

TICK = timedelta(minutes=3)
SHORT_TICKS = ROOT / "tests" / "chaos" / "short_ticks"
MOST_LINES = 10  # for a person, from a fault to the time when all is well again
EVENTS = 48  # so many that some are due at every tick
SLOW = 6.0  # seconds that the market takes to answer while a tick is to be met in its middle
WELL = 2 * TICK.total_seconds() + 120  # the tick after the one that the fault hit, with its rollups


@dataclass
class Program:
    """A program that runs, and everything around it."""

    process: "Popen[bytes]"
    home: Path
    console: Path
    market: SlowSimulator
    inbox: Receiver
    url: str | None
    """The database's; None: the embedded server's, in `home`."""

    @contextmanager
    def database(self) -> Iterator[Connection]:
        """A connection to its database. It does not start a server, nor counts as a user of one."""
        embedded = f"postgresql://postgres@/postgres?host={self.home / 'postgres'}"
        with psycopg.connect(self.url or embedded, autocommit=True) as connection:
            yield connection

    def said(self) -> list[str]:
        """What its console shows."""
        return self.console.read_text().splitlines()

    def problems(self, said: list[str]) -> list[str]:
        """The lines that are no news of a run that did its work."""
        return [line for line in said if not re.match(r"(\d\d:\d\d )?\w+: ", line) or line.startswith("error")]

    def wait_for_the_middle_of_a_tick(self) -> datetime:
        """Wait for the next tick, until it has asked for some events and not for all; returns the tick."""
        self.market.seconds = SLOW
        before = self.market.asked.total()

        def asks() -> bool:
            assert self.process.poll() is None, self.console.read_text()
            return self.market.asked.total() > before

        wait_for("a tick", asks, 2 * TICK.total_seconds(), self.console)
        time.sleep(SLOW / 4)
        return floor_to_grid(TICK, datetime.now(UTC))

    def wait_until_well(self, seconds: float = WELL) -> float:
        """Wait until a tick that starts from now on is captured, read and rolled up, and nothing older is left.

        Then every rollup equals its recomputation, and every tick is accounted for. Returns the seconds that it took.
        """
        self.market.seconds = 0
        started, now = time.monotonic(), datetime.now(UTC)
        wait_for("a program that is well", lambda: self._is_well(now), seconds, self.console, every=1)
        took = time.monotonic() - started
        with self.database() as connection:
            oracle.assert_exact(connection)
            assert not_accounted_for(connection) == []
        return took

    def _is_well(self, since: datetime) -> bool:
        assert self.process.poll() is None, self.console.read_text()
        try:
            with self.database() as connection:
                row = connection.execute(
                    """select
                           exists (select from market.scraper_jobs where started_at > %(since)s and status = 'success'),
                           exists (select from market.captures where status = 'received'),
                           exists (select from market.dirty_buckets) or exists (select from market.claimed_buckets),
                           exists (select from dagster.runs where status in ('STARTING', 'STARTED', 'QUEUED'))""",
                    {"since": since},
                ).fetchone()
        except psycopg.Error:
            return False
        return row == (True, False, False, False)


def report(*lines: str) -> None:
    """Show what a trial found, below its name."""
    sys.stdout.write("\n" + "".join(f"{line}\n" for line in lines))


def not_accounted_for(connection: Connection) -> list[datetime]:
    """The ticks between the first and the newest at which nothing was captured or recorded as missed."""
    seen = [tick for (tick,) in connection.execute("select distinct tick from market.captures order by tick")]
    return sorted(set(ticks_between(seen[0], seen[-1], TICK)) - set(seen))


@contextmanager
def told() -> Iterator[Receiver]:
    """Who is told of incidents, for the block."""
    inbox = Receiver()
    with pytest.MonkeyPatch.context() as patch, served(inbox) as url:
        patch.setenv("NO_PROXY", "127.0.0.1")
        inbox.url = url.replace("http://", "json://")
        yield inbox


@contextmanager
def running(home: Path, inbox: Receiver, url: str | None = None) -> Iterator[Program]:
    """`make dev` on the database at `url`, after its first tick. What it started is gone after the block."""
    folder = tempfile.TemporaryDirectory(prefix="tickettape-console-")  # not in the home, whose disk may be full
    console = Path(folder.name) / "console"
    database = {"DATABASE_URL": url} if url else {}
    market = SlowSimulator(events=EVENTS)
    with served(market) as market_url:
        process = start_make(
            "dev",
            home,
            console,
            UI_PORT=str(free_port()),
            MARKETPLACE_URL=market_url,
            MARKETPLACE_SOURCE="simulator",
            SCRAPER_INTERVAL_MINUTES=str(int(TICK.total_seconds() // 60)),
            SIMULATOR_HISTORY_HOURS="0",  # the trials are about ticks from now on
            PYTHONPATH=str(SHORT_TICKS),
            INCIDENT_URLS=inbox.url,
            INCIDENT_FAILED_RUNS="1",
            **database,
        )
        program = Program(process, home, console, market, inbox, url)
        try:
            program.wait_until_well()
            yield program
        finally:
            kill_all(process, home)
            folder.cleanup()
