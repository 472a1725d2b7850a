"""Pay orders and bookings through a provider, hear what it says, and return money.

Our transaction and the provider's are two. So what we ask for is committed before we ask, each with a key that makes
asking again harmless, and `settle` finishes whatever a process left behind when it died.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tickettape.box_office.providers import Charge, ChargeState, PaymentProvider, ProviderError
from tickettape.box_office.refusals import call, refusals
from tickettape.database import Connection

Providers = Mapping[str, PaymentProvider]
"""By their names."""

UNSETTLED_AFTER_SECONDS = 60.0  # longer than a request to a provider takes, with its repetitions

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Begun:
    """A payment that has begun: what it is for is known, and perhaps the provider's id of it."""

    charge: Charge
    provider: str
    provider_id: str | None
    status: str


@dataclass(frozen=True)
class Payment:
    """What paying came to: `paid`, `open` (the buyer has to act), `failed`, `returned` or `known`."""

    payment_id: int
    outcome: str
    client_secret: str | None = None


def pay(
    connection: Connection, provider: PaymentProvider, *, order_id: int | None = None, booking_id: int | None = None
) -> Payment:
    """Pay an order or a booking. Said twice, it is one charge.

    Raises RefusedError, or ProviderError: then say it again.
    """
    query = (
        "select id, provider, provider_id, amount, currency, status from box_office.start_payment(%s, %s, %s) as begun"
    )
    with refusals():
        row = connection.execute(query, [order_id, booking_id, provider.name]).fetchone()
    assert row is not None  # noqa: S101  the function returns a row
    payment_id, name, provider_id, amount, currency, status = row
    return carry_out(connection, provider, Begun(Charge(payment_id, amount, currency), name, provider_id, status))


def carry_out(connection: Connection, provider: PaymentProvider, begun: Begun) -> Payment:
    """Ask the provider for a payment that has begun, and write what it says. Said twice, it is one charge.

    Raises ProviderError: then say it again.
    """
    charge = begun.charge
    if begun.status == "succeeded":
        return Payment(charge.payment_id, "known")
    if begun.status in ("failed", "cancelled"):
        return Payment(charge.payment_id, "failed")
    state = provider.open(charge) if begun.provider_id is None else provider.look_up(charge, begun.provider_id)
    outcome = _apply(connection, charge.payment_id, state)
    return Payment(charge.payment_id, outcome, state.client_secret if state else None)


def receive(connection: Connection, provider: PaymentProvider, payload: bytes, signature: str) -> str:
    """A message of the provider. Returns what became of it. Raises BadSignatureError."""
    event = provider.read_event(payload, signature)
    if event.type == "ignored":
        return "ignored"
    query = "select box_office.note_payment_event(%s, %s, %s, %s, %s, %s, %s)"
    values = (event.event_id, event.type, event.payment_id, event.provider_id, event.amount, event.currency)
    return str(call(connection, query, provider.name, *values))


def settle(
    connection: Connection, providers: Providers, *, older_than_seconds: float = UNSETTLED_AFTER_SECONDS
) -> dict[str, int]:
    """Finish what was left behind: payments without an outcome, and money to be returned. Returns counts."""
    counts: dict[str, int] = {}
    rows = connection.execute(
        """select id, provider, provider_id, amount, currency from box_office.payments
           where status in ('created', 'open') and provider = any(%s)
               and updated_at < clock_timestamp() - %s * interval '1 second' order by id""",
        [list(providers), older_than_seconds],
    ).fetchall()
    for payment_id, name, provider_id, amount, currency in rows:
        try:
            outcome = _settle_one(connection, providers[name], Charge(payment_id, amount, currency), provider_id)
        except ProviderError as error:
            log.warning("Payment %s could not be settled yet: %s", payment_id, error)
            outcome = "unreachable"
        counts[outcome] = counts.get(outcome, 0) + 1
    counts["given back"] = give_back_requested(connection, providers)
    return counts


def give_back_requested(connection: Connection, providers: Providers) -> int:
    """Return the money that was asked for. Returns how many refunds were made."""
    rows = connection.execute(
        """select refunds.id, payments.provider, payments.provider_id, refunds.amount, refunds.currency
           from box_office.refunds inner join box_office.payments on payments.id = refunds.payment_id
           where refunds.status = 'requested' and payments.provider = any(%s) order by refunds.id""",
        [list(providers)],
    ).fetchall()
    made = 0
    for refund_id, name, provider_id, amount, currency in rows:
        try:
            made_id = providers[name].give_back(refund_id, provider_id, amount, currency)
        except ProviderError as error:
            log.warning("Refund %s could not be made yet: %s", refund_id, error)
            continue
        connection.execute(
            "update box_office.refunds set status = 'succeeded', provider_id = %s where id = %s", [made_id, refund_id]
        )
        made += 1
    return made


def refund(
    connection: Connection,
    *,
    order_id: int | None = None,
    booking_id: int | None = None,
    tickets: list[int] | None = None,
    reason: str = "asked for",
) -> Decimal:
    """Take tickets back (all that are valid, or those given). `settle` returns the money. Returns the amount."""
    query = "select box_office.refund(%s, %s, %s::bigint[], %s)"
    return Decimal(call(connection, query, order_id, booking_id, tickets, reason))


def _settle_one(connection: Connection, provider: PaymentProvider, charge: Charge, provider_id: str | None) -> str:
    state = provider.look_up(charge, provider_id)
    if state is not None and state.status == "open" and not _is_live(connection, charge.payment_id):
        provider.cancel(state.provider_id)
        state = provider.look_up(charge, state.provider_id)  # the buyer may have been quicker
    return _apply(connection, charge.payment_id, state)


def _is_live(connection: Connection, payment_id: int) -> bool:
    found = connection.execute(
        """select coalesce(orders.status = 'pending' and orders.expires_at > clock_timestamp(),
                           bookings.status = 'HOLD' and bookings.hold_expires_at > clock_timestamp())
           from box_office.payments left join box_office.orders on orders.id = payments.order_id
           left join box_office.bookings on bookings.id = payments.booking_id where payments.id = %s""",
        [payment_id],
    ).fetchone()
    return bool(found and found[0])


def _apply(connection: Connection, payment_id: int, state: ChargeState | None) -> str:
    """Write what the provider knows of a payment."""
    with connection.transaction():
        if state is None:
            query: Any = "select box_office.payment_failed(%s, 'failed', 'it never reached the provider')"
            connection.execute(query, [payment_id])
            return "failed"
        connection.execute("select box_office.payment_opened(%s, %s)", [payment_id, state.provider_id])
        if state.status == "succeeded":
            query = "select box_office.payment_succeeded(%s, %s, %s)"
            return str(call(connection, query, payment_id, state.amount, state.currency))
        if state.status in ("failed", "cancelled"):
            query = "select box_office.payment_failed(%s, %s, 'said by the provider')"
            connection.execute(query, [payment_id, state.status])
        return state.status
