"""Measure what a long history must not slow down: a late tick, a rebuild, ticks during an import, the oracles.

Runs on the database that `refresh` has filled.
"""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench import market
from bench.refresh import PLAIN, ROLLUPS, mark
from bench.report import figure, heading, in_turn, say, seconds
from tests.support import oracle
from tests.support.recorded_refresh import Refresh
from tickettape.database import Connection
from tickettape.rollups import mark_hours_between

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
IMPORTED_EVENTS, LISTINGS = 100, 100  # LISTINGS in each observation
LIVE_TICK_EVERY_SECONDS = 5


def run(connection: Connection, refresh: Refresh, newest: datetime, rows: int, repetitions: int) -> bool:
    """Print the figures at the present size; returns whether all bounds hold. `rows`: how many listings to import."""
    heading("A tick three days late, against a fresh one")
    hour = newest.replace(minute=0)
    late, fresh = in_turn(
        lambda: tick_refreshed(connection, refresh, hour - 3 * DAY),
        lambda: tick_refreshed(connection, refresh, hour),
        repetitions,
    )
    holds = figure("all rollups of a late tick against a fresh one's", late / fresh, "×", most=1.2)

    midnight = newest.replace(hour=0, minute=0)
    for name, start in (("day", midnight), ("week", midnight - 6 * DAY)):
        heading(f"A rebuild of a {name}")
        window = {"start": start, "end": midnight + DAY}
        plain = seconds(partial(_all_rows, connection, window))
        buckets = mark_hours_between(connection, start, midnight + DAY)
        rebuilt = seconds(lambda: refresh.run_until_clean(connection))
        figure(f"{buckets:,} hours of events, days and latest prices too", rebuilt, "s")
        figure("against a plain aggregate of its hours", rebuilt / plain, "×")

    heading(f"Live ticks during an import of {rows:,} listings")
    quiet, during, imported = _during_an_import(connection, refresh, newest, rows, repetitions)
    say(f"{len(during)} live ticks in {imported:.0f} s, the slowest {max(during):.2f} s")
    figure("the import, its rollups included", rows / imported, "rows/s")
    figure("a live tick's refresh meanwhile", median(during), "s")
    figure("against one before the import", median(during) / quiet, "×")
    # a live tick may take 15 s in all after its last answer; the slowest one counts
    holds &= figure("the slowest live tick's refresh", max(during), "s", most=15)

    heading("The nightly oracles: every rollup against a recomputation of all of it")
    started = time.perf_counter()
    for rollup, query in oracle.queries().items():
        spent = seconds(partial(_must_be_empty, connection, query))
        figure(rollup, spent, "s")
    figure("all of them", time.perf_counter() - started, "s")
    return holds


def tick_refreshed(connection: Connection, refresh: Refresh, hour: datetime) -> float:
    """Seconds to refresh all rollups after a change of one hour of every event; it is undone."""
    with connection.transaction(force_rollback=True):
        mark(connection, hour)
        return seconds(lambda: refresh.run_all(connection, ROLLUPS))


def _all_rows(connection: Connection, window: dict[str, datetime]) -> None:
    connection.execute(PLAIN, window).fetchall()


def _must_be_empty(connection: Connection, query: str) -> None:
    if different := connection.execute(f"select count(*) from ({query}) as different").fetchone() != (0,):  # noqa: S608
        raise AssertionError(f"{different} rows differ from a recomputation")


def _during_an_import(
    connection: Connection, refresh: Refresh, newest: datetime, rows: int, repetitions: int
) -> tuple[float, list[float], float]:
    """Seconds of a live tick before an import by its command, of each live tick during it, and of the import."""
    number = round((newest - market.START) / market.TICK) + 1

    def live_tick() -> float:
        nonlocal number
        market.add_ticks(connection, number, number + 1, mark=True)
        number += 1
        return seconds(lambda: refresh.run_all(connection, ROLLUPS))

    quiet = median(live_tick() for _ in range(repetitions))
    with TemporaryDirectory(prefix="tickettape-bench-") as folder:
        file = Path(folder) / "history.parquet"
        _write_history(file, rows)
        command = [str(Path(sys.executable).parent / "tickettape"), "import", str(file), "--source", "bench import"]
        started = time.perf_counter()
        with (Path(folder) / "log").open("w+") as log:
            importing = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603
            during = []
            while importing.poll() is None:
                during.append(live_tick())
                time.sleep(LIVE_TICK_EVERY_SECONDS)
            if importing.returncode:
                log.seek(0)
                raise RuntimeError(f"The import failed: {log.read()[-2000:]}")
        return quiet, during, time.perf_counter() - started


def _write_history(file: Path, rows: int) -> None:
    """A Parquet file of listings: IMPORTED_EVENTS events, LISTINGS at each of their observations, ten minutes apart."""
    observations = rows // (IMPORTED_EVENTS * LISTINGS)
    first = datetime(2026, 8, 1, tzinfo=UTC)
    with pq.ParquetWriter(file, _SCHEMA) as writer:
        for event in range(IMPORTED_EVENTS):
            at = np.repeat(np.arange(observations), LISTINGS)
            listing = np.tile(np.arange(LISTINGS), observations)
            columns = [
                pa.array([f"event {event}"] * len(at)),
                pa.array([f"Event {event}"] * len(at)),
                pa.array(["The Hall"] * len(at)),
                pa.array([datetime(2027, 1, 1, 20, tzinfo=UTC)] * len(at), pa.timestamp("us", "UTC")),
                pa.array(np.datetime64(first.replace(tzinfo=None), "us") + at * np.timedelta64(600, "s")).cast(
                    pa.timestamp("us", "UTC")
                ),
                pa.array((listing % 10).astype(str)),
                pa.array((listing % 50).astype(str)),
                pa.array(50.0 + (listing * 7 + at // 6) % 90),
                pa.array(1 + listing % 4),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA))


_INSTANT = pa.timestamp("us", "UTC")
_SCHEMA = pa.schema(
    [
        ("event", pa.string()),
        ("event_name", pa.string()),
        ("venue", pa.string()),
        ("event_date", _INSTANT),
        ("time", _INSTANT),
        ("zone", pa.string()),
        ("section", pa.string()),
        ("price", pa.float64()),
        ("quantity", pa.int64()),
    ]
)
