"""Three sources in three formats in one tick: one blocks us, one is slow, and the third does not notice."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support.loopback_servers import served
from tests.support.markets import TEN
from tests.support.profiles import LONG
from tests.support.spoken_formats import FORMATS_SPOKEN, Spoken
from tickettape.catalogue import discover_events, match_sources, upsert_events
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.marketplaces import load_breaker, open_marketplaces
from tickettape.marketplaces.simulator import Market
from tickettape.marketplaces.simulator.faults import Fault, Faulty, evenly
from tickettape.observations import capture_tick, floor_to_grid, read_tick
from tickettape.settings import Settings

TICK = floor_to_grid(TEN, datetime.now(UTC))
EVENTS = 300 if LONG else 40
PER_SECOND = {"vividseats": 30, "ticketevolution": 60, "gametime": 50}
FORMAT = {"vividseats": "simulator"}


@dataclass
class Counted:
    """An application that remembers when each request came."""

    app: ASGIApp
    asked_at: list[float] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.asked_at.append(time.monotonic())
        await self.app(scope, receive, send)

    def most_in(self, seconds: float) -> int:
        """Most requests within any time of this length."""
        times = sorted(self.asked_at)
        return max((sum(at <= other < at + seconds for other in times) for at in times), default=0)


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[dict[str, Counted], dict[str, Faulty], Settings]]:
    """A server for each format, with 300 events, and the settings that watch them under their formats' names."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    market = Market(seed=5, events=EVENTS)
    faulty = {one.name: Faulty(one.build_app(market, lambda: TICK)) for one in FORMATS_SPOKEN}
    counted = {name: Counted(app) for name, app in faulty.items()}
    with ExitStack() as stack:
        own: dict[str, dict[str, Any]] = {
            f"my_{name}": {
                "format": FORMAT.get(name, f"simulator_{name}"),
                "url": stack.enter_context(served(app)),
                "requests_per_second": PER_SECOND[name],
                "requests_per_minute": 60_000,
            }
            for name, app in counted.items()
        }
        yield counted, faulty, Settings(marketplaces=own)


def statuses(connection: Connection, spoken: Spoken) -> Counter[str]:
    rows = connection.execute(
        """select status, count(*) from market.captures inner join market.events using (event_key)
           where source = %s group by 1""",
        [f"my_{spoken.name}"],
    ).fetchall()
    return Counter({str(status): int(count) for status, count in rows})


def test_one_blocks_one_is_slow_and_the_others_are_in_time_each_within_its_budget_at_the_server(
    warehouse: Warehouse,
    connection: Connection,
    doors: tuple[dict[str, Counted], dict[str, Faulty], Settings],
) -> None:
    counted, faulty, settings = doors
    watched = open_marketplaces(settings, warehouse)
    vividseats, ticketevolution, gametime = FORMATS_SPOKEN
    for source, one in watched.items():
        found = asyncio.run(discover_events(one.marketplace, "search", "simulated"))
        upsert_events(connection, source, map(asdict, found.events))
    # of two shows of one name at one venue on one day none is linked: with 300 events there are some
    assert match_sources(connection, datetime.now(UTC))["automatic"] >= 2.8 * EVENTS
    ensure_partitions(connection, [TICK])
    faulty["vividseats"].latency = evenly(0.2, 0.6)
    faulty["ticketevolution"].rates = {Fault.FORBIDDEN: 1.0}
    seconds: dict[str, float] = {}

    def tick(source: str) -> None:
        own = warehouse.connect_to()
        own.autocommit = True
        with own:
            started = time.monotonic()
            capture_tick(own, watched[source].marketplace, TICK, None, f"run of {source}")
            read_tick(own, watched[source].marketplace, TICK, 0.05, f"run of {source}", only_received=True)
            seconds[source] = time.monotonic() - started

    threads = [threading.Thread(target=tick, args=[source]) for source in watched]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses(connection, gametime) == {"ok": EVENTS}
    assert statuses(connection, vividseats) == {"ok": EVENTS}
    assert set(statuses(connection, ticketevolution)) == {"blocked", "missed"}
    # each takes what its own budget and its own latency make of it, and no more
    for source in ("my_gametime", "my_ticketevolution"):
        assert seconds[source] < 120, seconds  # a fifth of a tick
    for name, door in counted.items():
        assert door.most_in(1.0) <= PER_SECOND[name]
    assert len(faulty["ticketevolution"].asked) < 30  # then nothing more was asked
    assert [load_breaker(connection, source).state for source in watched] == ["closed", "open", "closed"]
    empty = connection.execute("select count(*) from market.captures where status = 'empty'").fetchone()
    assert empty == (0,)
