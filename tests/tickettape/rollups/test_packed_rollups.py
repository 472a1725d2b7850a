"""Rollups and their oracles over packed days, whatever happens to them in whatever order."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from tests.support.dbt_runs import run_dbt
from tests.support.oracle import assert_exact, differences
from tests.support.packed_history import DAY, NOON, packed, past_days, rows_of, tiers
from tests.support.profiles import LONG
from tests.support.recorded_refresh import Refresh
from tests.tickettape.rollups.test_property import KilledError, Rollups, a_tick, an_event
from tickettape.catalogue import lock_naming
from tickettape.database import Connection, Warehouse
from tickettape.observations import NothingToDo, undo_void, unpack_days, void_capture
from tickettape.observations.packed_days import pack_day
from tickettape.rollups import count_window, mark_hours_between

ROUND = settings(max_examples=100 if LONG else 4, stateful_step_count=60 if LONG else 20)


def test_rollups_rebuilt_from_packed_days_equal_those_of_rows(connection: Connection, refresh: Refresh) -> None:
    keys = past_days(connection)
    mark_hours_between(connection, NOON - timedelta(days=1), NOON + timedelta(days=3))
    refresh.run_until_clean(connection)
    assert_exact(connection)
    built = {name: rows_of_rollup(connection, name) for name in ("aggregated_analytics", "daily_analytics")}
    counted = count_window(connection, NOON - timedelta(days=1), NOON + timedelta(days=3))
    assert packed(connection, keys) > 0
    assert packed(connection, keys, DAY + timedelta(days=1)) > 0
    assert_exact(connection)
    assert tiers(connection)[0] == 0
    assert count_window(connection, NOON - timedelta(days=1), NOON + timedelta(days=3)) == counted
    for rollup in ("aggregated_analytics", "daily_analytics", "latest_prices"):
        connection.execute(f"delete from analytics.{rollup}")
    assert set(differences(connection).values()) != {0}  # the oracle sees packed days
    mark_hours_between(connection, NOON - timedelta(days=1), NOON + timedelta(days=3))
    refresh.run_until_clean(connection)
    assert_exact(connection)
    assert tiers(connection)[0] == 0  # nothing had to be unpacked for it
    assert {name: rows_of_rollup(connection, name) for name in built} == built


@pytest.mark.parametrize("rollup", ["aggregated_analytics", "latest_prices"])
def test_a_refresh_of_rows_finds_by_the_key_that_their_days_are_not_packed(
    connection: Connection, refresh: Refresh, rollup: str
) -> None:
    """A live tick must not pay for what is packed: for each event and day it touches a few pages, and unpacks none."""
    keys = past_days(connection, days=4)
    mark_hours_between(connection, NOON - timedelta(days=1), NOON + timedelta(days=5))
    refresh.run_until_clean(connection)
    for day in range(3):
        packed(connection, keys, DAY + timedelta(days=day))
    connection.execute("vacuum (analyze) market.packed_days")
    last = NOON + timedelta(days=3)
    mark_hours_between(connection, last, last + timedelta(hours=1))
    for earlier in refresh.statements:
        if earlier == rollup:
            break
        refresh.run(connection, earlier)
    scans: list[dict[str, Any]] = []
    with connection.transaction(force_rollback=True):
        for statement in refresh.statements[rollup]:
            if statement.startswith("create temporary table"):
                row = connection.execute(f"explain (analyze, buffers, format json) {statement}").fetchone()
                assert row
                scans += scans_of("packed_days", row[0][0]["Plan"])
                break
            connection.execute(statement)
    assert scans
    for scan in scans:
        assert scan["Actual Rows"] == 0
        assert scan["Shared Hit Blocks"] + scan["Shared Read Blocks"] <= 3 * len(keys)


def scans_of(table: str, plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes of a plan that read a table's partitions."""
    own = [plan] if plan.get("Relation Name", "").startswith(table) else []
    return own + [found for part in plan.get("Plans", ()) for found in scans_of(table, part)]


def rows_of_rollup(connection: Connection, name: str) -> list[str]:
    rows = connection.execute(f"select to_jsonb(r) - 'created_at' from analytics.{name} as r").fetchall()
    return sorted(str(row) for row in rows)


def test_control_a_packed_value_that_changes_without_a_mark_is_found(connection: Connection, refresh: Refresh) -> None:
    keys = past_days(connection)
    mark_hours_between(connection, NOON - timedelta(days=1), NOON + timedelta(days=3))
    refresh.run_until_clean(connection)
    packed(connection, keys)
    with connection.transaction():
        connection.execute("set local tickettape.moving_tiers = 'on'")
        connection.execute("update market.packed_days set total_tickets[1] = total_tickets[1] + 1")
    assert differences(connection)["aggregated_analytics"] > 0


def test_ticket_snapshots_are_the_same_packed_or_not_and_a_date_unpacks_its_days_alone(
    connection: Connection,
) -> None:
    keys = past_days(connection)
    run_dbt("run", "--select", "+ticket_snapshots")
    before = rows_of(connection, "analytics.ticket_snapshots")
    assert len(before) == tiers(connection)[0]
    packed(connection, keys)
    assert rows_of(connection, "analytics.ticket_snapshots") == before
    of_day = connection.execute(
        """select count(*) from analytics.ticket_snapshots where date = %s and timestamp = %s""", [DAY, NOON]
    ).fetchone()
    assert of_day == (2,)
    plan = "\n".join(
        line for (line,) in connection.execute(
            f"explain select * from analytics.ticket_snapshots where date = '{DAY}' and timestamp = '{NOON}'"
        )
    )  # fmt: skip
    assert "(date = " in plan


def test_a_section_that_moves_marks_packed_hours_and_those_in_which_it_went(
    connection: Connection, refresh: Refresh
) -> None:
    keys = past_days(connection)
    mark_hours_between(connection, NOON - timedelta(days=1), NOON + timedelta(days=3))
    refresh.run_until_clean(connection)
    packed(connection, keys)
    with connection.transaction():
        lock_naming(connection)
        connection.execute(
            """update market.sections set zone_key = (
                   select zone_key from market.zones where zones.event_key = sections.event_key and name = 'A')
               where external_id = '201' and event_key = %s""",
            [keys[0]],
        )
    refresh.run_until_clean(connection)
    assert_exact(connection)  # also where the section was seen to be gone twelve hours later
    zones = connection.execute(
        """select distinct zone from analytics.aggregated_analytics
           inner join market.events on events.id = event_id where event_key = %s and hour < %s""",
        [keys[0], NOON + timedelta(hours=12)],
    ).fetchall()
    assert zones == [("A",)]


class Tiers(Rollups):
    """And days that are packed and unpacked meanwhile."""

    packed_rows = 0
    packed_deltas = 0

    def __init__(self) -> None:
        with self.connect() as connection:
            for table in ("packed_days", "packed_listing_changes", "voided_snapshots", "voided_listings"):
                connection.execute(f"delete from market.{table}")
        super().__init__()

    def days(self) -> list[tuple[int, datetime]]:
        rows = self.one.execute(
            """select event_key, date_trunc('day', tick, 'UTC') from market.section_snapshots
               union select event_key, date_trunc('day', tick, 'UTC') from market.listing_changes order by 1, 2"""
        ).fetchall()
        return [(key, day) for key, day in rows]

    @rule()
    def every_day_is_packed(self) -> None:
        type(self).steps += 1
        self.settle()
        before = rows_of(self.one), rows_of(self.one, "market.all_listing_changes")
        for key, day in self.days():
            rows, deltas, skipped = pack_day(self.one, key, day.date())
            assert skipped in (None, "an answer is not read")
            type(self).packed_rows += rows
            type(self).packed_deltas += deltas
        assert (rows_of(self.one), rows_of(self.one, "market.all_listing_changes")) == before
        assert_exact(self.one)

    @rule(event=an_event, tick=a_tick)
    def a_day_is_packed_beside_whoever_writes(self, event: int, tick: datetime) -> None:
        type(self).steps += 1
        before = rows_of(self.one)
        with suppress(psycopg.errors.LockNotAvailable), self.one.transaction():
            self.one.execute("set local lock_timeout = '50ms'")  # a row that the open writer has changed
            self.one.execute("select market.pack_day(%s, %s)", [self.events[event], tick.date()])
        assert rows_of(self.one) == before

    @rule(event=an_event, tick=a_tick)
    def packing_is_killed(self, event: int, tick: datetime) -> None:
        type(self).steps += 1
        before = tiers(self.one), rows_of(self.one)
        with suppress(KilledError, psycopg.errors.LockNotAvailable), self.one.transaction():
            self.one.execute("set local lock_timeout = '50ms'")
            self.one.execute("select market.pack_day(%s, %s)", [self.events[event], tick.date()])
            raise KilledError
        assert (tiers(self.one), rows_of(self.one)) == before

    @rule(event=an_event, tick=a_tick)
    def a_day_is_unpacked(self, event: int, tick: datetime) -> None:
        type(self).steps += 1
        unpack_days(self.writer, [self.events[event]], [tick])

    @rule(event=an_event, tick=a_tick, price=st.integers(1, 400))
    def a_correction_of_a_past_day(self, event: int, tick: datetime, price: int) -> None:
        unpack_days(self.writer, [self.events[event]], [tick])
        self.a_correction(event, tick, 25 * price)

    @rule(event=an_event, tick=a_tick, undo=st.booleans())
    def a_capture_is_voided_or_counts_again(self, event: int, tick: datetime, undo: bool) -> None:
        type(self).steps += 1
        # rows were moved to other ticks meanwhile: what cannot come back beside them stays void
        with suppress(NothingToDo, psycopg.errors.UniqueViolation), self.writer.transaction():
            if undo:
                undo_void(self.writer, self.events[event], tick)
            else:
                void_capture(self.writer, self.events[event], tick, reason="wrong", by="a test")


def run_tiers(warehouse: Warehouse, refresh: Refresh, *phases: Phase) -> type[Tiers]:
    class Machine(Tiers):
        pass

    Machine.connect, Machine.refresh = staticmethod(warehouse.connection), refresh
    profile = settings(
        ROUND,
        phases=[Phase.generate, *phases],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    run_state_machine_as_test(Machine, settings=profile)
    return Machine


@pytest.mark.long
def test_whatever_happens_rollups_are_exact_and_packing_changes_nothing(
    warehouse: Warehouse, connection: Connection, refresh: Refresh
) -> None:
    machine = run_tiers(warehouse, refresh, Phase.shrink)
    assert machine.quiet_points >= ROUND.max_examples
    if LONG:
        assert machine.packed_rows > 1000
        assert machine.packed_deltas > 1000


@pytest.mark.long
def test_control_packing_that_drops_one_row_is_found(
    warehouse: Warehouse, connection: Connection, refresh: Refresh
) -> None:
    source = connection.execute("select pg_get_functiondef('market.pack_snapshots_of'::regproc)").fetchone()
    assert source
    # without its own comparison, and one row short
    faulty = (
        source[0]
        .replace("if stored is distinct from found then", "if false then")
        .replace("if deleted != packed then", "if false then")
        .replace("order by section_key, tick\n", "order by section_key, tick offset 1\n")
    )
    assert faulty.count("if false then") == 2
    assert "offset 1" in faulty
    connection.execute(faulty)
    with pytest.raises(AssertionError):
        run_tiers(warehouse, refresh)
