"""Whatever writers, refreshers and kills do in whatever order, at a quiet point every rollup is exact.

`make test-long` runs it for an hour.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.support.dbt_observations import limit_claims, marks_of
from tests.support.markets import Section, add_event, observe, observe_ranges, price_range
from tests.support.oracle import assert_exact
from tests.support.profiles import LONG
from tests.support.recorded_refresh import Refresh
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.observations import NothingToDo, undo_price_range_void, void_price_range
from tickettape.rollups import ROLLUP_NAMES, mark_hours_between

EVENTS = 2
START = datetime(2026, 10, 31, 22, tzinfo=UTC)  # two hours before a day's and a month's edge
TICKS = [START + timedelta(minutes=20 * number) for number in range(12)]
TICKS.append(TICKS[1] + timedelta(microseconds=1))  # within a second of another
LATE = [START - timedelta(days=3) + timedelta(minutes=30 * number) for number in range(4)]
SECTIONS = [("A", "101"), ("A", "102"), ("B", "201"), ("C", "301")]
STATUSES = ["ok", "empty", "partial", "received", "missed", "failed"]
AN_HOUR = timedelta(hours=1)  # of rounds, in `make test-long`

ROUND = settings(max_examples=100 if LONG else 20, stateful_step_count=100 if LONG else 30)

a_tick = st.sampled_from(TICKS + LATE)
an_event = st.integers(0, EVENTS - 1)
prices = st.lists(st.integers(1, 400).map(lambda price: 25 * price), min_size=1, max_size=3)
# what a price range states: each figure or none of them, in order; the average at least, so that it states something
ranges = st.fixed_dictionaries(
    {
        "lowest_price_cents": st.none() | st.integers(1, 1000),
        "average_price_cents": st.integers(1000, 1003),
        "highest_price_cents": st.none() | st.integers(1003, 2000),
        "listings": st.none() | st.integers(0, 9),
        "tickets": st.none() | st.integers(0, 9),
        "market": st.sampled_from(["resale", "primary"]),
        "price_basis": st.sampled_from(["before_fees", "all_in", "unknown"]),
    }
)
sections = st.dictionaries(st.sampled_from(SECTIONS), prices, max_size=len(SECTIONS))


class KilledError(Exception):
    """A refresh's process died."""


class Rollups(RuleBasedStateMachine):
    """Writers, refreshers and what befalls them, on one database."""

    connect: Callable[[], Any]
    refresh: Refresh
    steps = 0
    quiet_points = 0

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.one: Connection = self.open.enter_context(self.connect())
        self.other: Connection = self.open.enter_context(self.connect())
        self.writer: Connection = self.open.enter_context(self.connect())
        self.unfinished = ExitStack()
        self.writing = False
        for table in (
            *("section_snapshots", "captures", "listing_changes", "listing_latest_states", "price_ranges"),
            # claims too: a faulty refresh leaves some, and one example must not be the cause of another's failure
            *("voided_price_ranges", "voids", "dirty_buckets", "claimed_buckets"),
        ):
            self.one.execute(f"delete from market.{table}")
        for rollup in ROLLUP_NAMES:
            self.one.execute(f"delete from analytics.{rollup}")
        # now: made by a writer that stays open, a partition would hold everyone off
        ensure_partitions(self.one, TICKS + LATE)
        self.events = [add_event(self.one, str(number)) for number in range(EVENTS)]
        # something to change from the first step on: on an empty market most corrections met no row
        for event in self.events:
            for tick in TICKS[::3] + LATE[::3]:
                observe(self.one, event, tick, *(Section(*names) for names in SECTIONS))
                observe_ranges(self.one, price_range(event, tick), price_range(event, tick + timedelta(minutes=7)))

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.unfinished.close()
            self.open.close()

    # Writers: each in a transaction of its own, or in one that stays open

    def write(self, statement: str, *parameters: Any) -> None:
        type(self).steps += 1
        self.writer.execute(statement, parameters)

    @rule(event=an_event, tick=a_tick, seen=sections)
    def a_tick_or_a_late_row_or_an_answer_again(self, event: int, tick: datetime, seen: dict[Any, list[int]]) -> None:
        type(self).steps += 1
        observe(
            self.writer,
            self.events[event],
            tick,
            *(Section(zone, section, prices) for (zone, section), prices in seen.items()),
        )

    @rule(event=an_event, tick=a_tick, status=st.sampled_from(STATUSES))
    def a_status_changes(self, event: int, tick: datetime, status: str) -> None:
        self.write(
            "update market.captures set status = %s where event_key = %s and tick = %s",
            status, self.events[event], tick,
        )  # fmt: skip

    @rule(event=an_event, tick=a_tick, price=st.integers(1, 10_000))
    def a_correction(self, event: int, tick: datetime, price: int) -> None:
        self.write(
            """update market.section_snapshots set lowest_price_cents = least(%s, highest_price_cents)
               where event_key = %s and tick = %s""",
            price, self.events[event], tick,
        )  # fmt: skip

    @rule(event=an_event, tick=a_tick, to=a_tick, captures_too=st.booleans())
    def rows_move(self, event: int, tick: datetime, to: datetime, captures_too: bool) -> None:
        for table in ["captures", "section_snapshots"] if captures_too else ["section_snapshots"]:
            self.write(
                f"""update market.{table} set tick = %s where event_key = %s and tick = %s
                    and not exists (select from market.{table} where event_key = %s and tick = %s)""",
                to, self.events[event], tick, self.events[event], to,
            )  # fmt: skip

    @rule(event=an_event, tick=a_tick, section=st.sampled_from(SECTIONS))
    def a_row_goes(self, event: int, tick: datetime, section: tuple[str, str]) -> None:
        self.write(
            """delete from market.section_snapshots where event_key = %s and tick = %s and section_key in (
                   select section_key from market.sections where external_id = %s)""",
            self.events[event], tick, section[1],
        )  # fmt: skip

    @rule(event=an_event, zone=st.sampled_from("ABC"))
    def a_zone_goes(self, event: int, zone: str) -> None:
        self.write(
            """delete from market.section_snapshots where event_key = %s and section_key in (
                   select section_key from market.sections inner join market.zones using (event_key, zone_key)
                   where zones.name = %s)""",
            self.events[event], zone,
        )  # fmt: skip

    @rule(event=an_event, tick=a_tick, whole_day=st.booleans())
    def a_bucket_goes(self, event: int, tick: datetime, whole_day: bool) -> None:
        bucket = "day" if whole_day else "hour"
        for table in ("section_snapshots", "captures"):
            self.write(
                f"""delete from market.{table} where event_key = %s
                    and date_trunc('{bucket}', tick, 'UTC') = date_trunc('{bucket}', %s, 'UTC')""",
                self.events[event], tick,
            )  # fmt: skip

    @rule(event=an_event, tick=a_tick, late_by=st.sampled_from([0, 7]), stated=ranges)
    def a_price_range_comes_or_is_replaced(
        self, event: int, tick: datetime, late_by: int, stated: dict[str, Any]
    ) -> None:
        type(self).steps += 1
        observe_ranges(self.writer, price_range(self.events[event], tick + timedelta(minutes=late_by), **stated))

    @rule(event=an_event, tick=a_tick, whole_hour=st.booleans())
    def price_ranges_go(self, event: int, tick: datetime, whole_hour: bool) -> None:
        self.write(
            "delete from market.price_ranges where event_key = %s and (tick = %s or %s and tick between %s and %s)",
            self.events[event], tick, whole_hour, tick, tick + timedelta(hours=1),
        )  # fmt: skip

    @rule(event=an_event, tick=a_tick, to=a_tick)
    def a_price_range_moves(self, event: int, tick: datetime, to: datetime) -> None:
        self.write(
            """update market.price_ranges set tick = %s where event_key = %s and tick = %s
               and not exists (select from market.price_ranges where event_key = %s and tick = %s)""",
            to, self.events[event], tick, self.events[event], to,
        )  # fmt: skip

    @rule(event=an_event, tick=st.sampled_from(TICKS[::3]), undo=st.booleans())
    def a_price_range_is_voided_or_counts_again(self, event: int, tick: datetime, undo: bool) -> None:
        type(self).steps += 1
        # what was moved or deleted meanwhile is not there to be voided, and what stands again cannot come back
        with suppress(NothingToDo, psycopg.errors.UniqueViolation), self.writer.transaction():
            if undo:
                undo_price_range_void(self.writer, self.events[event], tick)
            else:
                void_price_range(self.writer, self.events[event], tick, reason="wrong", by="a test")

    @rule(tick=a_tick)
    def an_hour_is_rebuilt(self, tick: datetime) -> None:
        type(self).steps += 1
        hour = tick.replace(minute=0, second=0, microsecond=0)
        mark_hours_between(self.writer, hour, hour + timedelta(hours=1))

    @precondition(lambda self: not self.writing)
    @rule()
    def a_writer_begins(self) -> None:
        self.unfinished.enter_context(self.writer.transaction())
        self.writing = True

    @precondition(lambda self: self.writing)
    @rule()
    def the_writer_commits(self) -> None:
        self.unfinished.close()
        self.writing = False

    @precondition(lambda self: self.writing)
    @rule()
    def the_writer_dies(self) -> None:
        self.writing = False
        with pytest.raises(psycopg.errors.DivisionByZero), self.unfinished:
            self.writer.execute("select 1 / 0")

    # Refreshers

    @rule(limit=st.integers(1, 3), rollups=st.lists(st.sampled_from(ROLLUP_NAMES), max_size=7))
    def a_partial_refresh(self, limit: int, rollups: list[str]) -> None:
        """Any rollups in any order: two runs beside each other, or one that failed half way, come to that."""
        type(self).steps += 1
        limit_claims(self.one, limit)
        for rollup in rollups:
            self.refresh.run(self.one, rollup)

    @rule(rollup=st.sampled_from(ROLLUP_NAMES), number=st.integers(0, 11))
    def a_refresh_is_killed(self, rollup: str, number: int) -> None:
        type(self).steps += 1
        waiting = marks_of(self.one)
        passed: list[str] = []

        def die(statement: str) -> None:
            passed.append(statement)
            if len(passed) > number or statement == "commit":
                raise KilledError

        with pytest.raises(KilledError):
            self.refresh.run(self.one, rollup, between=die)
        assert marks_of(self.one) == waiting

    @rule(
        pair=st.lists(st.sampled_from(ROLLUP_NAMES), min_size=2, max_size=2, unique=True),
        turns=st.lists(st.booleans(), max_size=24),
        write_at=st.integers(0, 24),
        event=an_event,
        tick=a_tick,
    )
    def two_refreshers_take_turns(
        self, pair: list[str], turns: list[bool], write_at: int, event: int, tick: datetime
    ) -> None:
        """Two rollups, statement by statement, with a writer between two of them."""
        type(self).steps += 1
        with self.one.transaction(), self.other.transaction():
            refreshers = [_steps(self.refresh, one, r) for one, r in zip((self.one, self.other), pair, strict=True)]
            for number, turn in enumerate([*turns, *[False] * 12, *[True] * 12]):
                if number == write_at:
                    self.a_correction_of(event, tick)
                next(refreshers[turn], None)

    @rule(
        number=st.integers(3, 8),  # from the claim to the insert
        rollup=st.one_of(
            st.just("event_hours"), st.sampled_from(ROLLUP_NAMES)
        ),  # what a writer's marks are for, mostly
        event=an_event,
        first=a_tick,
        then=a_tick,
    )
    def something_changes_while_a_rollup_is_refreshed(
        self, number: int, rollup: str, event: int, first: datetime, then: datetime
    ) -> None:
        if self.writing:
            self.the_writer_commits()
        self.a_correction_of(event, first)
        passed: list[str] = []

        def write(statement: str) -> None:
            if len(passed) == number:
                self.a_correction_of(event, then)
            passed.append(statement)

        self.refresh.run(self.one, rollup, between=write)

    def a_correction_of(self, event: int, tick: datetime) -> None:
        self.write(
            "update market.section_snapshots set price_sum_cents = price_sum_cents + 1 where event_key = %s"
            " and tick = %s",
            self.events[event], tick,
        )  # fmt: skip
        self.write(
            "update market.price_ranges set listings = coalesce(listings, 0) + 1 where event_key = %s and tick = %s",
            self.events[event], tick,
        )  # fmt: skip

    # The promise

    @rule()
    def a_quiet_point(self) -> None:
        self.settle()

    def settle(self) -> None:
        if self.writing:
            self.the_writer_commits()
        limit_claims(self.one, 5000)
        self.refresh.run_until_clean(self.one)
        type(self).quiet_points += 1
        assert_exact(self.one)


def _steps(refresh: Refresh, connection: Connection, rollup: str) -> Iterator[None]:
    """One refresh, a statement at a time, in the caller's transaction."""
    for statement in refresh.statements[rollup]:
        # `analyze` holds its lock to the end: two refreshers wait for each other's there, and here nobody could go on
        if not statement.startswith("analyze"):
            connection.execute(statement)
        yield


@pytest.mark.long
def test_whatever_happens_every_rollup_is_exact_at_a_quiet_point(
    warehouse: Warehouse, connection: Connection, refresh: Refresh
) -> None:
    class Machine(Rollups):
        pass

    Machine.connect, Machine.refresh = staticmethod(warehouse.connection), refresh
    profile = settings(
        ROUND,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    until = datetime.now(UTC) + (AN_HOUR if LONG else timedelta())
    while True:
        run_state_machine_as_test(Machine, settings=profile)
        if LONG:
            print(f"{Machine.steps} steps, {Machine.quiet_points} quiet points, all exact", flush=True)  # noqa: T201
        if datetime.now(UTC) >= until:
            break
    assert Machine.quiet_points > ROUND.max_examples


def _leaving_out(step: str) -> Callable[[str, str], list[str]]:
    return lambda rollup, sent: [] if sent.startswith(step) else [sent]


def _facts_first(rollup: str, sent: str) -> list[str]:
    """Take the marks only after the facts were read."""
    if sent.startswith("with wanted"):
        return [
            "insert into market.claimed_buckets (rollup, event_key, bucket) select distinct rollup, event_key, bucket"
            f" from market.dirty_buckets where rollup = '{rollup}'"
        ]
    take = f"delete from market.dirty_buckets where rollup = '{rollup}'"
    return [sent, take] if sent.startswith("create temporary") else [sent]


def _stale_ranges(rollup: str, sent: str) -> list[str]:
    return [] if rollup == "range_hours" and sent.startswith('delete from "analytics"') else [sent]


@pytest.mark.parametrize(
    "fault",
    [
        _leaving_out('delete from "analytics"'),
        _leaving_out("insert into market.dirty_buckets"),
        _facts_first,
        _stale_ranges,
    ],
    ids=["stale_rows_stay", "marks_are_not_passed_on", "facts_before_marks", "stale_hours_of_price_ranges_stay"],
)
def test_control_a_faulty_refresh_is_found(
    warehouse: Warehouse, connection: Connection, refresh: Refresh, fault: Callable[[str, str], list[str]]
) -> None:
    class Machine(Rollups):
        pass

    broken = Refresh(
        {
            rollup: tuple(part for statement in statements for part in fault(rollup, statement))
            for rollup, statements in refresh.statements.items()
        }
    )
    assert broken != refresh
    Machine.connect, Machine.refresh = staticmethod(warehouse.connection), broken
    # It ends at the first example that finds the fault: some 40 are needed. Which come depends on what else the process
    # has imported, even if derandomized, so many are allowed: that a fault is found must not be luck.
    quick = settings(max_examples=500, stateful_step_count=30, derandomize=True, phases=[Phase.generate])
    with pytest.raises((AssertionError, psycopg.errors.UniqueViolation)):
        run_state_machine_as_test(Machine, settings=settings(quick, suppress_health_check=list(HealthCheck)))
