"""What the board shows beside the served week: events of the simulator, with all their listings, and a crowd."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from tests.support.markets import Section, add_event, observe
from tickettape.catalogue import decide_link, discover_events, upsert_events
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import capture_tick, read_ticks

SIMULATED = 3
"""How many events of the simulator there are."""
FALLEN, FALLEN_ZONE = "A Steep Fall", "Floor"
"""An event whose price fell by more than any other's in the week, in one of its two zones."""
AT_MARKETS = "At Three Markets"
MARKETS = ("simulator", "simulator_gametime", "simulator_ticketevolution")
"""Where it is."""
CROWD = 60
"""How many events that nobody looked at: more than a page of the board."""


def add_crowd(connection: Connection) -> None:
    """Events of one performer in one city, without a capture."""
    date = datetime(2027, 9, 1, 19, tzinfo=UTC)
    for number in range(CROWD):
        name = f"Crowd {number}"
        add_event(connection, name, name=name, city="Lisbon", performer_name="The Crowd", date=date)


def add_fallen(connection: Connection, last: datetime) -> None:
    """A week ago $100, then a tenth of it, in one zone; the other stayed. Its day is 1 August at the venue."""
    event = add_event(connection, "fallen", name=FALLEN, date=datetime(2027, 8, 2, 1, tzinfo=UTC))
    for ago, price in ((7 * 24, 10_000), (7 * 24 - 4, 10_000), (36, 9_000), (0, 1_000)):
        floor, balcony = Section(FALLEN_ZONE, "1", [price]), Section("Balcony", "2", [20_000])
        observe(connection, event, last - timedelta(hours=ago), floor, balcony)


def add_at_markets(connection: Connection, last: datetime) -> None:
    """One event at three markets, observed for 12 hours until `last`; at the third only until five hours before.

    All-in the second is the cheapest, by 50 cents. Two offers are on the first two markets, nearly at one price.
    """
    date, performer = datetime(2027, 8, 13, 1, tzinfo=UTC), "The Trio"
    keys = [
        add_event(connection, f"many-{n}", source=source, name=AT_MARKETS, date=date, performer_name=performer)
        for n, source in enumerate(MARKETS)
    ]
    for other in (1, 2):
        decide_link(connection, (MARKETS[0], "many-0"), (MARKETS[other], f"many-{other}"), "confirmed", "somebody")
    for ago in range(12, -1, -1):
        tick, drift = last - timedelta(hours=ago), 150 * (ago % 5)
        observe(connection, keys[0], tick, Section("Lower Bowl", "201", [8000 + drift, 9100]))
        observe(connection, keys[1], tick, Section("Bowl", "Section 201", [8100, 9050 + 2 * drift]))
        if ago >= 5:
            observe(connection, keys[2], tick, Section("Lower", "LB 201", [7000, 7000 + drift]))


def add_simulated_events(connection: Connection, last: datetime) -> None:
    """Watch the simulator every three hours of the week until `last`: each is a point of the board's lines."""
    market = SimulatedMarketplace(seed=20261120, events=SIMULATED)
    others = [str(row[0]) for row in connection.execute("select external_id from market.events where active")]
    found = asyncio.run(discover_events(market, "search", "simulated")).events
    upsert_events(connection, market.source, map(asdict, found))
    ticks = [last - timedelta(hours=3 * n) for n in range(57)]
    ensure_partitions(connection, ticks)
    watch = "update market.events set active = %s where external_id = any(%s)"
    connection.execute(watch, [False, others])  # the simulator does not know them
    for tick in sorted(ticks):
        capture_tick(connection, market, tick, None, "a week")
    connection.execute(watch, [True, others])
    for month in {(tick.year, tick.month) for tick in ticks}:
        of_month = [tick for tick in ticks if (tick.year, tick.month) == month]
        read_ticks(connection, market, of_month, 0.05, "a week", only_received=True)
