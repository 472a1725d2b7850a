"""Run a backfill beside live ticks, kill it halfway and start it again: the part `backfill` of `make soak`.

The live ticks are the newest ticks of the simulator's past, one after the other, each a run of the job `tick`. They
follow each other faster than in real time. Sizes: SOAK_BACKFILL_HOURS (168), SOAK_BACKFILL_EVENTS (24), SOAK_LIVE_TICKS
(6, the least number), SOAK_LIVE_SECONDS (120, from the start of one live tick to the next).
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.report import figure, heading, say
from bench.scratch import open_connection, scratch_database, scratch_server
from tickettape.database import Connection
from tickettape.observations import floor_to_grid

HOUR, DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(minutes=10)
FRESH_SECONDS = 60.0
LOOK_SECONDS = 0.25
MOST_TICKS = 120  # 20 hours of the simulator's past serve as its present


def soak_backfill() -> bool:
    """Run it, then judge."""
    hours, ticks = int(os.environ.get("SOAK_BACKFILL_HOURS", "168")), int(os.environ.get("SOAK_LIVE_TICKS", "6"))
    every = float(os.environ.get("SOAK_LIVE_SECONDS", "120"))
    os.environ["SIMULATOR_EVENTS"] = os.environ.get("SOAK_BACKFILL_EVENTS", "24")
    first = floor_to_grid(TICK, datetime.now(UTC)) - (MOST_TICKS + 3) * TICK
    end = floor_to_grid(DAY, first)  # no day of the backfill is one of the live ticks
    start = end - hours * HOUR
    with (
        scratch_server() as server,
        scratch_database(server, "soak") as url,
        open_connection(url) as connection,
        tempfile.TemporaryFile() as log,
    ):
        heading(f"A backfill of {hours} hours beside live ticks, one in {every:.0f} s")
        _live_tick(connection, first)  # it makes the tables
        alone = _live_tick(connection, first + TICK)
        say(f"a live tick alone: {alone}")
        command = ["backfill", "--from", start.isoformat(), "--to", end.isoformat()]
        backfill, began = _start(command, log.fileno()), time.monotonic()
        beside: list[LiveTick] = []
        while (backfill.poll() is None or len(beside) < ticks) and len(beside) < MOST_TICKS:
            tick_began = time.monotonic()
            beside.append(_live_tick(connection, first + (2 + len(beside)) * TICK))
            say(f"live tick {len(beside)}: {beside[-1]}")
            if len(beside) == ticks // 2 and backfill.poll() is None:
                os.killpg(backfill.pid, signal.SIGKILL)
                backfill.wait()
                say("the backfill was killed, and is started again")
                backfill = _start(command, log.fileno())
            time.sleep(max(0.0, every - (time.monotonic() - tick_began)))
        say(f"the backfill took {time.monotonic() - began:.0f} s at most")
        holds = figure("exit code of the backfill", float(backfill.wait()), "", most=0)
        alone = _live_tick(connection, first + (2 + len(beside)) * TICK)
        say(f"a live tick alone, when the backfill has ended: {alone}")
        longest, stalest = max(one.seconds for one in beside), max(one.fresh_seconds for one in beside)
        holds &= figure("longest live tick beside it", longest, "s", most=TICK.total_seconds())
        holds &= figure("rollups fresh after the last answer, at the latest", stalest, "s", most=FRESH_SECONDS)
        return holds & _judge_history(connection, start, end)


@dataclass(frozen=True)
class LiveTick:
    """How long a live tick took, and how long after its last answer every rollup of its day was refreshed."""

    seconds: float
    fresh_seconds: float

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s, rollups fresh {self.fresh_seconds:.0f} s after its last answer"


def _start(command: list[str], log: int) -> "subprocess.Popen[bytes]":
    program = Path(sys.executable).with_name("tickettape")
    return subprocess.Popen([program, *command], stdout=log, stderr=log, start_new_session=True)  # noqa: S603


def _live_tick(connection: Connection, tick: datetime) -> LiveTick:
    """Run a live tick, and measure meanwhile when its marks are gone."""
    with tempfile.TemporaryFile("w+") as log:
        began = time.time()
        command = [sys.executable, "-m", "bench.live_tick", tick.isoformat()]
        running = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603
        marked_at = began
        while running.poll() is None:
            row = connection.execute(
                "select exists (select from market.dirty_buckets where bucket >= %s)", [floor_to_grid(DAY, tick)]
            ).fetchone()
            if row and row[0]:
                marked_at = time.time()
            time.sleep(LOOK_SECONDS)
        seconds = time.time() - began
        if running.returncode:
            log.seek(0)
            raise RuntimeError(f"Live tick {tick} was not green: {log.read()[-2000:]}")
    row = connection.execute(
        "select extract(epoch from max(completed_at)) from market.scraper_jobs where tick = %s", [tick]
    ).fetchone()
    answered_at = float(row[0]) if row and row[0] is not None else began
    return LiveTick(seconds, max(0.0, marked_at - answered_at))


def _judge_history(connection: Connection, start: datetime, end: datetime) -> bool:
    """Whether every hour was captured, read and rolled up, and shows its own figures."""

    def count(query: str) -> float:
        row = connection.execute(query, {"start": start, "end": end}).fetchone()
        return float(row[0]) if row else 0.0

    ticks = (end - start) / TICK
    captured = count("select count(distinct tick) from market.captures where tick >= %(start)s and tick < %(end)s")
    holds = figure("ticks of the backfill that are captured", captured / ticks, "×", least=1, most=1)
    holds &= figure(
        "answers left unread", count("select count(*) from market.captures where status = 'received'"), "", most=0
    )
    holds &= figure("marks left", count("select count(*) from market.dirty_buckets"), "", most=0)
    return holds & figure("hours whose figures are not their own", count(OTHER_FIGURES), "", most=0)


OTHER_FIGURES = """
    with said as (
        select distinct on (asset_key, partition) asset_key, partition, (
            select (entry #>> '{entry_data,value}')::integer
            from jsonb_array_elements(
                event::jsonb #> '{dagster_event,event_specific_data,materialization,metadata_entries}') as entry
            where entry ->> 'label' in ('events captured', 'answers read')) as events
        from dagster.event_logs
        where dagster_event_type = 'ASSET_MATERIALIZATION' and asset_key in ('["captures"]', '["section_snapshots"]')
        order by asset_key, partition, id desc
    ),
    stored as (
        select to_char(date_trunc('hour', tick, 'UTC'), 'YYYY-MM-DD-HH24:MI') as partition, count(*) as events
        from market.captures where tick >= %(start)s and tick < %(end)s group by 1
    )
    select count(*) from stored cross join unnest(array['["captures"]', '["section_snapshots"]']) as asset_key
    left join said using (asset_key, partition)
    where said.events is distinct from stored.events"""
