"""Stripe, by its own library: payment intents, refunds and signed webhooks. No card data passes through us."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import stripe

from tickettape.box_office.providers import (
    BadSignatureError,
    Charge,
    ChargeState,
    ProviderError,
    ProviderEvent,
    Status,
    refund_key,
)

WITHOUT_CENTS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
)
"""Currencies whose amounts Stripe takes in whole units."""

EventType = Literal["succeeded", "failed", "cancelled", "refunded", "ignored"]
EVENTS: dict[str, EventType] = {
    "payment_intent.succeeded": "succeeded",
    "payment_intent.canceled": "cancelled",
    "charge.refunded": "refunded",
}
"""What they mean to us. After payment_intent.payment_failed the buyer may try again, so it ends nothing."""

STATES: dict[str, Status] = {"succeeded": "succeeded", "canceled": "cancelled"}
RETRIES = 2


def to_stripe(amount: Decimal, currency: str) -> int:
    """An amount in Stripe's smallest unit."""
    return int(amount if currency in WITHOUT_CENTS else amount * 100)


def from_stripe(amount: int, currency: str) -> Decimal:
    """An amount of Stripe in our units."""
    return (Decimal(amount) if currency.upper() in WITHOUT_CENTS else Decimal(amount) / 100).quantize(Decimal("0.01"))


@dataclass
class StripeProvider:
    """Payments by Stripe. `api_base` leads to another server, as in tests."""

    api_key: str
    webhook_secret: str
    api_base: str = "https://api.stripe.com"
    name: str = "stripe"
    _client: stripe.StripeClient = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._client = stripe.StripeClient(
            self.api_key, base_addresses={"api": self.api_base}, max_network_retries=RETRIES
        )

    def open(self, charge: Charge) -> ChargeState:
        """As PaymentProvider."""
        with _failures():
            intent = self._client.v1.payment_intents.create(
                {
                    "amount": to_stripe(charge.amount, charge.currency),
                    "currency": charge.currency.lower(),
                    "automatic_payment_methods": {"enabled": True},
                    "metadata": {"payment_id": str(charge.payment_id)},
                },
                {"idempotency_key": charge.key},
            )
        return _state(intent)

    def look_up(self, charge: Charge, provider_id: str | None) -> ChargeState | None:
        """As PaymentProvider. A payment whose id was lost is asked for again with its key: that takes no money."""
        if provider_id is None:
            return self.open(charge)
        with _failures():
            return _state(self._client.v1.payment_intents.retrieve(provider_id))

    def cancel(self, provider_id: str) -> None:
        """As PaymentProvider."""
        with _failures():
            self._client.v1.payment_intents.cancel(provider_id)

    def give_back(self, refund_id: int, provider_id: str, amount: Decimal, currency: str) -> str:
        """As PaymentProvider."""
        with _failures():
            refund = self._client.v1.refunds.create(
                {"payment_intent": provider_id, "amount": to_stripe(amount, currency)},
                {"idempotency_key": refund_key(refund_id)},
            )
        return refund.id

    def read_event(self, payload: bytes, signature: str) -> ProviderEvent:
        """As PaymentProvider."""
        try:
            stripe.Webhook.construct_event(payload, signature, self.webhook_secret)
        except (stripe.SignatureVerificationError, ValueError) as error:
            raise BadSignatureError("The signature of this message is not Stripe's.") from error
        event = json.loads(payload)
        about: dict[str, Any] = event["data"]["object"]
        type_ = EVENTS.get(event["type"], "ignored")
        if type_ == "ignored":
            return ProviderEvent(event["id"], type_, "", None, Decimal(0), "")
        refunded = type_ == "refunded"
        payment_id = (about.get("metadata") or {}).get("payment_id")
        return ProviderEvent(
            event_id=event["id"],
            type=type_,
            provider_id=about["payment_intent" if refunded else "id"],
            payment_id=int(payment_id) if payment_id and not refunded else None,
            amount=from_stripe(about["amount_refunded" if refunded else "amount"], about["currency"]),
            currency=about["currency"].upper(),
        )


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except stripe.StripeError as error:
        raise ProviderError(f"Stripe: {error.user_message or error}") from error


def _state(intent: stripe.PaymentIntent) -> ChargeState:
    currency = intent.currency.upper()
    return ChargeState(
        provider_id=intent.id,
        status=STATES.get(intent.status, "open"),
        amount=from_stripe(intent.amount, currency),
        currency=currency,
        client_secret=intent.client_secret,
    )
