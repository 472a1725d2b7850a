"""The listing history: whatever comes, in whatever order, every read answer's listings are there exactly."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import dagster as dg
import psycopg
import pytest
import zstandard
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from orchestration.checks import listing_history
from tests.support.listing_chains import LOTS, START, TICKS, capture, offer, put, set_up, shelf, stored
from tests.support.markets import TEN, watching
from tests.support.profiles import LONG
from tickettape.archive.month_archive import close_month
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.listing_history import (
    LateObservations,
    Offer,
    Prices,
    listings_shown_at,
    lock_listing_history,
    microseconds,
    write_observation,
)
from tickettape.listing_history import history as listings
from tickettape.listing_history.deltas import Delta, Observation, Standing, next_delta
from tickettape.listing_history.history import ListingHistoryWriter
from tickettape.listing_history.latest_state import LatestState
from tickettape.listing_history.rows import instant
from tickettape.listing_history.stored_deltas import deltas_from
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import capture_tick, floor_to_grid, read_tick, undo_void, void_capture
from tickettape.observations.captures import lock_answers
from tickettape.observations.packed_days import pack_day


def made_anew(observations: dict[datetime, Observation]) -> list[Delta]:
    """The chain of all observations, one after the other, from the first."""
    deltas: list[Delta] = []
    stand: dict[Offer, Standing] | None = None
    for tick in sorted(observations):
        keyframe = not deltas or instant(deltas[-1].tick).date() != tick.date()
        delta, stand = next_delta(stand, observations[tick], keyframe=keyframe)
        deltas.append(delta)
    return deltas


def shown(connection: Connection, event: int, tick: datetime) -> dict[Offer, Prices]:
    """What the database's own function says was for sale."""
    rows = connection.execute(
        """select listing_id, section_key, seat_row, offer_terms_key, price_cents, coalesce(all_in_price_cents, 0),
               coalesce(deal_score * 10, -1)::integer
           from market.listings_of(%s, %s) inner join market.offer_terms using (quantity, buyable)""",
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
PROFILE = settings(max_examples=1_000 if LONG else 25, stateful_step_count=30, suppress_health_check=list(HealthCheck))


class Histories(RuleBasedStateMachine):
    """Looks that come, come late, again, otherwise, partial, void and back; and a server that crashed."""

    connect: Callable[[], Any]
    observed = 0
    packed = 0

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.connection: Connection = self.open.enter_context(self.connect())
        for table in (
            "voided_listings",
            "voided_snapshots",
            "voids",
            "listing_changes",
            "packed_listing_changes",
            "listing_latest_states",
            "captures",
        ):
            self.connection.execute(f"delete from market.{table}")
        self.connection.execute("delete from market.listing_latest_states")
        self.event, self.sections, self.offer_terms = set_up(self.connection)
        self.observations: dict[datetime, Observation] = {}
        self.voided: dict[datetime, Observation] = {}

    def teardown(self) -> None:
        self.check()
        self.open.close()

    def offers(self, observation: dict[str, Any] | None) -> dict[Offer, Prices] | None:
        if observation is None:
            return None
        return {
            (listing, self.sections[section], row, self.offer_terms[terms]): p
            for listing, (section, row, terms, p) in observation.items()
        }

    @rule(tick=a_tick, observation=a_look, status=st.sampled_from(["ok", "ok", "partial"]))
    def an_answer_is_read(self, tick: datetime, observation: dict[str, Any], status: str) -> None:
        if tick in self.voided:
            return
        offers = self.offers(observation) or {}
        put(self.connection, self.event, tick, offers, status)
        self.observations[tick] = Observation(microseconds(tick), status == "partial", offers)
        type(self).observed += 1

    @rule(observations=st.dictionaries(a_tick, st.none() | a_look, min_size=2, max_size=6))
    def some_answers_are_read_together(self, observations: dict[datetime, dict[str, Any] | None]) -> None:
        of_month = {tick: observed for tick, observed in observations.items() if tick.month == min(observations).month}
        with self.connection.transaction():
            late = LateObservations(self.connection)
            for tick in sorted(of_month.keys() - self.voided.keys()):
                offers = self.offers(of_month[tick])
                observation = None if offers is None else Observation(microseconds(tick), False, offers)
                writer = ListingHistoryWriter(self.connection, tick, [self.event], late)
                writer.take(self.event, observation)
                writer.write()
                self.observations.pop(tick, None)
                if observation is not None:
                    capture(self.connection, self.event, tick, "ok")
                    self.observations[tick] = observation
            late.write()

    @rule(observation=a_look, status=st.sampled_from(["ok", "ok", "ok", "partial"]))
    def the_next_answer_is_read(self, observation: dict[str, Any], status: str) -> None:
        later = [tick for tick in TICKS if tick > max([*self.observations, *self.voided], default=START)]
        if later:
            self.an_answer_is_read(later[0], observation, status)

    @rule(tick=a_tick)
    def an_answer_is_rejected_when_read_again(self, tick: datetime) -> None:
        if tick not in self.voided:
            with self.connection.transaction():
                write_observation(self.connection, tick, self.event, None)
            self.observations.pop(tick, None)

    @rule(tick=a_tick)
    def a_capture_is_voided_or_comes_back(self, tick: datetime) -> None:
        if tick in self.voided:
            undo_void(self.connection, self.event, tick)
            self.observations[tick] = self.voided.pop(tick)
        elif tick in self.observations:
            void_capture(self.connection, self.event, tick, reason="wrong", by="a test")
            self.voided[tick] = self.observations.pop(tick)

    @rule(days=st.lists(st.sampled_from(sorted({tick.date() for tick in TICKS})), min_size=1, unique=True))
    def days_are_packed(self, days: list[date]) -> None:
        self.connection.execute("delete from market.dirty_buckets")
        before = stored(self.connection, self.event)
        for day in days:
            _, deltas, _ = pack_day(self.connection, self.event, day)
            type(self).packed += deltas
        assert stored(self.connection, self.event) == before

    @rule()
    def the_server_crashes(self) -> None:
        self.connection.execute("truncate market.listing_latest_states")

    @rule()
    def check(self) -> None:
        assert stored(self.connection, self.event) == made_anew(self.observations)
        for tick, observation in self.observations.items():
            assert shown(self.connection, self.event, tick) == observation.offers
        states = self.connection.execute("select tick, offers from market.listing_latest_states").fetchall()
        if states:
            [(tick, packed)] = states
            assert tick == max(self.observations)
            stand = LatestState.unpacked(tick, packed).stand()
            newest = next_delta(stand, self.observations[tick], keyframe=False)[0]
            assert (newest.came, newest.went, newest.changed) == ([], [], [])


@pytest.mark.long
def test_whatever_comes_in_whatever_order_every_tick_is_reconstructed_exactly(warehouse: Warehouse) -> None:
    class Machine(Histories):
        pass

    Machine.connect = staticmethod(warehouse.connection)
    run_state_machine_as_test(Machine, settings=PROFILE)
    assert Machine.observed > 100
    assert Machine.packed > 100


def test_control_a_late_look_that_leaves_the_links_after_it_alone_is_found(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Machine(Histories):
        pass

    every_link = deltas_from

    def only_its_own(connection: Connection, event: int, first: datetime) -> Iterator[Delta]:
        return (delta for delta in every_link(connection, event, first) if instant(delta.tick) == first)

    monkeypatch.setattr(listings, "deltas_from", only_its_own)
    Machine.connect = staticmethod(warehouse.connection)
    quick = settings(PROFILE, max_examples=25, phases=[Phase.generate])
    with pytest.raises((AssertionError, KeyError)):
        run_state_machine_as_test(Machine, settings=quick)


def test_a_listings_states_have_the_ticks_they_held_from_and_until(connection: Connection) -> None:
    event, sections, offer_terms = set_up(connection)
    observations = [
        [offer("VB1", 100, terms=2)],
        [offer("VB1", 100, terms=2)],
        [offer("VB1", 90, terms=2)],
        [offer("VB1", 90, terms=1)],
        [offer("VB2")],
        [offer("VB1", 80, row="C")],
    ]
    for tick, offers in zip(TICKS, observations, strict=False):
        put(connection, event, tick, shelf(sections, offer_terms, *offers))
    states = connection.execute(
        """select from_tick, until_tick, seat_row, quantity, price::text
           from market.events, market.listing_history(id, 'VB1') order by 1"""
    ).fetchall()
    assert states == [
        (TICKS[0], TICKS[2], "A", 4, "1.00"),
        (TICKS[2], TICKS[3], "A", 4, "0.90"),
        (TICKS[3], TICKS[4], "A", 2, "0.90"),
        (TICKS[5], None, "C", 2, "0.80"),
    ]


def test_what_was_not_read_has_no_listings_rather_than_none(connection: Connection) -> None:
    event, sections, offer_terms = set_up(connection)
    put(connection, event, TICKS[0], shelf(sections, offer_terms, offer("VB1")))
    connection.execute(
        "insert into market.captures (event_key, tick, status) values (%s, %s, 'failed')", [event, TICKS[1]]
    )
    (event_id,) = connection.execute("select id from market.events").fetchone() or (None,)
    asked = "select listing_id from market.listings_at(%s, %s)"
    assert connection.execute(asked, [event_id, TICKS[0]]).fetchall() == [("VB1",)]
    with pytest.raises(psycopg.errors.RaiseException, match="its capture is failed"):
        connection.execute(asked, [event_id, TICKS[1]])
    with pytest.raises(psycopg.errors.RaiseException, match="not captured then"):
        connection.execute(asked, [event_id, TICKS[2]])
    with pytest.raises(psycopg.errors.RaiseException, match="no event"):
        connection.execute(asked, [UUID(int=7), TICKS[0]])


def test_a_late_look_before_a_closed_month_leaves_that_month_as_it_is(connection: Connection) -> None:
    event, sections, offer_terms = set_up(connection)
    september = datetime(2026, 9, 30, 23, 40, tzinfo=UTC)
    ensure_partitions(connection, [september])
    october = TICKS[0]
    put(connection, event, september, shelf(sections, offer_terms, offer("VB1")))
    put(connection, event, october, shelf(sections, offer_terms, offer("VB1"), offer("VB2")))
    close_month(connection, october.date().replace(day=1))
    before = stored(connection, event)[-1]
    put(connection, event, september + TEN, shelf(sections, offer_terms, offer("VB3")))
    assert stored(connection, event)[-1] == before
    assert [name for name, *_ in shown(connection, event, september + TEN)] == ["VB3"]
    assert len(shown(connection, event, october)) == 2


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.race
def test_two_looks_at_one_event_at_once_take_turns(
    connection: Connection, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """The second waits with its lock until the first has committed; without the lock (control) it compares itself
    with a latest state that is about to be another."""
    event, sections, offer_terms = set_up(connection)
    put(connection, event, TICKS[0], shelf(sections, offer_terms, offer("VB1")))
    if not guarded:
        monkeypatch.setattr(sys.modules[__name__], "lock_listing_history", lambda *_: None)
    observations = {
        TICKS[0]: Observation(microseconds(TICKS[0]), False, shelf(sections, offer_terms, offer("VB1"))),
        TICKS[1]: Observation(microseconds(TICKS[1]), False, shelf(sections, offer_terms, offer("VB1"), offer("VB2"))),
        TICKS[2]: Observation(microseconds(TICKS[2]), False, shelf(sections, offer_terms, offer("VB2", 70))),
    }
    with warehouse.connection() as other, ThreadPoolExecutor(1) as pool:
        with connection.transaction():
            connection.execute(
                "insert into market.captures (event_key, tick, status) values (%s, %s, 'ok')", [event, TICKS[1]]
            )
            lock_listing_history(connection, TICKS[1])
            write_observation(connection, TICKS[1], event, observations[TICKS[1]])
            second = pool.submit(put, other, event, TICKS[2], dict(observations[TICKS[2]].offers))
            with suppress(TimeoutError):
                second.result(timeout=1)  # time enough to read the latest state, if nothing holds it off
        second.result(timeout=60)
    assert (stored(connection, event) == made_anew(observations)) is guarded


@pytest.mark.parametrize(
    ("in_time", "late"),
    [({0: "A", 11: "A"}, {9: "A", 10: "A"}), ({1: "AB", 11: "A", 12: "A"}, {0: "A", 1: None, 9: "AB", 10: "A"})],
    ids=["the keyframe after them shows the same and is none any more", "one is taken out, listings come and go"],
)
def test_late_answers_that_are_read_together_leave_the_chain_that_would_have_been(
    connection: Connection, in_time: dict[int, str], late: dict[int, str | None]
) -> None:
    event, sections, offer_terms = set_up(connection)

    def observed(tick: datetime, listings: str) -> Observation:
        return Observation(microseconds(tick), False, shelf(sections, offer_terms, *map(offer, listings)))

    for number, shows in in_time.items():
        put(connection, event, TICKS[number], dict(observed(TICKS[number], shows).offers))
    with connection.transaction():
        together = LateObservations(connection)
        for number, late_listings in late.items():
            tick = TICKS[number]
            together.take(event, tick, None if late_listings is None else observed(tick, late_listings))
        together.write()
    left = {TICKS[number]: shows for number, shows in (in_time | late).items() if shows is not None}
    assert stored(connection, event) == made_anew({tick: observed(tick, shows) for tick, shows in left.items()})


FIRST = floor_to_grid(TEN, datetime.now(UTC)) - 2 * TEN


def test_stored_answers_are_given_back_listing_by_listing_and_the_check_sees_a_difference(
    connection: Connection, warehouse: Warehouse
) -> None:
    """Whole answers, one that was cut, and all of them read again."""
    market = SimulatedMarketplace(seed=7, events=3, change_share=0.3, clock=lambda: FIRST)
    upsert_events(
        connection, market.source, map(asdict, asyncio.run(discover_events(market, "search", "simulated")).events)
    )
    ticks = [FIRST, FIRST + TEN, FIRST + 2 * TEN]
    ensure_partitions(connection, ticks)
    for tick in ticks:
        capture_tick(connection, market, tick, None, "a test")
        if tick == ticks[1]:
            cut_an_answer(connection, tick)
        read_tick(connection, market, tick, 0.05, "a test", only_received=True)
    statuses = connection.execute("select status, count(*) from market.captures group by 1 order by 1").fetchall()
    assert statuses == [("ok", 8), ("partial", 1)]
    for again in (False, True):
        if again:
            read_tick(connection, market, ticks[1], 0.05, "a test", only_received=False)
        stored_answers = [
            (one, tick) for tick in ticks for one in lock_answers(connection, market.source, tick, only_received=False)
        ]
        assert len(stored_answers) == 9
        for one, tick in stored_answers:
            event, inventory = one.event_key, market.read_listings(one.answer, one.external_id, 0.05)
            assert listings_shown_at(connection, event, tick) == {
                (one.listing_id, one.section_id, one.row, one.quantity, one.buyable, one.price_cents,
                 one.all_in_price_cents) for one in inventory.listings
            }  # fmt: skip

    def check() -> dg.AssetCheckResult:
        result = listing_history(warehouse=warehouse, marketplaces=watching(market))
        assert isinstance(result, dg.AssetCheckResult)
        return result

    assert check().passed
    compared = check().metadata["listings compared"].value
    assert isinstance(compared, int)
    assert compared > 100
    connection.execute("update market.listing_changes set prices_cents[1] = prices_cents[1] + 1 where kept is not null")
    assert not check().passed


def cut_an_answer(connection: Connection, tick: datetime) -> None:
    """Leave half of the listings out of one of a tick's answers, as a marketplace might."""
    cut, *_ = lock_answers(connection, "simulator", tick, only_received=False)
    whole = json.loads(cut.answer)
    whole["tickets"] = whole["tickets"][::2]
    connection.execute(
        "update market.capture_payloads set answer_zstd = %s, base_tick = null where event_key = %s and tick = %s",
        [zstandard.compress(json.dumps(whole).encode()), cut.event_key, tick],
    )
