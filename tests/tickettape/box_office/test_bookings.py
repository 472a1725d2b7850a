"""Bookings of seats: a seat has one holder, a hold ends by itself, and the best seats are together."""

from contextlib import ExitStack
from decimal import Decimal

import psycopg
import pytest

from tests.support.box_office import BoxOffice, Work, at_once, race, without_guard
from tests.support.databases import fresh_database
from tickettape.box_office.bookings import cancel, confirm, extend, hold, hold_best_available
from tickettape.box_office.pricing import change_prices
from tickettape.box_office.refusals import RefusedError
from tickettape.database import Connection


def status(office: BoxOffice, booking: int) -> str:
    return str(office.one("select status from bookings where id = %s", booking))


def available(office: BoxOffice, event: int) -> int:
    return int(office.one("select available_seats from events where id = %s", event))


def hold_one(user: int, event: int, seats: list[int]) -> Work:
    return lambda connection: hold(connection, user, event, seats)


@pytest.mark.race
@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_b1_the_last_seat_has_one_buyer_of_two(office: BoxOffice, isolation: str) -> None:
    event = office.event()
    seats, users = office.seats(event, in_a_row=1), (office.user(), office.user())
    won, lost = race(office, *(hold_one(user, event, seats) for user in users), isolation=isolation)
    assert isinstance(won, int)
    assert isinstance(lost, Exception)
    assert available(office, event) == 0


def test_b1_control_without_lock_and_key_both_hold_the_seat(office: BoxOffice) -> None:
    event = office.event()
    seats, users = office.seats(event, in_a_row=1), (office.user(), office.user())
    office.do("drop index booking_seats_one_live")
    try:
        with without_guard(office, "book_seats", "order by id for update nowait"):
            held = race(office, *(hold_one(user, event, seats) for user in users))
        assert [type(booking) for booking in held] == [int, int]
    finally:
        office.do("delete from booking_seats where seat_id = any(%s)", seats)
        office.do("create unique index booking_seats_one_live on booking_seats (seat_id) where released_at is null")
        office.do("delete from bookings where event_id = %s", event)


@pytest.mark.race
def test_b1_people_who_lock_seats_in_sql_and_the_function_never_share_one(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    seats = office.seats(event)

    def pessimistic(connection: Connection) -> int:
        connection.execute(
            "select * from event_seats where id = any(%s) and status = 'AVAILABLE' for update nowait", [seats[:3]]
        )
        query = "update event_seats set status = 'HOLD' where id = any(%s) and status = 'AVAILABLE'"
        return connection.execute(query, [seats[:3]]).rowcount

    won, lost = race(office, pessimistic, hold_one(user, event, seats[2:4]))
    assert won == 3
    assert isinstance(lost, RefusedError)
    held, locked = race(office, hold_one(user, event, seats[3:5]), pessimistic)
    assert isinstance(held, int)
    assert locked == 0  # a live hold is not AVAILABLE; nothing of the first three is left either
    assert available(office, event) == 5


@pytest.mark.race
def test_b1_of_two_who_update_one_version_of_a_seat_one_changes_a_row(office: BoxOffice) -> None:
    event = office.event()
    seat = office.seats(event)[0]
    version = office.one("select version from event_seats where id = %s", seat)

    def optimistic(connection: Connection) -> int:
        return connection.execute(
            """update event_seats set status = 'HOLD', version = version + 1
               where id = %s and status = 'AVAILABLE' and version = %s""",
            [seat, version],
        ).rowcount

    assert race(office, optimistic, optimistic) == (1, 0)
    assert office.one("select version from event_seats where id = %s", seat) == version + 1
    seconds = "select extract(epoch from held_until - now()) from stored_seats where id = %s"
    assert 295 < office.one(seconds, seat) <= 300
    office.do("update stored_seats set held_until = now() - interval '1 second' where id = %s", seat)
    assert available(office, event) == 10
    assert isinstance(hold(office.connection, office.user(), event, [seat]), int)


def version_of(connection: Connection, seat: int) -> int:
    row = connection.execute("select version from event_seats where id = %s", [seat]).fetchone()
    assert row is not None
    return int(row[0])


def test_b1_64_clients_who_type_sql_and_call_functions_hold_each_seat_once(office: BoxOffice) -> None:
    event = office.event()
    seats = office.seats(event, rows=4, in_a_row=25)
    users = [office.user() for _ in range(64)]

    def one(number: int) -> Work:
        wanted = [seats[(number * 7 + step) % 100] for step in range(3)]
        what = number % 5

        def work(connection: Connection) -> int:
            if what == 0:
                with connection.transaction():
                    locked = connection.execute(
                        "select id from event_seats where id = any(%s) and status = 'AVAILABLE' for update nowait",
                        [wanted],
                    ).fetchall()
                    query = "update event_seats set status = 'HOLD' where id = any(%s)"
                    return connection.execute(query, [[seat for (seat,) in locked]]).rowcount
            if what == 4:
                seat, version = wanted[0], version_of(connection, wanted[0])
                query = "update event_seats set status = 'HOLD' where id = %s and status = 'AVAILABLE' and version = %s"
                return connection.execute(query, [seat, version]).rowcount
            if what == 1:
                return hold_best_available(connection, users[number % 64], event, 2)
            booking = hold(connection, users[number % 64], event, wanted)
            if what == 2:
                confirm(connection, booking)
            else:
                assert cancel(connection, booking)
            return booking

        return work

    results = at_once(office, [one(number) for number in range(160)])
    failures = {type(result).__name__ for result in results if isinstance(result, Exception)}
    assert failures <= {"RefusedError", "LockNotAvailable"}, results
    twice = "select seat_id from booking_seats where released_at is null group by 1 having count(*) > 1"
    assert office.all(twice) == []
    taken = office.one("select count(*) from event_seats where event_id = %s and status <> 'AVAILABLE'", event)
    assert available(office, event) == 100 - taken
    assert office.faults() == []


def test_b2_what_has_expired_is_freed_and_nothing_else(office: BoxOffice) -> None:
    event = office.event()
    seats = office.seats(event)
    expired = hold(office.connection, office.user(), event, seats[:2])
    live = hold(office.connection, office.user(), event, seats[2:4])
    paid = hold(office.connection, office.user(), event, seats[4:6])
    confirm(office.connection, paid)
    office.expire(booking=expired)
    assert available(office, event) == 6
    office.one("select expire_bookings()")
    assert [status(office, booking) for booking in (expired, live, paid)] == ["EXPIRED", "HOLD", "CONFIRMED"]
    assert available(office, event) == 6
    assert [cancel(office.connection, live), cancel(office.connection, live)] == [True, False]
    assert available(office, event) == 8
    assert office.faults() == []


def test_b2_a_confirm_after_the_time_fails_whether_or_not_the_worker_came(office: BoxOffice) -> None:
    event = office.event()
    booking = hold(office.connection, office.user(), event, office.seats(event)[:2])
    office.expire(booking=booking)
    for _ in range(2):
        with pytest.raises(RefusedError, match="It is EXPIRED") as refused:
            confirm(office.connection, booking)
        assert refused.value.kind == "expired"
        office.one("select expire_bookings()")
    with pytest.raises(RefusedError):
        extend(office.connection, booking)
    assert office.one("select count(*) from tickets where booking_id = %s", booking) == 0


@pytest.mark.race
def test_b3_a_confirm_and_a_cancel_at_once_do_not_deadlock_and_one_of_them_counts(office: BoxOffice) -> None:
    event = office.event()
    seats = office.seats(event)
    first, second = (hold(office.connection, office.user(), event, seats[at : at + 4]) for at in (0, 4))
    confirmed, cancelled = race(
        office, lambda connection: confirm(connection, first), lambda connection: cancel(connection, first)
    )
    assert confirmed is None
    assert isinstance(cancelled, RefusedError)
    cancelled, confirmed = race(
        office, lambda connection: cancel(connection, second), lambda connection: confirm(connection, second)
    )
    assert cancelled is True
    assert isinstance(confirmed, RefusedError)
    assert office.faults() == []


def test_b6_a_double_click_holds_once(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    seats = office.seats(event)
    held = race(office, *[lambda connection: hold(connection, user, event, seats[:2], key="click")] * 2)
    assert held[0] == held[1]
    best = [hold_best_available(office.connection, user, event, 2, key="best") for _ in range(2)]
    assert best[0] == best[1]
    assert available(office, event) == 6


def test_b8_an_expired_hold_sells_though_the_worker_is_dead(office: BoxOffice) -> None:
    event = office.event()
    seats = office.seats(event, in_a_row=4)
    dead = hold(office.connection, office.user(), event, seats)
    office.expire(booking=dead)
    booking = hold(office.connection, office.user(), event, seats[1:2])
    assert status(office, dead) == "EXPIRED"
    assert available(office, event) == 3
    office.expire(booking=booking)
    assert isinstance(hold_best_available(office.connection, office.user(), event, 4), int)
    assert office.faults() == []


def test_b8_control_without_the_release_an_expired_hold_blocks(office: BoxOffice) -> None:
    event = office.event()
    seats = office.seats(event, in_a_row=4)
    office.expire(booking=hold(office.connection, office.user(), event, seats))
    with (
        without_guard(office, "hold", "perform release_expired_seats(seats)", "null"),
        pytest.raises(RefusedError, match="taken"),
    ):
        hold(office.connection, office.user(), event, seats[:1])


def test_b12_a_cancel_after_expiry_and_resale_frees_nothing(office: BoxOffice) -> None:
    event = office.event()
    seats = office.seats(event, in_a_row=2)
    first = hold(office.connection, office.user(), event, seats)
    office.expire(booking=first)
    second = hold(office.connection, office.user(), event, seats)
    assert not cancel(office.connection, first)
    assert available(office, event) == 0
    confirm(office.connection, second)
    assert not cancel(office.connection, first)
    assert office.all("select status from event_seats where event_id = %s", event) == [("BOOKED",)] * 2


def test_b17_a_price_that_changes_after_the_hold_is_not_charged(office: BoxOffice) -> None:
    event = office.event()
    seats = office.seats(event, price=100)
    booking = hold(office.connection, office.user(), event, seats[:2])
    assert change_prices(office.connection, event, Decimal("1.25"), reason="half is sold") == 8
    assert office.all("select distinct price from event_seats where id = any(%s)", seats[:2]) == [(Decimal(100),)]
    assert office.all("select distinct price from event_seats where id = any(%s)", seats[2:]) == [(Decimal(125),)]
    confirm(office.connection, booking)
    assert office.one("select amount from payments where booking_id = %s", booking) == 200
    with pytest.raises(psycopg.Error, match="never changes"):
        office.do("update booking_seats set price_at_booking = 1 where booking_id = %s", booking)
    logged = office.all("select multiplier, seats, reason from price_changes where event_id = %s", event)
    assert logged == [(Decimal("1.25"), 8, "half is sold")]
    dearer = hold(office.connection, office.user(), event, seats[2:3])
    assert office.one("select total_amount from bookings where id = %s", dearer) == 125


@pytest.mark.race
def test_b17_a_price_that_changes_while_seats_are_taken_is_the_one_or_the_other(office: BoxOffice) -> None:
    event = office.event()
    seats = office.seats(event, price=100)
    booking, changed = race(
        office,
        hold_one(office.user(), event, seats[:2]),
        lambda connection: change_prices(connection, event, Decimal("1.10"), reason="test"),
    )
    assert changed == 8
    assert office.one("select total_amount from bookings where id = %s", booking) == 200
    assert office.all("select distinct price from event_seats where id = any(%s)", seats[:2]) == [(Decimal(100),)]


def test_b17_control_without_the_lock_a_held_seat_gets_the_new_price(office: BoxOffice) -> None:
    event = office.event()
    seats = office.seats(event, price=100)
    with without_guard(office, "change_prices", "for no key update skip locked"):
        _, changed = race(
            office,
            hold_one(office.user(), event, seats[:2]),
            lambda connection: change_prices(connection, event, Decimal("1.10"), reason="test"),
        )
    assert changed == 10
    assert office.all("select distinct price from event_seats where event_id = %s", event) == [(Decimal(110),)]


def rush(office: BoxOffice, rows: int, buyers: int) -> None:
    """Buyers take best seats in ones to fours until they are told that none are left; each seat is sold once."""
    event = office.event()
    office.seats(event, rows=rows, in_a_row=25)
    users = [office.user() for _ in range(buyers)]

    def buy(number: int) -> Work:
        def work(connection: Connection) -> int:
            bought, how_many = 0, 1 + number % 4
            while True:
                try:
                    booking = hold_best_available(connection, users[number], event, how_many)
                except RefusedError as refused:
                    if refused.kind != "sold_out" or int(str(refused).split()[0]) >= how_many:
                        raise
                    if how_many == 1:
                        return bought
                    how_many = 1
                    continue
                confirm(connection, booking)
                bought += how_many

        return work

    bought = at_once(office, [buy(number) for number in range(buyers)], clients=min(buyers, 80))
    assert sum(bought) == rows * 25, bought
    assert available(office, event) == 0
    assert office.one("select count(distinct seat_id) from tickets where event_id = %s", event) == rows * 25
    assert office.faults() == []


def test_b18_a_rush_sells_every_seat_once_and_refuses_nobody_while_seats_are_left(office: BoxOffice) -> None:
    rush(office, rows=12, buyers=24)


@pytest.mark.long
def test_b18_a_rush_for_8000_seats(office: BoxOffice) -> None:
    rush(office, rows=320, buyers=80)


def places(office: BoxOffice, booking: int) -> list[str]:
    found = office.all(
        """select section, row_number, seat_number from event_seats inner join booking_seats as lines
               on lines.seat_id = event_seats.id
           where booking_id = %s order by section, rank_of(row_number), seat_number""",
        booking,
    )
    return [" ".join(place) for place in found]


def test_the_best_seats_are_together_in_the_best_section_and_only_then_nearest(office: BoxOffice) -> None:
    event = office.event()
    office.seats(event, rows=2, in_a_row=4, section="A")
    office.seats(event, rows=1, in_a_row=3, section="B")
    office.do(
        "insert into seat_views (event_id, section, view_quality_score) values (%s, 'A', 5), (%s, 'B', 9)", event, event
    )

    def best(how_many: int, section: str | None = None) -> list[str]:
        return places(office, hold_best_available(office.connection, office.user(), event, how_many, section=section))

    assert best(2) == ["B 1 1", "B 1 2"]
    assert best(3, section="A") == ["A 1 1", "A 1 2", "A 1 3"]
    assert best(3) == ["A 2 1", "A 2 2", "A 2 3"]
    assert best(2) == ["A 1 4", "A 2 4"]  # none are together any more
    with pytest.raises(RefusedError, match="1 seats are left, and 2 were asked for"):
        best(2)
    assert best(1) == ["B 1 3"]


def test_a_hold_is_extended_once(office: BoxOffice) -> None:
    event = office.event()
    booking = hold(office.connection, office.user(), event, office.seats(event)[:1])
    office.do("update bookings set hold_expires_at = now() + interval '10 seconds' where id = %s", booking)
    until = extend(office.connection, booking)
    assert office.one("select %s - now() > interval '4 minutes'", until)
    assert office.one("select held_until from stored_seats where current_booking_id = %s", booking) == until
    with pytest.raises(RefusedError, match="already been extended"):
        extend(office.connection, booking)


def test_a_seat_of_a_booking_changes_only_with_it_and_a_confirmed_booking_stays(office: BoxOffice) -> None:
    event = office.event()
    seats = office.seats(event)
    booking = hold(office.connection, office.user(), event, seats[:2])
    with pytest.raises(psycopg.Error, match="belongs to booking"):
        office.do("update event_seats set status = 'AVAILABLE' where id = %s", seats[0])
    confirm(office.connection, booking)
    for statement, given in (
        ("delete from bookings where id = %s", booking),
        ("delete from event_seats where id = %s", seats[0]),
        ("delete from events where id = %s", event),
    ):
        with pytest.raises(psycopg.Error, match=r"is kept|violates"):
            office.do(statement, given)
    with pytest.raises(RefusedError, match="Refund it instead"):
        cancel(office.connection, booking)
    gone = hold(office.connection, office.user(), event, seats[2:4])
    office.do("delete from bookings where id = %s", gone)
    assert available(office, event) == 8
    assert office.faults() == []


def test_counts_are_exact_before_and_after_they_are_folded(office: BoxOffice) -> None:
    event = office.event()
    seats = office.seats(event)
    for seat in seats[:5]:
        hold(office.connection, office.user(), event, [seat])
    assert available(office, event) == 5
    rows = "select count(*) from seat_deltas where event_id = %s"
    assert office.one(rows, event) == 6
    office.one("select fold(10000)")
    assert (office.one(rows, event), available(office, event)) == (1, 5)


def seats_read_by_a_hold(server_url: str, template: str, *, by_id: bool) -> int:
    """How many rows of seats a hold of two reads while 500 others are on hold that the statistics do not know.

    In a database of its own, because other tests leave seats on hold.
    """
    with fresh_database(server_url, template) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set search_path = box_office")
        office = BoxOffice(url, connection)
        event, user = office.event(), office.user()
        seats = office.seats(event, rows=200, in_a_row=25)
        with ExitStack() as stack:
            stack.callback(office.close)
            if not by_id:
                stack.enter_context(without_guard(office, "release_expired_seats", " offset 0"))
            for first in range(0, 500, 50):
                hold(connection, user, event, seats[first : first + 50])
            other = office.connect()
            other.execute("set plan_cache_mode = force_generic_plan")  # as the service has it
            with other.transaction():
                hold(other, user, event, seats[-2:])
                row = other.execute(
                    """select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables
                       where relid = 'box_office.stored_seats'::regclass"""
                ).fetchone()
    assert row
    return int(row[0])


def test_a_hold_reads_its_own_seats_however_many_are_on_hold(server_url: str, template: str) -> None:
    assert seats_read_by_a_hold(server_url, template, by_id=True) < 50
    assert seats_read_by_a_hold(server_url, template, by_id=False) > 400, "the control"
