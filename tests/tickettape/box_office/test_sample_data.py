from datetime import UTC, datetime

import pytest

from tests.support.box_office import BoxOffice
from tickettape.box_office import sample_data
from tickettape.box_office.bookings import hold_best_available
from tickettape.box_office.sample_data import STADIUM_SEATS, add_sample_events, seat_plan


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
