"""Controls: with a guard taken out, the same events lose data. They expect the loss."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support.markets import NOON, TEN, Section, add_event, observe
from tests.support.oracle import assert_exact, differences
from tests.support.recorded_refresh import Refresh
from tickettape.database import Connection


@pytest.fixture
def event(connection: Connection) -> int:
    return add_event(connection)


def with_event_hours(refresh: Refresh, changed: Callable[[str], list[str]]) -> Refresh:
    """The refresh with other statements for event_hours."""
    statements = [new for statement in refresh.statements["event_hours"] for new in changed(statement)]
    assert tuple(statements) != refresh.statements["event_hours"]
    return Refresh(refresh.statements | {"event_hours": tuple(statements)})


@pytest.mark.parametrize("guarded", [True, False], ids=["append_only_log", "unique_key_on_the_log"])
def test_control_r8_a_unique_key_on_the_log_loses_the_mark_of_a_writer_open_across_a_refresh(
    connection: Connection, second: Connection, refresh: Refresh, event: int, guarded: bool
) -> None:
    if not guarded:
        connection.execute(
            "create unique index on market.dirty_buckets (event_key, bucket) where rollup = 'event_hours'"
        )
        connection.execute(
            """create or replace function market.mark_hours() returns trigger language plpgsql as $$
               begin
                   insert into market.dirty_buckets (rollup, event_key, bucket)
                   select distinct 'event_hours', event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z')
                   from changed
                   on conflict do nothing;
                   return null;
               end $$"""
        )
    observe(connection, event, NOON, Section("A", "101"))
    with second.transaction():
        observe(second, event, NOON + TEN, Section("A", "101", [100]))  # its hour is marked already
        refresh.run(connection, "event_hours")
    refresh.run_until_clean(connection)
    if guarded:
        assert_exact(connection)
    else:
        assert differences(connection)["event_hours"] > 0


@pytest.mark.parametrize("guarded", [True, False], ids=["marks", "look_back_window"])
def test_control_r1_a_look_back_window_leaves_a_late_row_out(
    connection: Connection, refresh: Refresh, event: int, guarded: bool
) -> None:
    window = """with taken as (delete from market.dirty_buckets where rollup = 'event_hours')
        insert into market.claimed_buckets (rollup, event_key, bucket)
        select distinct 'event_hours', event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z')
        from market.captures
        where tick >= (select max(tick) from market.captures) - interval '3 hours'"""
    used = (
        refresh
        if guarded
        else with_event_hours(refresh, lambda sent: [window if sent.startswith("with wanted") else sent])
    )
    for hour in range(2):
        observe(connection, event, NOON + timedelta(hours=hour), Section("A", "101"))
    used.run_until_clean(connection)
    assert_exact(connection)
    observe(connection, event, NOON + timedelta(hours=1) + TEN, Section("A", "101"))
    used.run_until_clean(connection)
    assert_exact(connection)  # within the window both are right

    observe(connection, event, NOON - timedelta(days=3), Section("A", "101"))
    used.run_until_clean(connection)
    if guarded:
        assert_exact(connection)
    else:
        assert min(differences(connection)[rollup] for rollup in ("event_hours", "event_days")) > 0


@pytest.mark.parametrize("guarded", [True, False], ids=["marks_first", "facts_first"])
def test_control_r8_aggregating_before_taking_the_marks_loses_what_is_committed_in_between(
    connection: Connection, second: Connection, refresh: Refresh, event: int, guarded: bool
) -> None:
    look = """insert into market.claimed_buckets (rollup, event_key, bucket)
        select distinct rollup, event_key, bucket from market.dirty_buckets where rollup = 'event_hours'"""
    take = "delete from market.dirty_buckets where rollup = 'event_hours'"

    def facts_first(sent: str) -> list[str]:
        if sent.startswith("with wanted"):
            return [look]
        return [sent, take] if sent.startswith("create temporary") else [sent]

    used = refresh if guarded else with_event_hours(refresh, facts_first)
    observe(connection, event, NOON, Section("A", "101"))
    wrote: list[str] = []

    def write_after_the_read(statement: str) -> None:
        if not wrote and any("create temporary" in one for one in sent):
            wrote.append(statement)
            observe(second, event, NOON + TEN, Section("A", "101", [100]))
        sent.append(statement)

    sent: list[str] = []
    used.run(connection, "event_hours", between=write_after_the_read)
    assert wrote
    used.run_until_clean(connection)
    if guarded:
        assert_exact(connection)
    else:
        assert differences(connection)["event_hours"] > 0
