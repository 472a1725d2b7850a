"""Packed days: nothing is lost or changed on the way into the warm tier and back, whoever writes meanwhile."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from tests.support.markets import TEN, Section, add_event, observe
from tests.support.packed_history import (
    DAY,
    LAST,
    NOON,
    TICKS,
    chain_tiers,
    forget_marks,
    marked_hours,
    packed,
    past_days,
    rows_of,
    tiers,
)
from tickettape.database import Connection, Warehouse, ensure_partitions, month_of
from tickettape.observations import SNAPSHOT_COLUMNS, undo_void, unpack_days, void_capture
from tickettape.observations.packed_days import LEFT_BYTES, give_back_space, pack_day, pack_days
from tickettape.rollups.registry import MARKED_BY

A_WHILE = timedelta(minutes=1)
NEXT = DAY + timedelta(days=1)


def columns(connection: Connection, relation: str) -> set[str]:
    rows = connection.execute(
        """select attname from pg_attribute
           where attrelid = %s::regclass and attnum > 0 and not attisdropped""",
        [f"market.{relation}"],
    ).fetchall()
    return {name for (name,) in rows}


def test_a_day_is_the_same_packed_and_unpacked_and_nothing_is_marked(connection: Connection) -> None:
    keys = past_days(connection)
    before, (rows, _) = everything(connection), tiers(connection)
    deltas, _ = chain_tiers(connection)
    assert packed(connection, keys) == rows // 2
    assert tiers(connection) == (rows // 2, rows // 2)
    assert chain_tiers(connection) == (deltas // 2, deltas // 2)
    assert everything(connection) == before
    assert unpack_days(connection, keys, [NOON, LAST]) == rows // 2
    assert tiers(connection) == (rows, 0)
    assert chain_tiers(connection) == (deltas, 0)
    assert everything(connection) == before
    assert connection.execute("select count(*) from market.dirty_buckets").fetchone() == (0,)


def test_a_condition_on_event_and_date_finds_the_packed_days_of_the_listing_history(connection: Connection) -> None:
    (key,) = past_days(connection, events=1, days=1)
    for relation in ("all_listing_changes", "listing_ticks", "listing_offers", "listing_moves"):
        plan = connection.execute(
            f"explain (costs off) select * from market.{relation} where event_key = {key} and date = '{DAY}'"
        ).fetchall()
        scanned = [line.strip() for (line,) in plan if "date = " in line]
        assert any(f"(event_key = {key}) AND (date = '{DAY}'::date)" in line for line in scanned), relation


def everything(connection: Connection) -> list[list[str]]:
    """What readers see of a few events' snapshots and listings."""
    relations = ("all_snapshots", "all_listing_changes", "listing_ticks", "listing_offers", "listing_moves")
    of_ticks = (
        """(select event_key, tick, array(select market.ok_ticks_before(event_key, tick, 2)) as before,
                array(select market.ok_ticks_from(event_key, tick, 2)) as after,
                market.listing_tick_before(event_key, tick) as last,
                array(select shown from market.listings_of(event_key, tick) as shown) as listings
            from market.captures)""",
        """(select events.id, of_id.listing_id, states.* from market.events
            cross join unnest(array['101-0', '101-1', '201-0']) as of_id (listing_id)
            cross join lateral market.listing_history(events.id, of_id.listing_id) as states)""",
    )
    return [rows_of(connection, relation) for relation in (*(f"market.{name}" for name in relations), *of_ticks)]


def test_packed_days_have_every_column_of_a_snapshot(connection: Connection) -> None:
    snapshots = columns(connection, "section_snapshots")
    assert snapshots == set(SNAPSHOT_COLUMNS)
    assert columns(connection, "packed_snapshots") == columns(connection, "all_snapshots") == snapshots | {"date"}
    deltas = columns(connection, "listing_changes")
    assert columns(connection, "all_listing_changes") == deltas | {"date"}
    assert columns(connection, "packed_listing_changes") == deltas - {"tick"} | {
        "ticks", "date", "delta_count", "ok_count", "offer_counts", "step_counts", "unseen_counts",
    }  # fmt: skip
    arrays = {"event_key": "event_key", "tick": "ticks", "section_key": "section_keys"}
    assert columns(connection, "packed_days") == {arrays.get(name, name) for name in snapshots} | {"date", "row_count"}


FAULTS = {
    "drops one row": "new.row_count = new.row_count - 1; "
    + "; ".join(
        f"new.{column} = new.{column}[2:]"
        for column in ("ticks", "section_keys", "price_sum_cents", "lowest_price_cents", "highest_price_cents",
                       "lowest_price_1ticket_cents", "lowest_price_2tickets_cents", "lowest_price_4tickets_cents",
                       "lowest_all_in_price_cents", "total_tickets", "total_listings")
    ),
    "moves a cent to another row": "new.price_sum_cents[1] = new.price_sum_cents[1] + 1; "
    "new.price_sum_cents[2] = new.price_sum_cents[2] - 1",
    "swaps the prices of two rows": "new.lowest_price_cents = new.lowest_price_cents[2:2] "
    "|| new.lowest_price_cents[1:1] || new.lowest_price_cents[3:]",
    "counts one row too many": "new.row_count = new.row_count + 1",
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_control_packing_that_is_not_exact_keeps_the_rows(connection: Connection, fault: str) -> None:
    (key,) = past_days(connection, events=1, days=1)
    before, stored = rows_of(connection), tiers(connection)
    connection.execute(
        f"""create function spoil() returns trigger language plpgsql as $$ begin {FAULTS[fault]}; return new; end $$;
            create trigger spoil before insert on market.packed_days_{DAY:%Y_%m}
                for each row execute function spoil()"""
    )
    with pytest.raises(psycopg.errors.RaiseException, match="was not packed"):
        pack_day(connection, key, DAY)
    assert tiers(connection) == stored
    assert rows_of(connection) == before


CHAIN_FAULTS = {
    "drops one row": "new.delta_count = new.delta_count - 1; "
    + "; ".join(
        f"new.{column} = new.{column}[:cardinality(new.{column}) - 1]"
        for column in ("ticks", "kept", "born", "partial", "offer_counts", "step_counts", "unseen_counts")
    ),
    "moves an offer to the next row": "new.offer_counts[1] = new.offer_counts[1] - 1; "
    "new.offer_counts[2] = coalesce(new.offer_counts[2], 0) + 1",
    "changes a price step": "new.price_steps[1] = new.price_steps[1] + 1",
    "changes a listing's id": "new.listing_ids[1] = 'another'",
    "counts one row too many": "new.delta_count = new.delta_count + 1",
}


@pytest.mark.parametrize("fault", CHAIN_FAULTS)
def test_control_packing_of_listings_that_is_not_exact_keeps_all_rows(connection: Connection, fault: str) -> None:
    (key,) = past_days(connection, events=1, days=1)
    before, stored = everything(connection), (tiers(connection), chain_tiers(connection))
    connection.execute(
        f"""create function spoil() returns trigger language plpgsql as $$
            begin {CHAIN_FAULTS[fault]}; return new; end $$;
            create trigger spoil before insert on market.packed_listing_changes_{DAY:%Y_%m}
                for each row execute function spoil()"""
    )
    with pytest.raises(psycopg.errors.RaiseException, match="the listing history of event_key"):
        pack_day(connection, key, DAY)
    assert (tiers(connection), chain_tiers(connection)) == stored
    assert everything(connection) == before


def test_direct_writes_of_a_packed_listing_history_mark_all_hours_in_it(connection: Connection) -> None:
    (key,) = past_days(connection, events=1, days=1)
    packed(connection, [key])
    hours = {(rollup, key, tick.replace(minute=0)) for tick in TICKS for rollup in MARKED_BY["listing_changes"]}
    for statement in (
        "update market.packed_listing_changes set born[1] = 0",
        "delete from market.packed_listing_changes",
    ):
        connection.execute(statement)
        marks = connection.execute("select distinct rollup, event_key, bucket from market.dirty_buckets").fetchall()
        assert set(marks) == hours
        forget_marks(connection)
    with pytest.raises(psycopg.errors.RaiseException, match="TRUNCATE"):
        connection.execute("truncate market.packed_listing_changes")


SKIPPED = {
    "a rollup is not refreshed": "insert into market.dirty_buckets (rollup, event_key, bucket) "
    "values ('daily_analytics', %(key)s, %(midnight)s)",
    "a rollup is not refreshed, though it has claimed the hour": "insert into market.claimed_buckets "
    "(rollup, event_key, bucket) values ('event_hours', %(key)s, %(noon)s)",
    "an answer is not read": "insert into market.captures (event_key, tick, status) "
    "values (%(key)s, %(noon)s + interval '5 minutes', 'received'); delete from market.dirty_buckets",
    "its month takes no writes": "update market.months set state = 'closed' where month = %(month)s",
}


@pytest.mark.parametrize("reason", SKIPPED)
def test_a_day_with_work_that_is_not_done_is_skipped(connection: Connection, reason: str) -> None:
    (key,) = past_days(connection, events=1, days=1)
    values = {"key": key, "midnight": NOON.replace(hour=0), "noon": NOON, "month": DAY.replace(day=1)}
    with psycopg.ClientCursor(connection) as cursor:
        cursor.execute(SKIPPED[reason], values)
    assert pack_day(connection, key, DAY) == (0, 0, reason.partition(", ")[0])
    assert tiers(connection)[1] == 0


def test_days_that_are_not_over_for_two_days_and_packed_ones_are_skipped(connection: Connection) -> None:
    (key,) = past_days(connection, events=1, days=1)
    now = datetime.now(UTC)
    for days in (0, 1, 2):
        assert pack_day(connection, key, (now - timedelta(days=days)).date()) == (
            0, 0, "it ended less than two days ago",
        )  # fmt: skip
    packed(connection, [key])
    assert pack_day(connection, key, DAY) == (0, 0, "it has no rows")
    assert pack_day(connection, key, DAY - timedelta(days=1)) == (0, 0, "it has no rows")


def test_a_late_answer_for_a_packed_day_is_among_its_rows_and_its_hour_is_marked(connection: Connection) -> None:
    key, other = past_days(connection)
    packed(connection, [key, other])
    late = NOON + timedelta(minutes=3)
    observe(connection, key, late, Section("A", "101", [777]))
    rows = connection.execute(
        "select tick, lowest_price_cents from market.all_snapshots where event_key = %s and date = %s and tick = %s",
        [key, DAY, late],
    ).fetchall()
    assert rows == [(late, 777)]
    assert marked_hours(connection) == {(key, NOON)}
    of_day = "select count(*) from market.packed_days where event_key = %s and date = %s"
    assert connection.execute(of_day, [key, DAY]).fetchone() == (0,)
    assert connection.execute(of_day, [other, DAY]).fetchone() == (1,)


def test_an_answer_read_again_replaces_what_was_packed(connection: Connection) -> None:
    (key,) = past_days(connection, events=1)
    packed(connection, [key])
    observe(connection, key, NOON, Section("A", "101", [777]))
    rows = connection.execute(
        "select lowest_price_cents from market.all_snapshots where date = %s and tick = %s", [DAY, NOON]
    ).fetchall()
    assert rows == [(777,)]


@pytest.mark.parametrize("table", ["section_snapshots", f"section_snapshots_{DAY:%Y_%m}"])
def test_a_row_written_by_hand_unpacks_its_day_and_is_never_there_twice(connection: Connection, table: str) -> None:
    (key,) = past_days(connection, events=1, days=1)
    rows, _ = tiers(connection)
    packed(connection, [key])
    one = "insert into market.{} select tick + %s, {} from market.packed_snapshots where tick = %s limit 1".format(
        table, ", ".join(column_order(connection)[1:])
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(one, [timedelta(0), NOON])
    assert tiers(connection) == (0, rows)
    connection.execute(one, [timedelta(minutes=1), NOON])
    assert tiers(connection) == (rows + 1, 0)
    assert marked_hours(connection) == {(key, NOON)}


def column_order(connection: Connection) -> list[str]:
    rows = connection.execute(
        "select attname from pg_attribute where attrelid = 'market.section_snapshots'::regclass and attnum > 0"
        " order by attnum"
    ).fetchall()
    return [name for (name,) in rows]


def test_a_void_and_its_undo_do_to_a_packed_day_what_they_do_to_rows(connection: Connection) -> None:
    keys = past_days(connection, events=1)
    before = rows_of(connection)
    void_capture(connection, keys[0], NOON, reason="wrong", by="a test")
    voided = rows_of(connection)
    undo_void(connection, keys[0], NOON)
    forget_marks(connection)
    packed(connection, keys)
    void_capture(connection, keys[0], NOON, reason="wrong", by="a test")
    assert rows_of(connection) == voided != before
    assert marked_hours(connection) == {(keys[0], NOON)}
    forget_marks(connection)
    packed(connection, keys)  # with its capture still void
    undo_void(connection, keys[0], NOON)
    assert rows_of(connection) == before


def test_direct_writes_of_packed_rows_mark_all_hours_in_their_arrays(connection: Connection) -> None:
    (key,) = past_days(connection, events=1, days=1)
    packed(connection, [key])
    hours = {(key, tick.replace(minute=0)) for tick in TICKS}
    connection.execute("update market.packed_days set total_tickets[1] = 9")
    assert marked_hours(connection) == hours
    forget_marks(connection)
    with pytest.raises(psycopg.errors.RaiseException, match="TRUNCATE"):
        connection.execute("truncate market.packed_days")
    connection.execute(f"delete from market.packed_days_{DAY:%Y_%m}")
    assert marked_hours(connection) == hours


def test_nobody_but_the_owner_writes_without_marks(connection: Connection) -> None:
    (key,) = past_days(connection, events=1, days=1)
    connection.execute(
        """do $$ begin if to_regrole('packing_visitor') is null then create role packing_visitor; end if; end $$;
           grant usage on schema market to packing_visitor;
           grant select, insert, update on market.section_snapshots to packing_visitor;
           grant select, insert on market.dirty_buckets to packing_visitor;
           grant select, delete on market.packed_days, market.packed_listing_changes to packing_visitor;
           grant insert on market.listing_changes to packing_visitor;
           grant execute on function market.deltas_of to packing_visitor"""
    )
    change = "update market.section_snapshots set total_tickets = total_tickets + 1 where tick = %s"
    with connection.transaction():
        connection.execute("set local tickettape.moving_tiers = 'on'; set local role packing_visitor")
        connection.execute(change, [NOON])
    assert marked_hours(connection) == {(key, NOON)}
    forget_marks(connection)
    with connection.transaction():  # the owner may, and so the control shows that the setting works at all
        connection.execute("set local tickettape.moving_tiers = 'on'")
        connection.execute(change, [NOON])
    assert marked_hours(connection) == set()


# Races: packing and writers take the same lock


def in_a_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors


def waits_for_a_lock(connection: Connection) -> bool:
    for _ in range(100):
        found = connection.execute(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        ).fetchone()
        if found != (0,):
            return True
        time.sleep(0.01)
    return False


COUNTED = {"section_snapshots": tiers, "listing_changes": chain_tiers}


def write_late(warehouse: Warehouse, key: int, table: str) -> None:
    """One new row of a table. (Who changes the listing history as the program does also waits for deleted rows.)"""
    with warehouse.connection() as writer:
        names = ", ".join(sorted(columns(writer, table) - {"tick"}))
        writer.execute(
            f"""insert into market.{table} (tick, {names})
                select tick + interval '3 minutes', {names} from market.{table}
                where event_key = %s and tick = %s limit 1""",
            [key, NOON],
        )


@pytest.mark.parametrize("table", COUNTED)
def test_a_late_row_beside_packing_waits_and_unpacks_the_day(
    connection: Connection, warehouse: Warehouse, table: str
) -> None:
    (key,) = past_days(connection, events=1, days=1)
    (rows, _), (snapshots, _) = COUNTED[table](connection), tiers(connection)
    with warehouse.connection() as packing, packing.transaction():
        assert packing.execute("select packed from market.pack_day(%s, %s)", [key, DAY]).fetchone() == (snapshots,)
        thread, errors = in_a_thread(lambda: write_late(warehouse, key, table))
        assert waits_for_a_lock(connection)  # verified and deleted, not committed: here the writer comes
    thread.join(20)
    assert not errors
    assert COUNTED[table](connection) == (rows + 1, 0)


@pytest.mark.parametrize("table", COUNTED)
def test_control_without_the_lock_a_late_row_leaves_a_day_half_packed(
    connection: Connection, warehouse: Warehouse, table: str
) -> None:
    (key,) = past_days(connection, events=1, days=1)
    rows, _ = COUNTED[table](connection)
    connection.execute(
        "create or replace function market.tier_lock(of_event integer, of_date date) returns integer language sql"
        " as $$ select (random() * 1000000000)::integer $$"
    )
    with warehouse.connection() as packing, packing.transaction():
        packing.execute("select packed from market.pack_day(%s, %s)", [key, DAY])
        thread, errors = in_a_thread(lambda: write_late(warehouse, key, table))
        thread.join(20)
    assert not errors
    assert COUNTED[table](connection) == (1, rows)


def test_a_writer_under_way_keeps_its_day_from_being_packed(connection: Connection, warehouse: Warehouse) -> None:
    (key,) = past_days(connection, events=1, days=1)
    with warehouse.connection() as writer, writer.transaction():
        writer.execute("update market.section_snapshots set total_tickets = total_tickets + 1 where tick = %s", [NOON])
        assert pack_day(connection, key, DAY) == (0, 0, "somebody writes")
    assert pack_day(connection, key, DAY) == (0, 0, "a rollup is not refreshed")


def test_packing_that_is_killed_leaves_the_day_as_rows(connection: Connection, warehouse: Warehouse) -> None:
    (key,) = past_days(connection, events=1, days=1)
    before, stored = rows_of(connection), tiers(connection)
    with warehouse.connection() as packing:
        packing.execute("begin")
        packing.execute("select packed from market.pack_day(%s, %s)", [key, DAY])
        connection.execute("select pg_terminate_backend(%s)", [packing.info.backend_pid])
        with pytest.raises(psycopg.errors.AdminShutdown):
            packing.execute("commit")
    assert tiers(connection) == stored
    assert rows_of(connection) == before


# Passes


def test_a_pass_packs_every_day_before_its_date_and_goes_on_where_one_stopped(connection: Connection) -> None:
    keys = past_days(connection, days=3)
    rows, _ = tiers(connection)
    connection.execute("insert into market.dirty_buckets (rollup, event_key, bucket) values ('event_hours', %s, %s)",
                       [keys[0], NOON])  # fmt: skip
    assert pack_days(connection, DAY + timedelta(days=2), at_most=timedelta(0)).left == 4
    stopped: list[str] = []

    def stop() -> None:
        stopped.append("")
        if len(stopped) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack_days(connection, DAY + timedelta(days=2), at_most=A_WHILE, pause=stop)
    first = tiers(connection)[1]
    assert first == rows // 6
    figures = pack_days(connection, DAY + timedelta(days=2), at_most=A_WHILE)
    assert (figures.days, figures.rows, figures.left) == (2, 2 * rows // 6, 0)
    assert dict(figures.skipped) == {"a rollup is not refreshed": 1}
    forget_marks(connection)
    assert pack_days(connection, DAY + timedelta(days=2), at_most=A_WHILE).days == 1
    assert tiers(connection) == (rows // 3, 2 * rows // 3)
    assert pack_days(connection, DAY + timedelta(days=2), at_most=A_WHILE).days == 0


MONTH = date(2026, 9, 1)
OF_MONTH = datetime(2026, 9, 1, tzinfo=UTC)


def fill_month(connection: Connection, *, days: int) -> list[int]:
    keys = [add_event(connection, str(number)) for number in range(2)]
    observe(connection, keys[0], OF_MONTH, Section("A", "1"))
    ensure_partitions(connection, [OF_MONTH])
    for key in keys:
        connection.execute(
            """insert into market.section_snapshots (event_key, tick, section_key, price_sum_cents, lowest_price_cents,
                   highest_price_cents, total_tickets, total_listings)
               select %s, tick, 1000 + section, 5, 5, 5, 2, 1
               from generate_series(%s::timestamptz, %s, interval '10 minutes') as tick,
                   generate_series(1, 5) as section
            """,
            [key, OF_MONTH, OF_MONTH + timedelta(days=days) - TEN],
        )
    forget_marks(connection)
    return keys


def size_of(connection: Connection, table: str) -> int:
    row = connection.execute("select pg_total_relation_size(%s::regclass)", [f"market.{table}"]).fetchone()
    assert row
    return int(row[0])


def test_a_past_month_gives_its_space_back_when_its_last_day_is_packed(connection: Connection) -> None:
    fill_month(connection, days=3)
    rows, full = tiers(connection)[0], size_of(connection, "section_snapshots_2026_09")
    assert pack_days(connection, MONTH + timedelta(days=2), at_most=A_WHILE).left == 0
    give_back_space(connection, datetime.now(UTC))
    assert size_of(connection, "section_snapshots_2026_09") > full / 10  # a day is left
    assert pack_days(connection, MONTH + timedelta(days=30), at_most=A_WHILE).left == 0
    given_back = give_back_space(connection, datetime.now(UTC))
    assert tiers(connection) == (0, rows)
    assert size_of(connection, "section_snapshots_2026_09") < LEFT_BYTES
    assert given_back["section_snapshots_2026_09"] > full / 10
    assert give_back_space(connection, datetime.now(UTC)).get("section_snapshots_2026_09") is None


def test_nothing_is_given_back_that_an_open_reader_may_still_read(connection: Connection, warehouse: Warehouse) -> None:
    fill_month(connection, days=1)
    rows, _ = tiers(connection)
    with warehouse.connection() as reader, reader.transaction():
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select count(*) from market.events")  # its snapshot is taken, its tables are not open yet
        pack_days(connection, MONTH + timedelta(days=30), at_most=A_WHILE)
        give_back_space(connection, datetime.now(UTC))
        assert reader.execute("select count(*) from market.all_snapshots").fetchone() == (rows,)
    give_back_space(connection, datetime.now(UTC))
    assert size_of(connection, "section_snapshots_2026_09") < LEFT_BYTES


def test_in_the_open_month_the_pages_of_packed_days_are_written_again(connection: Connection) -> None:
    """Eight days stand as rows, as the page on packed days says, and from then on the table grows no more."""
    key = add_event(connection, "1")
    ensure_partitions(connection, [OF_MONTH])
    sizes = []
    for day in range(20):
        start = OF_MONTH + timedelta(days=day)
        connection.execute(
            """insert into market.section_snapshots (event_key, tick, section_key, price_sum_cents, lowest_price_cents,
                   highest_price_cents, total_tickets, total_listings)
               select %s, tick, section, 5, 5, 5, 2, 1
               from generate_series(%s::timestamptz, %s, interval '10 minutes') as tick,
                   generate_series(1, 5) as section
            """,
            [key, start, start + timedelta(days=1) - TEN],
        )
        forget_marks(connection)
        pack_days(connection, (start - timedelta(days=7)).date(), at_most=A_WHILE)
        give_back_space(connection, OF_MONTH + timedelta(days=day))  # as of that day: the month is open
        sizes.append(size_of(connection, "section_snapshots_2026_09"))
    assert max(sizes[10:]) <= 1.1 * sizes[8]
    assert sizes[8] > 4 * sizes[0]
    assert month_of(OF_MONTH) == MONTH
