"""The demo's event is sold as its simulator says, beside everybody else who buys."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.box_office import BoxOffice, race
from tickettape.box_office.bookings import confirm, hold_best_available
from tickettape.box_office.simulated_sales import (
    DEMO_PROMOTER,
    SLUG,
    open_simulated_event,
    sell_simulated_event,
    simulated_event,
)
from tickettape.box_office.users import add_user, make_promoter
from tickettape.marketplaces import FirstHandSale, FirstHandSales

SALES = FirstHandSales(seed=5, events=24)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Opened:
    """An invented event on sale here."""

    event_id: int
    sale: FirstHandSale

    def until(self, number: int) -> datetime:
        """The instant of so many purchases."""
        return self.sale.bought(None, self.sale.production.date)[number - 1].at


@pytest.fixture
def opened(office: BoxOffice) -> Iterator[Opened]:
    if office.one("select id from users where email = %s", DEMO_PROMOTER) is None:
        add_user(office.connection, DEMO_PROMOTER, "Demo Promoter", "a long password")
    promoter = make_promoter(office.connection, DEMO_PROMOTER, "Sample Promotions")
    _close(office)  # what another test left open
    sale = SALES.following(datetime.now(UTC))
    event = open_simulated_event(office.connection, sale, promoter)
    yield Opened(event, sale)
    _close(office)


def _close(office: BoxOffice) -> None:
    office.do("update stored_events set status = 'off_sale', slug = 'closed-' || id where starts_with(slug, %s)", SLUG)


def sold(office: BoxOffice, event: int) -> list[tuple[datetime, str, int]]:
    """When how many tickets of which section were sold."""
    query = """select tickets.created_at, section, count(*)
               from tickets inner join stored_seats on stored_seats.id = seat_id
               where tickets.event_id = %s group by tickets.created_at, section, booking_id order by 1, 2, 3"""
    return [(at, section, int(count)) for at, section, count in office.all(query, event)]


def wanted(opened: Opened, until: datetime) -> list[tuple[datetime, str, int]]:
    return sorted((one.at, one.place, one.quantity) for one in opened.sale.bought(None, until))


def test_what_is_sold_is_what_the_simulator_says_and_each_time_only_what_is_new(
    office: BoxOffice, opened: Opened
) -> None:
    for purchases in (3, 7, 7):
        until = opened.until(purchases)
        sell_simulated_event(office.connection, SALES, until)
        assert sold(office, opened.event_id) == wanted(opened, until)
    instants = "select confirmed_at from bookings where event_id = %s order by 1"
    assert [at for (at,) in office.all(instants, opened.event_id)] == [at for at, *_ in wanted(opened, until)]
    assert office.faults() == []


def test_of_two_processes_at_once_one_sells_each_purchase(office: BoxOffice, opened: Opened) -> None:
    until = opened.until(6)
    tickets, nothing = race(office, *[lambda connection: sell_simulated_event(connection, SALES, until)] * 2)
    assert (tickets, nothing) == (sum(count for *_, count in wanted(opened, until)), 0)
    assert sold(office, opened.event_id) == wanted(opened, until)


def test_control_without_the_lock_two_processes_sell_each_purchase_twice(
    office: BoxOffice, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tickettape.box_office.simulated_sales.ONE_AT_A_TIME", "select 1")
    until = opened.until(6)
    race(office, *[lambda connection: sell_simulated_event(connection, SALES, until)] * 2)
    assert sold(office, opened.event_id) == sorted(wanted(opened, until) * 2)


def test_seats_that_people_have_bought_are_not_sold_again(office: BoxOffice, opened: Opened) -> None:
    first, *_ = opened.sale.bought(None, opened.until(1))
    user = office.user()
    taken = office.one(
        "select count(*) from stored_seats where event_id = %s and section = %s", opened.event_id, first.place
    )
    office.do("update settings set most_seats = %s", taken)
    confirm(
        office.connection, hold_best_available(office.connection, user, opened.event_id, taken, section=first.place)
    )
    office.do("update settings set most_seats = 10")
    until = opened.until(9)
    sell_simulated_event(office.connection, SALES, until)
    by_others = [one for one in sold(office, opened.event_id) if one[1] != first.place]
    assert by_others == [one for one in wanted(opened, until) if one[1] != first.place] != []
    assert office.faults() == []


def test_an_event_that_is_over_or_off_sale_is_not_sold_and_comes_back_with_what_it_sold(
    office: BoxOffice, opened: Opened
) -> None:
    found = simulated_event(office.connection, datetime.now(UTC))
    assert found is not None
    assert (found.event_id, found.external_id) == (opened.event_id, opened.sale.external_id)
    assert simulated_event(office.connection, opened.sale.production.date + HOUR) is None
    until = opened.until(2)
    office.do("update stored_events set status = 'off_sale' where id = %s", opened.event_id)
    assert sell_simulated_event(office.connection, SALES, until) == 0
    promoter = office.one("select promoter_id from stored_events where id = %s", opened.event_id)
    assert open_simulated_event(office.connection, opened.sale, promoter) == opened.event_id
    assert sell_simulated_event(office.connection, SALES, until) == sum(count for *_, count in wanted(opened, until))


def test_an_event_of_another_promoter_is_never_sold_to_invented_buyers(office: BoxOffice) -> None:
    event = office.event()
    office.do("update stored_events set slug = 'simulated-100000002' where id = %s", event)
    found = simulated_event(office.connection, datetime.now(UTC))
    assert found is None or found.event_id != event
    office.do("update stored_events set slug = 'another-' || id where id = %s", event)
