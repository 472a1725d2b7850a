"""The listing history: whatever comes, in whatever order, every read answer's listings are there exactly."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from orchestration.resources import Warehouse
from orchestration.warehouse import Connection, catalogue, listing_chain, listings, partitions, voids
from orchestration.warehouse.catalogue import SeenZone
from orchestration.warehouse.listing_chain import Link, Look, Offer, Prices, Standing
from orchestration.warehouse.listing_rows import COLUMNS, instant, link_of, microseconds
from tests.markets import TEN, add_event

START = datetime(2026, 10, 30, 22, 40, tzinfo=UTC)  # over a day's edge, and in the next night over a month's
TICKS = [START + number * TEN for number in range(12)] + [
    START + timedelta(days=1) + number * TEN for number in range(10)
]
LOTS = [(1, (1,)), (2, (2,)), (4, (2, 4)), (4, (1, 2, 3, 4))]


def set_up(connection: Connection, external_id: str = "1") -> tuple[int, list[int], list[int]]:
    """An event, two sections of it, and the keys of LOTS."""
    partitions.ensure_partitions(connection, TICKS)
    event = add_event(connection, external_id)
    zones = catalogue.ensure_zones(connection, [SeenZone(event, "Z", "Lower", 0)])
    sections = catalogue.ensure_sections(connection, {(event, zones[event, "Z"], s): s for s in ("101", "102")})
    lots = listings.lot_keys(connection, LOTS)
    return event, list(sections.values()), [lots[lot] for lot in LOTS]


def put(connection: Connection, event: int, tick: datetime, offers: dict[Offer, Prices], status: str = "ok") -> None:
    """A capture and what it showed."""
    with connection.transaction():
        connection.execute(
            """insert into market.captures (event_key, tick, status, fetched_at, job_id) values (%s, %s, %s, %s, %s)
               on conflict (event_key, tick) do update set status = excluded.status""",
            [event, tick, status, tick, UUID(int=0)],
        )
        listings.lock(connection, tick)
        listings.write(connection, tick, {event: Look(microseconds(tick), status == "partial", offers)})


def stored(connection: Connection, event: int) -> list[Link]:
    rows = connection.execute(
        f"select {', '.join(COLUMNS)} from market.listing_changes where event_key = %s order by tick", [event]
    ).fetchall()
    return [link_of(row) for row in rows]


def made_anew(looks: dict[datetime, Look]) -> list[Link]:
    """The chain of all looks, one after the other, from the first."""
    links: list[Link] = []
    stand: dict[Offer, Standing] | None = None
    for tick in sorted(looks):
        image = not links or instant(links[-1].tick).date() != tick.date()
        link, stand = listing_chain.next_link(stand, looks[tick], image=image)
        links.append(link)
    return links


def shown(connection: Connection, event: int, tick: datetime) -> dict[Offer, Prices]:
    """What the database's own function says was for sale."""
    rows = connection.execute(
        """select listing_id, section_key, seat_row, lot_key, price_cents, coalesce(all_in_price_cents, 0),
               coalesce(deal_score * 10, -1)::integer
           from market.listings_of(%s, %s) inner join market.lots using (quantity, buyable)""",
        [event, tick],
    ).fetchall()
    found = {row[:4]: row[4:] for row in rows}
    assert len(found) == len(rows)
    return found


prices = st.tuples(
    st.integers(1, 5).map(lambda p: 100 * p), st.sampled_from([0, 150, 250]), st.sampled_from([-1, 0, 77])
)
a_look = st.dictionaries(
    st.sampled_from(["VB1", "VB2", 'VF"3', "a\\b,{", "ü\n"]),
    st.tuples(st.integers(0, 1), st.sampled_from(["A", "", "B\\"]), st.integers(0, len(LOTS) - 1), prices),
    max_size=5,
)
a_tick = st.sampled_from(TICKS)


class Histories(RuleBasedStateMachine):
    """Looks that come, come late, again, otherwise, partial, void and back; and a server that crashed."""

    connect: Callable[[], Any]
    looked = 0

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.connection: Connection = self.open.enter_context(self.connect())
        for table in ("voided_listings", "voided_snapshots", "voids", "listing_changes", "listing_heads", "captures"):
            self.connection.execute(f"delete from market.{table}")
        self.event, self.sections, self.lots = set_up(self.connection)
        self.looks: dict[datetime, Look] = {}
        self.voided: dict[datetime, Look] = {}

    def teardown(self) -> None:
        self.check()
        self.open.close()

    @rule(tick=a_tick, look=a_look, status=st.sampled_from(["ok", "ok", "partial"]))
    def an_answer_is_read(self, tick: datetime, look: dict[str, Any], status: str) -> None:
        if tick in self.voided:
            return
        offers: dict[Offer, Prices] = {
            (listing, self.sections[section], row, self.lots[lot]): p
            for listing, (section, row, lot, p) in look.items()
        }
        put(self.connection, self.event, tick, offers, status)
        self.looks[tick] = Look(microseconds(tick), status == "partial", offers)
        type(self).looked += 1

    @rule(look=a_look, status=st.sampled_from(["ok", "ok", "ok", "partial"]))
    def the_next_answer_is_read(self, look: dict[str, Any], status: str) -> None:
        later = [tick for tick in TICKS if tick > max([*self.looks, *self.voided], default=START)]
        if later:
            self.an_answer_is_read(later[0], look, status)

    @rule(tick=a_tick)
    def an_answer_is_rejected_when_read_again(self, tick: datetime) -> None:
        if tick not in self.voided:
            with self.connection.transaction():
                listings.write(self.connection, tick, {self.event: None})
            self.looks.pop(tick, None)

    @rule(tick=a_tick)
    def a_capture_is_voided_or_comes_back(self, tick: datetime) -> None:
        if tick in self.voided:
            voids.undo(self.connection, self.event, tick)
            self.looks[tick] = self.voided.pop(tick)
        elif tick in self.looks:
            voids.void(self.connection, self.event, tick, reason="wrong", by="a test")
            self.voided[tick] = self.looks.pop(tick)

    @rule()
    def the_server_crashes(self) -> None:
        self.connection.execute("truncate market.listing_heads")

    @rule()
    def check(self) -> None:
        assert stored(self.connection, self.event) == made_anew(self.looks)
        for tick, look in self.looks.items():
            assert shown(self.connection, self.event, tick) == look.offers
        heads = self.connection.execute("select tick, offers_zstd from market.listing_heads").fetchall()
        if heads:
            [(tick, offers)] = heads
            assert tick == max(self.looks)
            newest = listing_chain.next_link(listings._unpacked(offers), self.looks[tick], image=False)[0]
            assert (newest.came, newest.went, newest.changed) == ([], [], [])


def test_whatever_comes_in_whatever_order_every_tick_is_reconstructed_exactly(warehouse: Warehouse) -> None:
    class Machine(Histories):
        pass

    Machine.connect = staticmethod(warehouse.connection)
    profile = settings(max_examples=40, stateful_step_count=40, deadline=None, database=None)
    run_state_machine_as_test(Machine, settings=settings(profile, suppress_health_check=list(HealthCheck)))
    assert Machine.looked > 200
