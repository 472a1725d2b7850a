"""Run the parts, print their figures; exit code 1 where a bound is missed.

Sizes and parts by environment variables: bench/README.md.
"""

import os
import platform
import sys

from bench import (
    archive,
    box_office,
    box_office_http,
    estimated_sales,
    fairness,
    forecasts,
    forecasts_cost,
    ingest,
    listings,
    pages,
    price_alerts,
    refresh,
    row_bytes,
    sales_summary,
    scale,
    scraper,
    serving,
    storage,
    tick_time,
)
from bench.report import heading, say
from bench.scratch import open_connection, scratch_database, scratch_server


def main() -> int:
    """Run what BENCH_PARTS names."""
    sizes = [int(rows) for rows in os.environ.get("BENCH_ROWS", "1600000,6500000").split(",")]
    repetitions = int(os.environ.get("BENCH_REPETITIONS", "5"))
    parts = os.environ.get("BENCH_PARTS", "tick,ingest,refresh,row_bytes,scraper").split(",")
    ticks = int(os.environ.get("BENCH_TICKS", "72"))
    holds = True
    with scratch_server() as server:
        heading(f"Python {platform.python_version()}, {os.cpu_count()} cores; medians of {repetitions}, taken in turn")
        if "tick" in parts:
            with scratch_database(server, "bench_tick"):
                holds &= tick_time.run()
        if "ingest" in parts:
            with scratch_database(server, "bench_ingest") as url, open_connection(url) as connection:
                holds &= ingest.run(connection, repetitions)
        if "refresh" in parts or "scale" in parts:
            with scratch_database(server, "bench_refresh") as url, open_connection(url) as connection:
                refresh_holds, recorded, newest = refresh.run(connection, sizes, repetitions)
                holds &= refresh_holds
                if "scale" in parts:
                    imported = int(os.environ.get("BENCH_IMPORT_ROWS", "5000000"))
                    holds &= scale.run(connection, recorded, newest, imported, repetitions)
        if "row_bytes" in parts:
            for share in (0.1, 0.3):
                with scratch_database(server, "bench_row_bytes") as url, open_connection(url) as connection:
                    holds &= row_bytes.run(connection, share, events=24, ticks=ticks)
        if "storage" in parts:
            for share in (0.02, 0.1, 0.3):
                with scratch_database(server, "bench_storage") as url, open_connection(url) as connection:
                    holds &= storage.weigh(connection, share, events=6)
            with scratch_database(server, "bench_storage") as url:
                with open_connection(url) as connection:
                    rows = storage.observe(connection, 0.1, events=3, days=7)
                    storage.add_views()
                with (
                    scratch_database(server, "bench_packed", template="bench_storage") as other,
                    open_connection(url) as as_rows,
                    open_connection(other) as packed,
                ):
                    storage.time_packing(packed, rows)
                    holds &= storage.time_reading(as_rows, packed, repetitions)
                    holds &= storage.time_archive(as_rows, packed)
        if "scraper" in parts:
            with scratch_database(server, "bench_scraper") as url, open_connection(url) as connection:
                holds &= scraper.run(connection, url, events=int(os.environ.get("BENCH_EVENTS", "1000")))
        if "listings" in parts:
            for share in (0.02, 0.1, 0.3):
                with scratch_database(server, "bench_listings") as url, open_connection(url) as connection:
                    holds &= listings.weigh(connection, share, events=6, ticks=2 * ticks)
            with scratch_database(server, "bench_listings") as url, open_connection(url) as connection:
                holds &= listings.time_tick(connection, events=1000, repetitions=repetitions)
            with scratch_database(server, "bench_listings") as url, open_connection(url) as connection:
                holds &= listings.time_reconstruction(connection, ticks=2 * ticks)
            for name, share in (("quiet", 0.02), ("lively", 0.2)):
                with scratch_database(server, "bench_listings") as url, open_connection(url) as connection:
                    holds &= listings.judge(connection, name, share, events=12, ticks=2 * ticks)
        if "serving" in parts:
            with scratch_database(server, "bench_serving") as url, open_connection(url) as connection:
                holds &= serving.run(connection, url)
        if "fairness" in parts:
            with scratch_database(server, "bench_fairness") as url, open_connection(url) as connection:
                holds &= fairness.run(connection, url)
        if "pages" in parts:
            with scratch_database(server, "bench_pages") as url, open_connection(url) as connection:
                holds &= pages.run(connection, url, repetitions)
        if "pages" in parts or "seat_maps" in parts:
            with scratch_database(server, "bench_seat_maps") as url, open_connection(url) as connection:
                holds &= pages.run_seat_maps(connection, url, repetitions)
        if "box_office_http" in parts:
            with scratch_database(server, "bench_box_office_http") as url, open_connection(url) as connection:
                holds &= box_office_http.run(connection, url)
        if "price_alerts" in parts:
            with scratch_database(server, "bench_price_alerts") as url, open_connection(url) as connection:
                holds &= price_alerts.run(
                    connection,
                    events=int(os.environ.get("BENCH_EVENTS", "1000")),
                    rules=int(os.environ.get("BENCH_RULES", "10000")),
                    repetitions=repetitions,
                )
        if "forecasts" in parts:
            size = forecasts.size_asked()
            with scratch_database(server, "bench_forecasts_cost") as url, open_connection(url) as connection:
                holds &= forecasts_cost.run(connection, repetitions, size.cost_events, size.cost_days)
            with scratch_database(server, "bench_forecasts") as url, open_connection(url) as connection:
                holds &= forecasts.run(connection, size)
        if "estimated_sales" in parts:
            holds &= estimated_sales.run()
        if "box_office" in parts:
            with scratch_database(server, "bench_box_office") as url, open_connection(url) as connection:
                holds &= box_office.run(connection, url, repetitions)
            with (
                scratch_database(server, "bench_few_seats") as few,
                scratch_database(server, "bench_many_seats") as many,
                open_connection(few) as few_seats,
                open_connection(many) as many_seats,
            ):
                holds &= box_office.run_sizes(few_seats, many_seats, repetitions)
        if "summary" in parts:
            with scratch_database(server, "bench_summary") as url, open_connection(url) as connection:
                holds &= sales_summary.run(connection, repetitions)
        if "archive" in parts:
            with scratch_database(server, "bench_archive") as url:
                heading("A month to Parquet and back")
                for line in archive.run(url, sizes[-1], say=say):
                    print(f"  {line}", flush=True)  # noqa: T201
    return 0 if holds else 1


sys.exit(main())
