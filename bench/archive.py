"""Measure the archive of a month to Parquet and its restore: speed, bytes per row, peak memory, and what bounds each.

`python -m bench.archive [ROWS]`, 2 million rows by default; the acceptance is a month of 26 million (100 events,
60 sections, a tick every 10 minutes), which needs some 12 GB of disk and several minutes. The archive and the
restore each run in a process of their own, whose peak memory the system reports.
"""

import multiprocessing
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tickettape.archive.month_archive import archive_month
from tickettape.archive.month_manifest import FACT_TABLES
from tickettape.archive.month_restore import restore_month
from tickettape.archive.parquet_files import ROW_GROUP
from tickettape.database import Connection, ensure_partitions
from tickettape.database.migrations import upgrade_database
from tickettape.database.server import embedded_url
from tickettape.file_storage import Storage

MONTH = date(2026, 7, 1)
EVENTS, SECTIONS, ZONES = 100, 60, 6
TICKS_A_DAY = 144
CHANGE_EVERY = 5  # ticks until a section's prices change: a fifth of the rows is new at each tick
MOST_BYTES_A_ROW, MOST_MEGABYTES = 15, 500

Say = Callable[[str], None]


def fill(connection: Connection, rows: int, say: Say) -> int:
    """Fill a month with about `rows` snapshots, in the order in which they come in use; returns how many."""
    start = datetime.combine(MONTH, datetime.min.time(), UTC)
    ensure_partitions(connection, [start])
    connection.execute(
        """insert into market.events (source, external_id, name, venue, date)
           select 'bench', n::text, 'Event ' || n, 'The Hall', timestamptz '2027-01-01'
           from generate_series(1, %s::int) n""",
        [EVENTS],
    )
    connection.execute(
        """insert into market.zones (event_key, external_id, name, display_name)
           select event_key, z::text, 'Zone ' || z, 'Zone ' || z from market.events, generate_series(1, %s::int) z
           order by event_key, z""",
        [ZONES],
    )
    connection.execute(
        """insert into market.sections (event_key, zone_key, external_id, name)
           select event_key, zone_key, s::text, 'Section ' || s from market.zones, generate_series(1, %s::int) s
           order by event_key, zone_key, s""",
        [SECTIONS // ZONES],
    )
    ticks = max(1, min(31 * TICKS_A_DAY, round(rows / (EVENTS * SECTIONS))))
    made = 0
    for first in range(0, ticks, TICKS_A_DAY):
        last = min(first + TICKS_A_DAY, ticks) - 1
        span = {"start": start, "first": first, "last": last, "every": CHANGE_EVERY}
        connection.execute(
            """insert into market.captures (tick, fetched_at, event_key, latency_ms, payload_bytes, stated_listings,
                   stated_tickets, counted_listings, counted_tickets, http_status, job_id, status)
               select tick, tick + (hashint8(event_key * 1000 + k) %% 3000 + 3000) * interval '1 ms', event_key,
                   100 + abs(hashint8(event_key + k)) %% 200, 150000, 600, 1800, 600, 1800, 200,
                   md5('job' || k)::uuid, 'ok'
               from generate_series(%(first)s::int, %(last)s::int) k,
                   lateral (select %(start)s::timestamptz + k * interval '10 min' as tick) t,
                   market.events""",
            span,
        )
        made += connection.execute(
            """insert into market.section_snapshots
               select %(start)s::timestamptz + k * interval '10 min', lowest * listings + 700 * listings,
                   event_key, section_key,
                   lowest, lowest + 1400, case when chance %% 3 > 0 then lowest + 100 end, lowest,
                   case when chance %% 2 > 0 then lowest + 300 end, lowest * 13 / 10, 3 * listings, listings
               from generate_series(%(first)s::int, %(last)s::int) k,
                   (table market.sections order by event_key, section_key) s,
                   lateral (select abs(hashint8(section_key * 100000 + (k + section_key) / %(every)s)) as chance) c,
                   lateral (select 4000 + abs(hashint4(section_key)) %% 30000 + chance %% 1500 as lowest,
                                   3 + chance %% 17 as listings) p""",
            span,
        ).rowcount
        connection.execute("delete from market.dirty_buckets")  # rollups are measured elsewhere
        say(f"filled: {made:,} rows")
    for table in FACT_TABLES:
        connection.execute(f"vacuum analyze market.{table}")
    return made


def run(url: str, rows: int, *, say: Say = lambda _: None) -> list[str]:
    """Fill, archive and restore a month in the empty, migrated database at `url`; returns the lines of figures."""
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as connection:
        snapshots = fill(connection, rows, say)
        with tempfile.TemporaryDirectory(prefix="tickettape-bench-cold-") as folder:
            out, out_megabytes, out_cpu = _in_a_process(_archive, url, folder)
            out_seconds = out["seconds"]
            back, back_megabytes, back_cpu = _in_a_process(_restore, url, folder)
        there = connection.execute("select count(*) from market.section_snapshots").fetchone()
    if there != (snapshots,):
        raise AssertionError(f"{there} of {snapshots} snapshots came back")
    total = back["rows restored"]
    peak = max(out_megabytes, back_megabytes)
    return [
        f"archive: {total / out_seconds:,.0f} rows/s in all ({total:,} rows in {out_seconds:.1f} s: export "
        f"{out['rows exported a second']:,} rows/s, verify {out['rows verified a second']:,} rows/s); bound by one "
        f"server process sorting and writing text, and {out_cpu / out_seconds:.0%} of a core here",
        f"Parquet: {out['bytes a row']} bytes a row with zstd (at most {MOST_BYTES_A_ROW}), {out['ratio']} times "
        "smaller than in the database with its indexes; bound by how often prices change",
        f"memory: {peak:.0f} MB at the peak of the archive's process, {back_megabytes:.0f} of the restore's (at most "
        f"{MOST_MEGABYTES}); bound by a row group of {ROW_GROUP:,} rows as text, not by the month",
        f"restore: {back['rows restored a second']:,} rows/s with the comparison and the indexes; bound by one server "
        f"process reading text, and {back_cpu / back['seconds']:.0%} of a core here",
    ]


def _in_a_process(
    what: Callable[[str, str], dict[str, Any]], url: str, folder: str
) -> tuple[dict[str, Any], float, float]:
    """What a step returns, its peak memory in MB and its CPU seconds, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(theirs, what, url, folder))
    process.start()
    theirs.close()
    try:
        figures, megabytes, cpu = mine.recv()
    finally:
        process.join()
    return figures, megabytes, cpu


def _report(pipe: Any, what: Callable[[str, str], dict[str, Any]], url: str, folder: str) -> None:
    import resource

    figures = what(url, folder)
    used = resource.getrusage(resource.RUSAGE_SELF)
    pipe.send((figures, used.ru_maxrss / 1024, psutil.Process().cpu_times().user))


def _archive(url: str, folder: str) -> dict[str, Any]:
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as connection:
        return archive_month(
            connection,
            Storage(folder),
            MONTH,
            refresh=lambda: None,
            now=datetime.now(UTC),
            keep_detached_days=0,
            say=lambda _: None,
        ).figures


def _restore(url: str, folder: str) -> dict[str, Any]:
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as connection:
        return restore_month(connection, Storage(folder), MONTH, until=None, say=lambda _: None)


def main() -> None:
    """Run it on a server of its own, thrown away afterwards."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    with tempfile.TemporaryDirectory(prefix="tickettape-bench-") as folder:
        url = embedded_url(Path(folder) / "postgres")
        upgrade_database(url)
        for line in run(url, rows, say=lambda text: print(text, flush=True)):  # noqa: T201
            print(line)  # noqa: T201


if __name__ == "__main__":
    main()
