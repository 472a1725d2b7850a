import psycopg
import pytest

from tests.support.box_office import BoxOffice
from tickettape.box_office.bookings import hold
from tickettape.box_office.orders import reserve
from tickettape.box_office.payments import pay
from tickettape.box_office.simulated_provider import SimulatedProvider
from tickettape.box_office.upkeep import tidy
from tickettape.box_office.waitlist import join_waitlist
from tickettape.database import Warehouse


def test_a_round_ends_what_has_expired_and_a_second_one_finds_nothing(office: BoxOffice) -> None:
    event = office.event()
    tier, seats = office.tier(event, 10), office.seats(event)
    provider = SimulatedProvider(Warehouse(lambda: psycopg.connect(office.url)), told=lambda _: "delay")
    tidy(office.connection, {"simulated": provider})
    orders = [reserve(office.connection, office.user(), event, {tier: 2}) for _ in range(3)]
    booking = hold(office.connection, office.user(), event, seats[:2])
    pay(office.connection, provider, order_id=orders[0])
    for order in orders[:2]:
        office.expire(order=order)
    office.expire(booking=booking)
    done = tidy(office.connection, {"simulated": provider}, settle_after_seconds=0)
    assert (done.orders, done.bookings, done.payments["cancelled"]) == (2, 1, 1)
    again = tidy(office.connection, {"simulated": provider})
    assert (again.orders, again.bookings) == (0, 0)
    assert office.stock(tier) == (10, 0, 2)
    assert office.faults() == []


def test_an_event_whose_waitlist_cannot_be_served_blocks_no_other(
    office: BoxOffice, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, waits = office.event(), office.event(), office.user()
    office.seats(first)
    join_waitlist(office.connection, office.user(), first, how_many=2)
    join_waitlist(office.connection, waits, second, tier_id=office.tier(second, 4))
    (before,) = office.all("select most_seats from settings")[0]
    office.do("update settings set most_seats = 1")
    try:
        done = tidy(office.connection, {})
    finally:
        office.do("update settings set most_seats = %s", before)
    assert done.offers == 1
    assert office.all("select user_id from notifications where user_id = %s", waits) == [(waits,)]
    assert f"The waitlist of event {first} could not be served: A booking has 1 to 1 seats." in caplog.text
    assert tidy(office.connection, {}).offers == 1
