from datetime import UTC, datetime

import pytest

from tests.support.box_office import BoxOffice
from tickettape.box_office import sample_data
from tickettape.box_office.bookings import hold_best_available
from tickettape.box_office.sample_data import (
    STADIUM_SEATS,
    add_sample_events,
    close_demo,
    open_demo,
    seat_plan,
)
from tickettape.box_office.simulated_sales import DEMO_PROMOTER, simulated_event
from tickettape.marketplaces import FirstHandSales


def test_a_plan_has_so_many_seats_and_each_once() -> None:
    plan = list(seat_plan(STADIUM_SEATS))
    places = {(seat.section, seat.row_number, seat.seat_number) for seat in plan}
    assert len(plan) == len(places) == STADIUM_SEATS
    assert len({seat.section for seat in plan}) == 80
    assert plan[0].price > plan[-1].price


def test_the_sample_events_sell(office: BoxOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_data, "STADIUM_SEATS", 6_000)
    for event, seats in zip(add_sample_events(office.connection, datetime.now(UTC)), (5_000, 6_000), strict=True):
        assert office.one("select available_seats from events where id = %s", event) == seats
        booking = hold_best_available(office.connection, office.user(), event, 4)
        query = """select distinct section, row_number from event_seats
                   inner join booking_seats on seat_id = event_seats.id where booking_id = %s"""
        assert office.all(query, booking) == [("S01", "1")]


def test_the_demo_has_an_event_on_sale_with_some_of_it_sold_and_a_new_password_each_time(office: BoxOffice) -> None:
    sales, now = FirstHandSales(seed=1, events=24), datetime.now(UTC)
    passwords = {open_demo(office.connection, sales, now) for _ in range(2)}
    assert len(passwords) == 2
    found = simulated_event(office.connection, now)
    assert found is not None
    event, query = found.event_id, "select tickets_sold, tickets_available from event_sales_summary where event_id = %s"
    ((sold, left),) = office.all(query, event)
    sale = sales.following(now)
    assert sold == sum(one.quantity for one in sale.bought(None, now)) > 100
    assert sold + left == sum(place.seats for place in sale.places)
    hours = office.one("select count(distinct date_trunc('hour', created_at)) from tickets where event_id = %s", event)
    assert hours > 50
    assert office.faults() == []
    close_demo(office.connection)
    assert office.one("select status from stored_events where id = %s", event) == "off_sale"
    assert office.one("select password_hash from users where email = %s", DEMO_PROMOTER) == "!"
