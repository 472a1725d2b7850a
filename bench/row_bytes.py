"""Measure the bytes that a snapshot row takes with its index, for data from the simulated market.

The rows come tick by tick from stored answers, so that the index grows as it does in use.
"""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from bench.report import figure, heading, say
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import capture_tick, read_tick

FIRST_TICK = datetime(2026, 11, 3, tzinfo=UTC)
TICK = timedelta(minutes=10)


def run(connection: Connection, change_share: float, *, events: int, ticks: int) -> bool:
    """Print the bytes per row if this share of the listings changes per tick; returns whether the bound holds."""
    heading(f"Bytes a snapshot row, {change_share:.0%} of listings changing per tick")
    marketplace = SimulatedMarketplace(events=events, change_share=change_share, clock=lambda: FIRST_TICK)
    productions = asyncio.run(discover_events(marketplace, "search", "simulated")).events
    upsert_events(connection, "simulator", map(asdict, productions))
    rows = 0
    for number in range(ticks):
        tick = FIRST_TICK + number * TICK
        ensure_partitions(connection, [tick])
        capture_tick(connection, marketplace, tick, None, "bench")
        _, read = read_tick(connection, marketplace, tick, 0.05, "bench", only_received=True)
        rows += len(read)
    connection.execute("vacuum (analyze) market.section_snapshots")
    heap, total = connection.execute(
        """select sum(pg_relation_size(inhrelid)), sum(pg_total_relation_size(inhrelid))
           from pg_inherits where inhparent = 'market.section_snapshots'::regclass"""
    ).fetchone() or (0, 0)
    say(f"{rows:,} rows: {heap / rows:.1f} bytes of heap, {(total - heap) / rows:.1f} of index")
    return figure("bytes a row with its index", float(total) / rows, "bytes", most=130)
