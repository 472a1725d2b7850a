"""What was sold, and that what is shown in one place is what is shown in another."""

from decimal import Decimal

from tests.support.box_office import BoxOffice
from tickettape.box_office.bookings import confirm, hold
from tickettape.box_office.orders import purchase, reserve
from tickettape.box_office.payments import refund
from tickettape.box_office.sales import discrepancies, sales


def test_b14_availability_in_lists_is_availability_on_the_page(office: BoxOffice) -> None:
    event = office.event()
    tiers, seats = [office.tier(event, 20), office.tier(event, 7)], office.seats(event)
    user = office.user()
    purchase(office.connection, user, event, {tiers[0]: 3})
    expired = reserve(office.connection, user, event, {tiers[0]: 4, tiers[1]: 7})
    held = hold(office.connection, user, event, seats[:4])
    confirm(office.connection, hold(office.connection, user, event, seats[4:6]))
    page = """select (select sum(quantity - sold - reserved) from ticket_tiers where event_id = %(event)s)
                  + (select count(*) from event_seats where event_id = %(event)s and status = 'AVAILABLE')"""
    lists = "select tickets_available from active_events_with_availability where id = %(event)s"

    def shown(query: str) -> object:
        row = office.connection.execute(query.encode(), {"event": event}).fetchone()
        return row and row[0]

    assert shown(page) == shown(lists) == 13 + 4
    office.expire(order=expired, booking=held)
    assert shown(page) == shown(lists) == 24 + 8
    assert sales(office.connection, event)[0].tickets_available == 32
    office.one("select expire_orders()")
    office.one("select expire_bookings()")
    assert shown(page) == shown(lists) == 32


def test_a_summary_adds_up(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    order = purchase(office.connection, user, event, {office.tier(event, 20): 5})
    confirm(office.connection, hold(office.connection, user, event, office.seats(event)[:2]))
    ticket = office.one("select min(id) from tickets where order_id = %s", order)
    refund(office.connection, order_id=order, tickets=[ticket])
    (found,) = sales(office.connection, event)
    assert (found.tickets_sold, found.tickets_available) == (6, 24)
    assert (found.gross, found.refunds, found.net) == (Decimal(70), Decimal(10), Decimal(60))
    assert office.one("select sell_through from event_sales_summary where event_id = %s", event) == Decimal("0.2")


def test_a_contradiction_is_found_and_named(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 5)
    order = purchase(office.connection, office.user(), event, {tier: 1})
    ticket = office.one("select id from tickets where order_id = %s", order)
    office.do("update tickets set status = 'void' where id = %s", ticket)
    assert office.faults() == [("a tier's sold is not its tickets", tier, 1, 0)]
    office.do("update tickets set status = 'valid' where id = %s", ticket)
    office.do("update tier_stock set free = free + 1 where tier_id = %s", tier)
    said = f"a tier's free, reserved and sold are not its quantity: {tier} (6 instead of 5)"
    assert said in map(str, discrepancies(office.connection))
    office.do("update tier_stock set free = free - 1 where tier_id = %s", tier)
