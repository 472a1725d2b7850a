"""The waitlist: in order, each person once, and what is offered is held."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.support.box_office import BoxOffice, Work, race, without_guard
from tickettape.box_office.bookings import hold
from tickettape.box_office.orders import cancel_order, purchase, reserve
from tickettape.box_office.refusals import RefusedError
from tickettape.box_office.waitlist import join_waitlist, offer, offer_what_is_free
from tickettape.database import Connection


def offered(office: BoxOffice, event: int) -> list[int]:
    """Who was offered something, in order."""
    return [
        user
        for (user,) in office.all(
            """select user_id from waitlist inner join offers on offers.waitlist_id = waitlist.id
               where event_id = %s order by offers.id""",
            event,
        )
    ]


def offer_order(office: BoxOffice, user: int) -> int:
    return int(
        office.one(
            "select order_id from offers inner join waitlist on waitlist.id = waitlist_id where user_id = %s", user
        )
    )


def test_b11_after_a_cancel_the_next_person_is_served_and_a_lapsed_offer_goes_on(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 2)
    taken = reserve(office.connection, office.user(), event, {tier: 2})
    users = [office.user() for _ in range(3)]
    entries = [join_waitlist(office.connection, user, event, tier_id=tier, how_many=2) for user in users]
    assert join_waitlist(office.connection, users[0], event, tier_id=tier) == entries[0]
    assert offer_what_is_free(office.connection, event) == 0
    cancel_order(office.connection, taken)
    assert offer_what_is_free(office.connection, event) == 1
    assert office.stock(tier) == (2, 0, 2)
    with pytest.raises(RefusedError):
        purchase(office.connection, office.user(), event, {tier: 1})  # the offer holds it
    cancel_order(office.connection, offer_order(office, users[0]))
    assert offer_what_is_free(office.connection, event) == 1
    office.expire(order=offer_order(office, users[1]))
    assert offer_what_is_free(office.connection, event) == 1
    assert offered(office, event) == users
    assert office.all("select user_id, kind from notifications where user_id = any(%s) order by id", users) == [
        (user, "waitlist_offer") for user in users
    ]
    assert office.faults() == []


def test_b11_an_offer_never_lasts_past_the_sales_end_and_none_is_made_after_it(office: BoxOffice) -> None:
    event = office.event()
    end = datetime.now(UTC) + timedelta(hours=2)
    tier = office.tier(event, 2, sale_end_time=end)
    users = [office.user(), office.user()]
    for user in users:
        join_waitlist(office.connection, user, event)
    assert isinstance(offer(office.connection, office.one("select id from waitlist where user_id = %s", users[0])), int)
    until = office.one("select notification_expires_at from waitlist where user_id = %s", users[0])
    assert end - timedelta(seconds=10) < until <= end
    office.do("update stored_tiers set sale_end_time = now() - interval '1 second' where id = %s", tier)
    assert offer_what_is_free(office.connection, event) == 0
    office.do("update stored_tiers set sale_end_time = null where id = %s", tier)
    office.do("update stored_events set start_time = now() where id = %s", event)
    assert offer_what_is_free(office.connection, event) == 0


@pytest.mark.race
def test_b11_of_an_offer_by_hand_and_one_by_itself_the_person_gets_one(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 5)
    entry = join_waitlist(office.connection, office.user(), event)
    by_hand, by_itself = race(
        office, lambda connection: offer(connection, entry), lambda connection: offer_what_is_free(connection, event)
    )
    assert (isinstance(by_hand, int), by_itself) == (True, 0)
    second = join_waitlist(office.connection, office.user(), event)
    by_itself, by_hand = race(
        office, lambda connection: offer_what_is_free(connection, event), lambda connection: offer(connection, second)
    )
    assert by_itself == 1
    assert isinstance(by_hand, RefusedError)
    assert office.stock(tier) == (5, 0, 2)


def test_b11_two_workers_serve_two_people(office: BoxOffice) -> None:
    event = office.event()
    office.tier(event, 5)
    users = [office.user(), office.user()]
    for user in users:
        join_waitlist(office.connection, user, event)
    query = "select offer_next(%s)"

    def once(connection: Connection) -> object:
        return connection.execute(query, [event]).fetchone()

    race(office, once, once)
    assert sorted(offered(office, event)) == users


def typed_by(statement: str, event: int, user: int) -> Work:
    return lambda connection: connection.execute(statement.encode(), {"event": event, "user": user})


@pytest.mark.race
def test_b11_two_who_join_at_once_have_two_places(office: BoxOffice) -> None:
    event, users = office.event(), (office.user(), office.user())
    typed = """insert into waitlist (event_id, user_id, tier_id, position)
               select %(event)s, %(user)s, null, coalesce(max(position), 0) + 1 from waitlist where event_id = %(event)s
               on conflict (event_id, user_id, tier_id) do nothing"""
    race(office, *(typed_by(typed, event, user) for user in users))
    office.connection.execute(typed, {"event": event, "user": users[0]})
    places = office.all("select position from waitlist where event_id = %s", event)
    assert len(set(places)) == len(places) == 2


def test_b11_control_without_the_trigger_two_who_join_at_once_have_one_place(office: BoxOffice) -> None:
    event, users = office.event(), (office.user(), office.user())
    typed = """insert into waitlist (event_id, user_id, position)
               select %(event)s, %(user)s, coalesce(max(position), 0) + 1 from waitlist where event_id = %(event)s"""
    office.do("alter table waitlist disable trigger give_position")
    try:
        race(office, *(typed_by(typed, event, user) for user in users))
    finally:
        office.do("alter table waitlist enable trigger give_position")
    assert len(set(office.all("select position from waitlist where event_id = %s", event))) == 1


def test_b12_an_offer_that_is_deleted_frees_what_it_holds_and_nothing_if_that_was_sold(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 1)
    first, second = office.user(), office.user()
    for user in (first, second):
        join_waitlist(office.connection, user, event)
    assert offer_what_is_free(office.connection, event) == 1
    office.expire(order=offer_order(office, first))
    purchase(office.connection, office.user(), event, {tier: 1})
    office.do("delete from offers where order_id = %s", offer_order(office, first))
    assert office.stock(tier) == (1, 1, 0)
    assert offer_what_is_free(office.connection, event) == 0
    office.do("update ticket_tiers set quantity = 2 where id = %s", tier)
    assert offer_what_is_free(office.connection, event) == 1
    office.do("delete from waitlist where user_id = %s", second)
    assert office.stock(tier) == (2, 1, 0)
    assert office.faults() == []


def test_b12_control_without_the_check_a_deleted_offer_frees_what_was_sold(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 1)
    user = office.user()
    join_waitlist(office.connection, user, event)
    offer_what_is_free(office.connection, event)
    order = offer_order(office, user)
    office.do("update orders set status = 'paid', expires_at = null where id = %s", order)
    with without_guard(office, "withdraw_offer", "and status = 'pending'"):
        office.do("delete from offers where order_id = %s", order)
    assert office.left(tier) == 1


def test_seats_are_offered_by_section_and_price(office: BoxOffice) -> None:
    event = office.event()
    office.seats(event, section="A", price=50)
    office.seats(event, section="B", price=20)
    cheap, in_a, poor = office.user(), office.user(), office.user()
    join_waitlist(office.connection, poor, event, most_price=Decimal(10))
    join_waitlist(office.connection, cheap, event, how_many=2, most_price=Decimal(30))
    join_waitlist(office.connection, in_a, event, section="A")
    assert offer_what_is_free(office.connection, event) == 2
    held = office.all(
        """select bookings.user_id, section, hold_expires_at > now() + interval '23 hours' from bookings
           inner join event_seats on current_booking_id = bookings.id where bookings.event_id = %s order by 1, 2""",
        event,
    )
    assert held == [(cheap, "B", True), (cheap, "B", True), (in_a, "A", True)]
    assert hold(office.connection, poor, event, [office.one(
        "select min(id) from event_seats where event_id = %s and status = 'AVAILABLE'", event)])  # fmt: skip


def test_the_queries_that_notify_run_as_they_are_written(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    entry = join_waitlist(office.connection, user, event)
    query = """select w.id, w.user_id, u.email, u.first_name
        from waitlist w join users u on w.user_id = u.id
        where w.event_id = %s and w.notified = false and (w.tier_id = %s or w.tier_id is null)
        order by w.position limit %s for update skip locked"""
    assert [row[0] for row in office.all(query, event, 1, 5)] == [entry]
    office.do(
        """update waitlist set notified = true, notified_at = current_timestamp,
               notification_expires_at = current_timestamp + interval '24 hours' where id = any(%s)""",
        [entry],
    )
    assert office.all(query, event, 1, 5) == []
