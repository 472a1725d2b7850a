"""Answers of a simulated market that a test changes, and what became of them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.support.markets import TEN, add_event
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.marketplaces.simulator import answers as simulated
from tickettape.observations import (
    Capture,
    Refusal,
    floor_to_grid,
    list_refusals,
    read_tick,
    replay_quarantined,
    store_captures,
)

TICK = floor_to_grid(TEN, datetime.now(UTC))
MARKET = SimulatedMarketplace(seed=7, events=6, clock=lambda: TICK)
Change = Callable[[dict[str, Any]], object]


def answered(connection: Connection, *changes: Change | None, source: str = "simulator") -> list[int]:
    """Captures of as many events with real answers of the simulator, changed; their event keys."""
    ensure_partitions(connection, [TICK])
    keys = []
    for production, change in zip(MARKET.market.productions(TICK), changes, strict=False):
        key = add_event(connection, str(production.production_id), source, date=production.date)
        answer = json.loads(simulated.listings(MARKET.market, production, TICK))
        if change:
            change(answer)
        body = json.dumps(answer).encode()
        store_captures(
            connection, [Capture(key, TICK, "received", http_status=200, fetched_at=TICK, answer=body)], None
        )
        keys.append(key)
    return keys


def read(connection: Connection, *, again: bool = False) -> dict[int, str]:
    verdicts, _ = read_tick(connection, MARKET, TICK, 0.05, "a run", only_received=not again)
    return {verdict.event_key: verdict.status for verdict in verdicts}


def statuses(connection: Connection) -> dict[int, str]:
    return dict(connection.execute("select event_key, status from market.captures").fetchall())


def stored(connection: Connection, event_key: int) -> list[Any]:
    return connection.execute(
        "select * from market.section_snapshots where event_key = %s order by section_key", [event_key]
    ).fetchall()


def in_quarantine(connection: Connection, **more: Any) -> list[Refusal]:
    return list_refusals(connection, **more)


def change_currency(answer: dict[str, Any]) -> None:
    answer["i18n"]["to"] = "CAD"


def replay(connection: Connection, refusal: Refusal) -> str:
    return replay_quarantined(connection, MARKET, refusal, 0.05, "a replay")
