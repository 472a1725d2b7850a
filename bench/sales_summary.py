"""The summary of sales after some new ones, compared with REFRESH of the plain query as a materialized view.

Sizes: BENCH_SALES (bookings, 4,000,000 of 1,000 events).
"""

import os
from collections.abc import Sequence

from bench.report import figure, heading, in_turn, say, seconds
from tests.support.recorded_refresh import Refresh
from tests.support.sales_refresh import record_sales
from tickettape.database import Connection
from tickettape.rollups import SALES_ROLLUPS

BOOKINGS, EVENTS = int(os.environ.get("BENCH_SALES", "4000000")), 1000
HOURS = 1000  # over which they were sold
SUMMARY = ("sales_by_hour", "event_sales_hours", "event_sales_days", "event_sales_summary")

# past sales, without the triggers that mark them: they are built in one go
PAST = """
    insert into box_office.users (id, email, full_name, password_hash) values (1, '1@b', 'A', 'x');
    insert into box_office.stored_events (id, title, slug, venue, start_time)
        select number, 'An event', number, 'A hall', now() + interval '30 days'
        from generate_series(1, {events}) as number;
    insert into box_office.stored_tiers (id, event_id, name, price, quantity)
        select number, number, 'Standing', 10, {bookings} from generate_series(1, {events}) as number;
    insert into box_office.tier_stock (tier_id, slot, free, sold)
        select number, 1, {bookings} - {bookings} / {events}, {bookings} / {events}
        from generate_series(1, {events}) as number;
    insert into box_office.bookings (id, user_id, event_id, status, total_amount, confirmed_at)
        select number, 1, number % {events} + 1, 'CONFIRMED', 10,
            now() - (number / {events}) % {hours} * interval '1 hour'
        from generate_series(1, {bookings}) as number;
    insert into box_office.tickets (booking_id, event_id, tier_id, price, ticket_code, qr_code, created_at)
        select id, event_id, event_id, 10, id, id, confirmed_at from box_office.bookings;
    select setval('box_office.bookings_id_seq', {bookings});"""
NEW = """
    with sold as (
        insert into box_office.bookings (user_id, event_id, status, total_amount, confirmed_at)
        select 1, number, 'CONFIRMED', 10, now() from generate_series(1, {events}) as number returning id, event_id)
    insert into box_office.tickets (booking_id, event_id, tier_id, price)
    select id, event_id, event_id, 10 from sold"""


def run(connection: Connection, repetitions: int) -> bool:
    """Build it, then sell one more of each event, and sum up both ways."""
    heading(f"Sales: {EVENTS:,} new ones among {BOOKINGS:,} of {EVENTS:,} events")
    refresh = record_sales()
    sizes = {"events": EVENTS, "bookings": BOOKINGS, "hours": HOURS}
    connection.execute("set session_replication_role = replica")
    connection.execute(PAST.format(**sizes).encode())
    connection.execute("reset session_replication_role")
    connection.execute("vacuum analyze")
    say("building the rollups")
    connection.execute(
        """insert into box_office.sales_marks (rollup, event_id, hour)
           select distinct 'sales_by_hour', event_id, box_office.hour_of(created_at) from box_office.tickets"""
    )
    connection.execute("set tickettape.claim_limit = 2000000")
    _refresh(connection, refresh)
    connection.execute("vacuum analyze")
    connection.execute(
        "create materialized view box_office.summary_as_required as select * from box_office.event_sales_summary"
    )

    def by_marks() -> float:
        connection.execute(NEW.format(**sizes).encode())
        took = seconds(lambda: _refresh(connection, refresh, SUMMARY))
        say(f"sell_through besides: {seconds(lambda: _refresh(connection, refresh, ['sell_through'])):.2f} s")
        return took

    def as_required() -> float:
        return seconds(lambda: connection.execute("refresh materialized view box_office.summary_as_required"))

    ours, theirs = in_turn(by_marks, as_required, repetitions)
    figure("the summary, with the hours that it adds up", ours, "s")
    figure("REFRESH of the plain query", theirs, "s")
    return figure("REFRESH of the plain query against the summary", theirs / ours, "×", least=20)


def _refresh(connection: Connection, refresh: Refresh, rollups: Sequence[str] = SALES_ROLLUPS) -> None:
    for rollup in rollups:
        refresh.run(connection, rollup)
