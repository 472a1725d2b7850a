"""The box office compared with the documents' own SQL on the same server: orders by tier, holds by seat, a rush, sizes.

The clients are pgbench's. The documents' SQL, taken to the letter, is sent statement by statement, because its client
looks at what it has locked before it goes on. Ours is one statement.
"""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median

import psycopg

from bench.report import figure, heading, in_turn, say, seconds
from tickettape.box_office.bookings import confirm, hold, hold_best_available
from tickettape.box_office.events import add_seats, add_tier, create_event
from tickettape.box_office.refusals import RefusedError
from tickettape.box_office.sales import discrepancies
from tickettape.box_office.sample_data import seat_plan
from tickettape.database import Connection, libpq_environment, postgres_tool

SECONDS = float(os.environ.get("BENCH_BOX_OFFICE_SECONDS", "5"))
MANY_SEATS = int(os.environ.get("BENCH_BOX_OFFICE_SEATS", "10000000"))
SEATS_OF_AN_EVENT = 10_000
SEATS, USERS = 160_000, 1000
CLIENTS = (1, 16, 64)
BUYERS, RUSH_SEATS = 160, 8000
HOLDS = 200  # in one timing
CONNECTIONS = 80  # of the rush: the server has 100
LETTER_SQL = Path(__file__).with_name("box_office_letter.sql")
SWITCH_MARKS = """
    do $$
    declare
        marks record;
    begin
        for marks in select tgrelid::regclass as relation, tgname
            from pg_trigger inner join pg_class on pg_class.oid = tgrelid
            where relnamespace = 'box_office'::regnamespace and relkind = 'r' and tgname like 'mark_%'
        loop
            execute format('alter table %s {} trigger %I', marks.relation, marks.tgname);
        end loop;
    end $$;"""
SEATS_WITHOUT_MARKS = """
    create or replace function box_office.count_seats_without_marks() returns trigger language plpgsql
    set search_path = box_office, pg_temp as $$
    begin
        insert into seat_deltas (event_id, seats, available)
        select now_.event_id, 0, sum((now_.status = 'AVAILABLE')::integer - (was.status = 'AVAILABLE')::integer)
        from new_rows as now_ inner join old_rows as was on was.id = now_.id
        where now_.status <> was.status group by now_.event_id
        having sum((now_.status = 'AVAILABLE')::integer - (was.status = 'AVAILABLE')::integer) <> 0;
        return null;
    end $$;
    alter table box_office.stored_seats disable trigger count_updated;
    create trigger count_without_marks after update on box_office.stored_seats
    referencing new table as new_rows old table as old_rows
    for each statement execute function box_office.count_seats_without_marks();"""
"""A count of seats marks its event too, so a copy counts that does not mark."""
SEATS_WITH_MARKS = """
    drop trigger count_without_marks on box_office.stored_seats;
    alter table box_office.stored_seats enable trigger count_updated;
    truncate box_office.sales_marks;"""

OURS_ORDER = "select box_office.purchase({user}, 1, '{{1}}', '{{2}}');"
LETTER_ORDER = """begin;
    select id, quantity, sold, reserved from letter.ticket_tiers where id = 1 for update;
    update letter.ticket_tiers set sold = sold + 2 where id = 1;
    insert into letter.orders (user_id, event_id, status, total_amount) values ({user}, 1, 'paid', 20);
    insert into letter.order_items (order_id, tier_id, quantity)
        values (currval('letter.orders_id_seq'), 1, 2);
    insert into letter.tickets (order_id, tier_id, event_id)
        select currval('letter.orders_id_seq'), 1, 1 from generate_series(1, 2);
    commit;"""
OURS_HOLD = "select box_office.hold({user}, 1, array[{seat}, {seat} + 1]);"
LETTER_HOLD = """begin;
    select * from letter.event_seats where id in ({seat}, {seat} + 1) and status = 'AVAILABLE' for update nowait;
    insert into letter.bookings (user_id, event_id, total_amount, hold_expires_at)
        values ({user}, 1, 20, now() + interval '5 minutes');
    insert into letter.booking_seats (booking_id, seat_id, price_at_booking)
        select currval('letter.bookings_id_seq'), id, price from letter.event_seats
        where id in ({seat}, {seat} + 1);
    update letter.event_seats set status = 'HOLD', current_booking_id = currval('letter.bookings_id_seq'),
        version = version + 1 where id in ({seat}, {seat} + 1);
    commit;"""


def run(connection: Connection, url: str, repetitions: int) -> bool:
    """Orders, holds, what the marks of the rollups cost them, and the rush."""
    heading("Box office: orders by tier and holds by seat, a second; in turn")
    _fill(connection)
    holds = _compare(connection, url, "orders", OURS_ORDER, LETTER_ORDER, repetitions)
    holds &= _compare(connection, url, "holds of two seats", OURS_HOLD, LETTER_HOLD, repetitions)
    holds &= _cost_of_marks(connection, url, "orders", OURS_ORDER, repetitions)
    holds &= _cost_of_marks(connection, url, "holds of two seats", OURS_HOLD, repetitions)
    holds &= _rush(connection, url)
    found = discrepancies(connection)
    for one in found:
        say(str(one))
    return figure("contradictions in the books at the end", len(found), "", most=0) & holds


def _fill(connection: Connection) -> None:
    connection.execute(LETTER_SQL.read_bytes())
    event = create_event(connection, "A concert", "A hall", datetime.now(UTC) + timedelta(days=30), status="on_sale")
    tier = add_tier(connection, event, "Standing", Decimal(10), 100_000_000)
    assert (event, tier) == (1, 1)  # noqa: S101  the scripts name them
    add_seats(connection, event, seat_plan(SEATS))
    connection.execute(
        """insert into box_office.users (email, full_name, password_hash)
           select number || '@example.com', 'A user', 'x' from generate_series(1, %s) as number""",
        [USERS],
    )
    connection.execute(
        """insert into letter.users (email) select email from box_office.users;
           insert into letter.events (title) values ('A concert');
           insert into letter.ticket_tiers (event_id, name, price, quantity) values (1, 'Standing', 10, 100000000);
           insert into letter.event_seats (event_id, section, row_number, seat_number, price)
           select 1, section, row_number, seat_number, price from box_office.stored_seats order by id"""
    )


def _compare(connection: Connection, url: str, what: str, ours: str, letter: str, repetitions: int) -> bool:
    rates: dict[tuple[str, int], list[float]] = {}
    for number in range(repetitions):
        for clients in CLIENTS:
            both = [("ours", ours), ("letter", letter)]
            for side, script in both if number % 2 else reversed(both):
                _free_all(connection)
                rates.setdefault((side, clients), []).append(_rate(url, script, clients))

    def ratio(one: tuple[str, int], other: tuple[str, int]) -> float:
        """The median of the ratios of neighbours: a machine that is busy for a while slows down both."""
        return median(a / b for a, b in zip(rates[one], rates[other], strict=True))

    for clients in CLIENTS:
        figure(f"{what}, {clients} clients: the documents' SQL", median(rates["letter", clients]), "/s")
        figure(f"{what}, {clients} clients: ours", median(rates["ours", clients]), "/s")
    better = ratio(("ours", 64), ("letter", 64))
    holds = figure(f"{what}: ours against the documents' SQL at 64", better, "×", least=6)
    share = ratio(("ours", 64), ("ours", 16))
    return figure(f"{what}: ours at 64 against ours at 16", share, "×", least=0.8) & holds


def _cost_of_marks(connection: Connection, url: str, what: str, script: str, repetitions: int) -> bool:
    """The rate with the triggers that say what changed, for the rollups of sales, against the rate without them."""

    def marked() -> float:
        _free_all(connection)
        return _rate(url, script, CLIENTS[-1])

    def unmarked() -> float:
        for statement in (SWITCH_MARKS.format("disable"), SEATS_WITHOUT_MARKS):
            connection.execute(statement.encode())
        try:
            return marked()
        finally:
            for statement in (SWITCH_MARKS.format("enable"), SEATS_WITH_MARKS):
                connection.execute(statement.encode())

    rates = [(marked(), unmarked()) for _ in range(2 * repetitions)]
    share = median(one / other for one, other in rates)
    return figure(f"{what}: with the marks of the rollups against without", share, "×", least=0.9)


def _free_all(connection: Connection) -> None:
    """All seats free again, and the tables as after a vacuum."""
    connection.execute(
        """update box_office.stored_seats set status = 'AVAILABLE', current_booking_id = null, held_until = null
           where status <> 'AVAILABLE';
           delete from box_office.booking_seats; delete from box_office.bookings;
           update letter.event_seats set status = 'AVAILABLE', current_booking_id = null where status <> 'AVAILABLE';
           truncate letter.booking_seats; delete from letter.bookings"""
    )
    connection.execute("select box_office.fold()")
    connection.execute("vacuum analyze")
    connection.execute("checkpoint")


def _rate(url: str, script: str, clients: int) -> float:
    """Transactions a second. Each client has seats of its own, which no other asks for."""
    lines = script.format(user=":user", seat=":seat")
    stride = SEATS // clients
    text = f"\\set user random(1, {USERS})\n\\set n :n + 1\n\\set seat 1 + :client_id * {stride} + 2 * :n % {stride}\n"
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(f"{text}{lines}\n")
        file.flush()
        with psycopg.connect(url) as connection:
            pgbench = postgres_tool("pgbench", server_version=connection.info.server_version)
        said = subprocess.run(  # noqa: S603
            [pgbench, "--no-vacuum", f"--client={clients}", "--jobs=2", f"--time={max(2, int(SECONDS))}",
             "--define=n=-1", f"--file={file.name}"],
            env=libpq_environment(url), capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
    found = [float(line.split("=")[1].split()[0]) for line in said.stdout.splitlines() if line.startswith("tps")]
    if not found or "ERROR" in said.stderr or "aborted" in said.stderr:
        raise RuntimeError(f"pgbench failed: {said.stderr[-2000:] or said.stdout[-2000:]}")
    return found[0]


def _rush(connection: Connection, url: str) -> bool:
    """8,000 seats, 160 buyers who take the best there is until nothing is left."""
    event = create_event(connection, "A rush", "A hall", datetime.now(UTC) + timedelta(days=30), status="on_sale")
    add_seats(connection, event, seat_plan(RUSH_SEATS))
    wrong: list[str] = []
    local = threading.local()

    def buy(number: int) -> int:
        if not hasattr(local, "connection"):
            local.connection = psycopg.connect(url, autocommit=True)
        bought, how_many = 0, 1 + number % 4
        while True:
            try:
                confirm(local.connection, hold_best_available(local.connection, 1 + number, event, how_many))
                bought += how_many
            except RefusedError as refused:
                if refused.kind != "sold_out" or int(str(refused).split()[0]) >= how_many:
                    wrong.append(str(refused))
                if how_many == 1:
                    return bought
                how_many = 1

    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        sold = sum(pool.map(buy, range(BUYERS)))
    figure(f"rush: {BUYERS} buyers, {RUSH_SEATS} seats, each held and confirmed", time.perf_counter() - began, "s")
    holds = figure("rush: seats sold, against seats", sold / RUSH_SEATS, "×", least=1, most=1)
    return figure("rush: refused while seats were left", len(wrong), "", most=0) & holds


def run_sizes(few: Connection, many: Connection, repetitions: int) -> bool:
    """The bytes of 5,000, 80,000 and many seats; a hold beside many seats against one beside an event's."""
    heading(f"Box office: up to {MANY_SEATS:,} seats in events of {SEATS_OF_AN_EVENT:,}, all sold")
    for connection in (few, many):
        connection.execute("insert into box_office.users (email, full_name, password_hash) values ('1@b', 'A', 'x')")
    many.execute("alter table box_office.bookings disable trigger audit_insert")  # the log is not what is weighed
    added = 0
    for seats in (5_000, 80_000, MANY_SEATS):
        for start in range(added, seats, 100_000):
            _add_sold(many, start, min(seats, start + 100_000))
        added = seats
        many.execute("vacuum analyze")
        row = many.execute(
            """select sum(pg_table_size(oid))::float, sum(pg_indexes_size(oid))::float from pg_class
               where oid = any(array['box_office.stored_events', 'box_office.stored_seats', 'box_office.bookings',
                                     'box_office.booking_seats']::regclass[])"""
        ).fetchone()
        assert row is not None  # noqa: S101
        figure(f"{seats:,} seats with their bookings and lines: tables", row[0] / 1e6, "MB")
        figure(f"{seats:,} seats with their bookings and lines: with indexes", (row[0] + row[1]) / 1e6, "MB")
    many.execute("alter table box_office.bookings enable trigger audit_insert")
    events = [_event_to_hold(connection) for connection in (few, many)]
    fast, slow = in_turn(
        lambda: _hold_milliseconds(few, *events[0]), lambda: _hold_milliseconds(many, *events[1]), 2 * repetitions
    )
    figure(f"a hold beside {SEATS_OF_AN_EVENT:,} seats", fast, "ms")
    figure(f"a hold beside {MANY_SEATS:,} seats", slow, "ms")
    return figure("a hold among many seats against one among few", slow / fast, "×", most=1.3)


def _add_sold(connection: Connection, start: int, end: int) -> None:
    """Sold seats, numbered, in events of SEATS_OF_AN_EVENT; bookings of two and three seats in turn."""
    given = {"start": start, "end": end, "size": SEATS_OF_AN_EVENT}
    for statement in (
        """insert into box_office.stored_events (id, title, slug, venue, start_time)
           select number, 'An event', 'event-' || number, 'A hall', now() + interval '30 days'
           from generate_series(%(start)s / %(size)s + 1, (%(end)s - 1) / %(size)s + 1) as number
           on conflict do nothing""",
        """insert into box_office.bookings (id, user_id, event_id, status, total_amount, confirmed_at, payment_id)
           select number, 1, (number - 1) * 5 / 2 / %(size)s + 1, 'CONFIRMED', 25, now(), 'pi_' || number
           from generate_series(%(start)s * 2 / 5 + 1, (%(end)s - 1) * 2 / 5 + 1) as number on conflict do nothing""",
        """insert into box_office.stored_seats (id, event_id, section, row_number, seat_number, base_price, status,
               current_booking_id)
           select number, (number - 1) / %(size)s + 1, 'S' || number / 1000 %% 10, number / 25 %% 40, number %% 25 + 1,
               10, 'BOOKED', (number - 1) * 2 / 5 + 1
           from generate_series(%(start)s + 1, %(end)s) as number""",
        """insert into box_office.booking_seats (booking_id, seat_id, price_at_booking)
           select (number - 1) * 2 / 5 + 1, number, 10 from generate_series(%(start)s + 1, %(end)s) as number""",
    ):
        connection.execute(statement, given)
    say(f"{end:,} seats")


def _event_to_hold(connection: Connection) -> tuple[int, Iterator[list[int]]]:
    """An event with free seats, and its seats in twos."""
    for relation in ("users", "stored_events", "bookings", "stored_seats"):
        connection.execute(
            f"""select setval(pg_get_serial_sequence('box_office.{relation}', 'id'),
                    coalesce(max(id), 0) + 1) from box_office.{relation}""".encode()  # noqa: S608  names of ours
        )
    event = create_event(connection, "To hold", "A hall", datetime.now(UTC) + timedelta(days=30), status="on_sale")
    add_seats(connection, event, seat_plan(SEATS_OF_AN_EVENT))
    connection.execute("vacuum analyze")
    seats = [
        seat for (seat,) in connection.execute("select id from box_office.stored_seats where event_id = %s", [event])
    ]
    return event, iter([seats[at : at + 2] for at in range(0, len(seats), 2)])


def _hold_milliseconds(connection: Connection, event: int, seats: Iterator[list[int]]) -> float:
    took = [seconds(lambda: hold(connection, 1, event, next(seats))) for _ in range(HOLDS)]
    return 1000 * median(took)
