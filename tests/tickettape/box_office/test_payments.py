"""Money and tickets agree, however late, often, wrongly or never a provider speaks."""

import signal
import subprocess
import sys
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.support.box_office import BoxOffice, race, without_guard, without_stock_locks
from tickettape.box_office.bookings import cancel, hold
from tickettape.box_office.orders import cancel_order, purchase, reserve
from tickettape.box_office.payments import pay, receive, refund, settle
from tickettape.box_office.providers import BadSignatureError, Charge, ProviderError
from tickettape.box_office.refusals import RefusedError
from tickettape.box_office.simulated_provider import SimulatedProvider, Told
from tickettape.box_office.upkeep import tidy
from tickettape.database import Warehouse
from tickettape.settings import ROOT


def provider(office: BoxOffice, told: Told = "succeed") -> SimulatedProvider:
    return SimulatedProvider(Warehouse(lambda: psycopg.connect(office.url)), told=lambda _: told)


def order_status(office: BoxOffice, order: int) -> str:
    return str(office.one("select status from orders where id = %s", order))


def paid(office: BoxOffice, order: int) -> Decimal:
    """What the order's payments come to, by the provider's own ledger."""
    return Decimal(
        office.one(
            """select coalesce(sum(case kind when 'charge' then ledger.amount else -ledger.amount end), 0)
               from payments inner join simulated_ledger as ledger
                   on payments.provider_id in (ledger.provider_id, ledger.of_charge) and ledger.status = 'succeeded'
               where order_id = %s""",
            order,
        )
    )


def settle_now(office: BoxOffice, simulated: SimulatedProvider) -> None:
    settle(office.connection, {"simulated": simulated}, older_than_seconds=0)


def test_b4_a_payment_after_the_order_expired_takes_the_tickets_again_once_if_they_are_there(office: BoxOffice) -> None:
    event, simulated = office.event(), provider(office, "delay")
    tier = office.tier(event, 5)
    for released in (False, True):
        order = reserve(office.connection, office.user(), event, {tier: 2})
        begun = pay(office.connection, simulated, order_id=order)
        office.expire(order=order)
        if released:
            office.one("select expire_orders()")
        charge = office.one("select provider_id from payments where id = %s", begun.payment_id)
        simulated.complete(charge)
        message = simulated.message(charge)
        assert receive(office.connection, simulated, *message) == "paid"
        assert receive(office.connection, simulated, *simulated.message(charge)) == "known"
        assert order_status(office, order) == "paid"
    assert office.stock(tier) == (5, 4, 0)
    assert office.faults() == []


def test_b4_a_payment_after_the_tickets_were_sold_is_returned_once_and_said(office: BoxOffice) -> None:
    event, user, simulated = office.event(), office.user(), provider(office, "delay")
    tier = office.tier(event, 2)
    order = reserve(office.connection, user, event, {tier: 2})
    begun = pay(office.connection, simulated, order_id=order)
    office.expire(order=order)
    purchase(office.connection, office.user(), event, {tier: 1})
    charge = office.one("select provider_id from payments where id = %s", begun.payment_id)
    simulated.complete(charge)
    message = simulated.message(charge)
    assert receive(office.connection, simulated, *message) == "returned"
    assert receive(office.connection, simulated, *message) == "known"
    for _ in range(2):
        settle_now(office, simulated)
    assert paid(office, order) == 0
    assert office.all("select amount, kind, status from refunds where payment_id = %s", begun.payment_id) == [
        (Decimal(20), "return", "succeeded")
    ]
    assert office.all("select kind, amount from notifications where user_id = %s", user) == [
        ("payment_return", Decimal(20))
    ]
    assert office.stock(tier) == (2, 1, 0)
    assert office.faults() == []


def test_b4_seats_that_are_still_free_are_taken_again_and_others_are_not(office: BoxOffice) -> None:
    event, simulated = office.event(), provider(office, "delay")
    seats = office.seats(event, in_a_row=4)
    again, gone = (hold(office.connection, office.user(), event, seats[at : at + 2]) for at in (0, 2))
    for booking in (again, gone):
        pay(office.connection, simulated, booking_id=booking)
        office.expire(booking=booking)
    office.one("select expire_bookings()")
    hold(office.connection, office.user(), event, seats[3:])
    said = []
    for booking in (again, gone):
        charge = office.one("select provider_id from payments where booking_id = %s", booking)
        simulated.complete(charge)
        said.append(receive(office.connection, simulated, *simulated.message(charge)))
    assert said == ["paid", "returned"]
    assert office.one("select count(*) from tickets where booking_id = %s", again) == 2
    assert office.faults() == []


def pay_two_expired_orders_at_once(office: BoxOffice, tier: int, event: int) -> tuple[list[int], tuple[Any, Any]]:
    """Two orders of one place that have expired, and what becomes of their payments."""
    simulated, orders, messages = provider(office, "delay"), [], []
    for _ in range(2):
        orders.append(reserve(office.connection, office.user(), event, {tier: 1}))
        pay(office.connection, simulated, order_id=orders[-1])
        office.expire(order=orders[-1])
        office.one("select expire_orders()")
        charge = office.one("select provider_id from payments where order_id = %s", orders[-1])
        simulated.complete(charge)
        messages.append(simulated.message(charge))
    said = race(
        office,
        lambda connection: receive(connection, simulated, *messages[0]),
        lambda connection: receive(connection, simulated, *messages[1]),
    )
    settle_now(office, simulated)
    return orders, said


@pytest.mark.race
def test_b5_two_expired_orders_paid_at_once_for_one_place_one_gets_it_the_other_its_money(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 1)
    orders, said = pay_two_expired_orders_at_once(office, tier, event)
    assert said == ("paid", "returned")
    assert [paid(office, order) for order in orders] == [10, 0]
    assert office.stock(tier) == (1, 1, 0)
    assert office.faults() == []


def test_b5_control_without_the_lock_both_get_the_place(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 1)
    with without_stock_locks(office, tier):
        orders, said = pay_two_expired_orders_at_once(office, tier, event)
        assert said == ("paid", "paid")
        assert [paid(office, order) for order in orders] == [10, 10]


@pytest.mark.race
def test_b6_a_double_click_on_pay_is_one_charge(office: BoxOffice) -> None:
    event, simulated = office.event(), provider(office)
    order = reserve(office.connection, office.user(), event, {office.tier(event, 5): 1})
    query = "select id from start_payment(%s, null, 'simulated')"
    first, second = race(office, *[lambda connection: connection.execute(query, [order]).fetchone()] * 2)
    assert first == second
    outcomes = [pay(office.connection, simulated, order_id=order).outcome for _ in range(2)]
    assert outcomes == ["paid", "known"]
    assert paid(office, order) == 10


def test_b6_control_without_the_lock_a_double_click_is_two_charges(office: BoxOffice) -> None:
    event = office.event()
    order = reserve(office.connection, office.user(), event, {office.tier(event, 5): 1})
    query = "select id from start_payment(%s, null, 'simulated')"
    with without_guard(office, "start_payment", "for no key update"):
        first, second = race(office, *[lambda connection: connection.execute(query, [order]).fetchone()] * 2)
    assert first != second


def test_b7_messages_twice_out_of_order_or_forged(office: BoxOffice) -> None:
    event, simulated = office.event(), provider(office, "delay")
    tier = office.tier(event, 5)
    order = reserve(office.connection, office.user(), event, {tier: 2})
    pay(office.connection, simulated, order_id=order)
    charge = office.one("select provider_id from payments where order_id = %s", order)
    simulated.complete(charge)
    payload, signature = simulated.message(charge)
    with pytest.raises(BadSignatureError):
        receive(office.connection, simulated, payload.replace(b"20", b"10"), signature)
    simulated.give_back(999_999, charge, Decimal(20), "USD")  # by hand, at the provider
    refunded = simulated.message(charge)
    said = [receive(office.connection, simulated, *one) for one in (refunded, (payload, signature), refunded)]
    assert said == ["refunded", "known", "known"]
    assert order_status(office, order) == "refunded"
    assert office.stock(tier) == (5, 0, 0)
    assert office.faults() == []


def test_b7_refunding_one_of_two_charges_leaves_the_order_whole(office: BoxOffice) -> None:
    event, simulated = office.event(), provider(office)
    tier = office.tier(event, 5)
    order = reserve(office.connection, office.user(), event, {tier: 2})
    pay(office.connection, simulated, order_id=order)
    # the buyer paid a second time, in another window
    second = office.one(
        "insert into payments (order_id, provider, amount, currency) values (%s, 'simulated', 20, 'USD') returning id",
        order,
    )
    state = simulated.open(Charge(second, Decimal(20), "USD"))
    office.do("select payment_opened(%s, %s)", second, state.provider_id)
    assert receive(office.connection, simulated, *simulated.message(state.provider_id)) == "returned"
    settle_now(office, simulated)
    assert receive(office.connection, simulated, *simulated.message(state.provider_id)) == "known"
    assert (order_status(office, order), int(paid(office, order))) == ("paid", 20)
    assert office.one("select count(*) from tickets where order_id = %s and status = 'valid'", order) == 2
    assert office.faults() == []


@pytest.mark.processes
@pytest.mark.parametrize("point", ["before the charge", "after the charge"])
@pytest.mark.parametrize("in_time", [True, False])
def test_b13_killed_between_charge_and_tickets_the_next_run_finishes_or_refunds(
    office: BoxOffice, point: str, in_time: bool
) -> None:
    event, simulated = office.event(), provider(office)
    tier = office.tier(event, 2)
    order = reserve(office.connection, office.user(), event, {tier: 2})
    command = [sys.executable, "-W", "ignore", "-m", "tests.support.selling_process", office.url, str(order), point]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert office.all("select status from payments where order_id = %s", order) == [("created",)]
    if not in_time:
        office.expire(order=order)
        purchase(office.connection, office.user(), event, {tier: 2})
    settle_now(office, simulated)
    tidy(office.connection, {"simulated": simulated})
    charged = point == "after the charge"
    expected = "paid" if charged and in_time else "pending" if in_time else "expired"
    assert order_status(office, order) == expected
    assert paid(office, order) == (20 if charged and in_time else 0)
    assert office.one("select count(*) from payments where order_id = %s and status in ('created', 'open')", order) == 0
    assert office.one("select count(*) from refunds where status = 'requested'") == 0
    assert office.faults() == []


def test_a_refused_payment_leaves_the_order_to_be_paid_otherwise(office: BoxOffice) -> None:
    event = office.event()
    order = reserve(office.connection, office.user(), event, {office.tier(event, 5): 1})
    assert pay(office.connection, provider(office, "fail"), order_id=order).outcome == "failed"
    assert order_status(office, order) == "pending"
    with pytest.raises(ProviderError):
        pay(office.connection, provider(office, "unreachable"), order_id=order)
    assert pay(office.connection, provider(office), order_id=order).outcome == "paid"
    assert paid(office, order) == 10


def test_a_payment_that_nobody_makes_is_closed_when_the_order_has_expired(office: BoxOffice) -> None:
    event, simulated = office.event(), provider(office, "delay")
    order = reserve(office.connection, office.user(), event, {office.tier(event, 5): 1})
    begun = pay(office.connection, simulated, order_id=order)
    settle_now(office, simulated)
    assert office.one("select status from payments where id = %s", begun.payment_id) == "open"
    office.expire(order=order)
    settle_now(office, simulated)
    assert office.one("select status from payments where id = %s", begun.payment_id) == "cancelled"
    with pytest.raises(RefusedError, match="cannot be paid"):
        pay(office.connection, simulated, order_id=order)


def test_a_payment_of_another_amount_is_returned(office: BoxOffice) -> None:
    event = office.event()
    order = reserve(office.connection, office.user(), event, {office.tier(event, 5): 1})
    payment = office.one("select id from start_payment(%s, null, 'simulated')", order)
    assert office.one("select payment_succeeded(%s, 9.99, 'USD')", payment) == "returned"
    assert office.one("select reason from refunds where payment_id = %s", payment) == "10.00 USD was to be paid"
    assert order_status(office, order) == "pending"
    office.do("update refunds set status = 'succeeded' where payment_id = %s", payment)


def test_a_payment_of_what_was_cancelled_is_returned(office: BoxOffice) -> None:
    event, simulated = office.event(), provider(office, "delay")
    order = reserve(office.connection, office.user(), event, {office.tier(event, 5): 1})
    booking = hold(office.connection, office.user(), event, office.seats(event)[:1])
    pay(office.connection, simulated, order_id=order)
    pay(office.connection, simulated, booking_id=booking)
    cancel_order(office.connection, order)
    cancel(office.connection, booking)
    for charge in office.all("select provider_id from payments where order_id = %s or booking_id = %s", order, booking):
        simulated.complete(charge[0])
    settle_now(office, simulated)
    assert office.all(
        """select refunds.reason, refunds.status from refunds inner join payments on payments.id = payment_id
           where order_id = %s or booking_id = %s order by 1""",
        order, booking,
    ) == [("the booking is CANCELLED", "succeeded"), ("the order is cancelled", "succeeded")]  # fmt: skip
    assert office.faults() == []


def test_tickets_are_refunded_one_by_one_and_then_whole(office: BoxOffice) -> None:
    event, simulated = office.event(), provider(office)
    tier = office.tier(event, 5)
    order = reserve(office.connection, office.user(), event, {tier: 3})
    pay(office.connection, simulated, order_id=order)
    tickets = [ticket for (ticket,) in office.all("select id from tickets where order_id = %s order by id", order)]
    assert refund(office.connection, order_id=order, tickets=tickets[:1]) == 10
    assert (order_status(office, order), office.stock(tier)) == ("partially_refunded", (5, 2, 0))
    assert refund(office.connection, order_id=order) == 20
    assert (order_status(office, order), office.stock(tier)) == ("refunded", (5, 0, 0))
    with pytest.raises(RefusedError, match="no longer valid"):
        refund(office.connection, order_id=order)
    settle_now(office, simulated)
    assert paid(office, order) == 0
    assert office.faults() == []


def test_seats_are_refunded_and_free(office: BoxOffice) -> None:
    event, simulated = office.event(), provider(office)
    booking = hold(office.connection, office.user(), event, office.seats(event)[:3])
    assert pay(office.connection, simulated, booking_id=booking).outcome == "paid"
    ticket = office.one("select min(id) from tickets where booking_id = %s", booking)
    assert refund(office.connection, booking_id=booking, tickets=[ticket]) == 10
    assert office.one("select available_seats from events where id = %s", event) == 8
    assert refund(office.connection, booking_id=booking) == 20
    assert office.one("select available_seats from events where id = %s", event) == 10
    assert office.one("select status from bookings where id = %s", booking) == "CANCELLED"
    assert office.faults() == []


def test_what_costs_nothing_needs_no_provider(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 5, price=0)
    order = reserve(office.connection, office.user(), event, {tier: 1})
    assert pay(office.connection, provider(office, "unreachable"), order_id=order).outcome == "known"
    assert order_status(office, order) == "paid"
    assert refund(office.connection, order_id=order) == 0
    assert office.stock(tier) == (5, 0, 0)
