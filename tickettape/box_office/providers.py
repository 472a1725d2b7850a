"""What the box office asks of a payment provider. Each provider has a module of its own.

A provider takes and returns money. It never sees what the money is for, and we never see a card.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

Status = Literal["open", "succeeded", "failed", "cancelled"]


class ProviderError(Exception):
    """The provider could not be reached, or answered with a failure that may pass. Asking again is safe."""


class BadSignatureError(Exception):
    """A message that says it is the provider's, and is not."""


@dataclass(frozen=True)
class Charge:
    """One payment as we ask for it. `key` makes asking twice harmless."""

    payment_id: int
    amount: Decimal
    currency: str

    @property
    def key(self) -> str:
        """The idempotency key: one charge for one payment."""
        return f"tickettape-payment-{self.payment_id}"


@dataclass(frozen=True)
class ChargeState:
    """A payment as the provider knows it. `client_secret` lets the buyer pay on the provider's own page."""

    provider_id: str
    status: Status
    amount: Decimal
    currency: str
    client_secret: str | None = None


@dataclass(frozen=True)
class ProviderEvent:
    """A message of the provider. For `refunded`, `amount` is all that was given back so far."""

    event_id: str
    type: Literal["succeeded", "failed", "cancelled", "refunded", "ignored"]
    provider_id: str
    payment_id: int | None
    amount: Decimal
    currency: str


def refund_key(refund_id: int) -> str:
    """The idempotency key of a refund: money is returned once for it."""
    return f"tickettape-refund-{refund_id}"


class PaymentProvider(Protocol):
    """A payment provider."""

    @property
    def name(self) -> str:
        """Under which its payments are stored."""

    def open(self, charge: Charge) -> ChargeState:
        """Ask for a payment. Asked again with the same key, it is the same payment. Raises ProviderError."""

    def look_up(self, charge: Charge, provider_id: str | None) -> ChargeState | None:
        """What became of a payment, without charging anything. None if it never arrived. Raises ProviderError."""

    def cancel(self, provider_id: str) -> None:
        """Close a payment that nobody has paid yet. Raises ProviderError."""

    def give_back(self, refund_id: int, provider_id: str, amount: Decimal, currency: str) -> str:
        """Return money, once for each refund. Returns the provider's id of it. Raises ProviderError."""

    def read_event(self, payload: bytes, signature: str) -> ProviderEvent:
        """A message that arrived. Raises BadSignatureError."""
