"""Stripe, by its own library, over real HTTP against a server that answers like it."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.support.box_office import BoxOffice
from tests.support.loopback_servers import served
from tests.support.stripe_server import WEBHOOK_SECRET, StripeServer, signature
from tickettape.box_office.orders import reserve
from tickettape.box_office.payments import pay, receive, refund, settle
from tickettape.box_office.providers import BadSignatureError, Charge, ProviderError
from tickettape.box_office.stripe_provider import StripeProvider, from_stripe, to_stripe


@pytest.fixture
def server() -> StripeServer:
    return StripeServer()


@pytest.fixture
def stripe(server: StripeServer, server_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeProvider]:
    """A client of that server. It uses PostgreSQL's fixture because the library starts a process, `uname`, once."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with served(server) as url:
        yield StripeProvider("sk_test_of_the_tests", WEBHOOK_SECRET, url)


def test_an_order_is_paid_on_stripes_page_and_refunded(
    office: BoxOffice, server: StripeServer, stripe: StripeProvider
) -> None:
    event = office.event()
    tier = office.tier(event, 10)
    order = reserve(office.connection, office.user(), event, {tier: 2})
    begun = pay(office.connection, stripe, order_id=order)
    (intent,) = server.intents
    assert (begun.outcome, begun.client_secret) == ("open", f"{intent}_secret")
    again = pay(office.connection, stripe, order_id=order)
    assert (again.payment_id, list(server.intents)) == (begun.payment_id, [intent])
    server.pay(intent)
    message = server.message("payment_intent.succeeded", server.intents[intent])
    assert [receive(office.connection, stripe, *message) for _ in range(2)] == ["paid", "known"]
    assert office.stock(tier) == (10, 2, 0)
    assert refund(office.connection, order_id=order) == 20
    settle(office.connection, {"stripe": stripe}, older_than_seconds=0)
    assert [one["amount"] for one in server.refunds.values()] == [2000]
    charge = {"id": "ch_1", "object": "charge", "payment_intent": intent, "amount_refunded": 2000, "currency": "usd"}
    assert receive(office.connection, stripe, *server.message("charge.refunded", charge)) == "known"
    assert office.faults() == []


def test_b7_a_message_with_a_bad_signature_changes_nothing(
    office: BoxOffice, server: StripeServer, stripe: StripeProvider
) -> None:
    event = office.event()
    order = reserve(office.connection, office.user(), event, {office.tier(event, 10): 2})
    pay(office.connection, stripe, order_id=order)
    (intent,) = server.intents.values()
    payload, right = server.message("payment_intent.succeeded", intent)
    for forged in (signature(payload, "another secret"), "", right.replace("t=", "t=1")):
        with pytest.raises(BadSignatureError):
            receive(office.connection, stripe, payload, forged)
    with pytest.raises(BadSignatureError):
        receive(office.connection, stripe, payload.replace(b"2000", b"1"), right)
    assert office.one("select status from orders where id = %s", order) == "pending"
    assert receive(office.connection, stripe, payload, right) == "paid"


def test_an_event_that_we_do_not_know_is_ignored(
    office: BoxOffice, server: StripeServer, stripe: StripeProvider
) -> None:
    about = {"id": "pi_1", "object": "payment_intent", "amount": 1, "currency": "usd", "metadata": {}}
    assert receive(office.connection, stripe, *server.message("payment_intent.payment_failed", about)) == "ignored"


def test_a_failure_that_passes_charges_once(server: StripeServer, stripe: StripeProvider) -> None:
    server.failures = 2  # the library repeats as often, with the same key
    charge = Charge(7, Decimal("12.50"), "EUR")
    opened = stripe.open(charge)
    assert opened.amount == Decimal("12.50")
    assert stripe.look_up(charge, None) == opened
    assert set(server.requests) == {"tickettape-payment-7"}
    stripe.cancel(opened.provider_id)
    closed = stripe.look_up(charge, opened.provider_id)
    assert closed is not None
    assert closed.status == "cancelled"
    server.failures = 9
    with pytest.raises(ProviderError):
        stripe.open(Charge(8, Decimal(1), "EUR"))


@pytest.mark.parametrize(("amount", "currency", "minor"), [("10.05", "USD", 1005), ("1200", "JPY", 1200)])
def test_amounts_are_in_the_smallest_unit(amount: str, currency: str, minor: int) -> None:
    assert to_stripe(Decimal(amount), currency) == minor
    assert from_stripe(minor, currency) == Decimal(amount)
