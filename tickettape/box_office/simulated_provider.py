"""A payment provider in this process, for trying out and for tests. It can be told to fail, to delay and to repeat.

Its ledger is a table of its own, written apart from our transactions: like a real provider's, it outlives our process.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal, cast

from tickettape.box_office.providers import (
    BadSignatureError,
    Charge,
    ChargeState,
    PaymentProvider,
    ProviderError,
    ProviderEvent,
    Status,
    refund_key,
)
from tickettape.database import Connection, Warehouse

Told = Literal["succeed", "fail", "delay", "unreachable"]


def always_succeed(_: Charge) -> Told:
    """What it does unless it is told otherwise."""
    return "succeed"


def told_to(provider: PaymentProvider, told: Told, provider_id: str | None) -> PaymentProvider:
    """The simulated provider that does what a buyer on trial wants. A payment that is open already ends so.

    Raises ValueError for a real provider.
    """
    if not isinstance(provider, SimulatedProvider):
        raise ValueError("Only a simulated payment can be told how to end.")
    if provider_id and told != "delay":
        provider.complete(provider_id, "failed" if told == "fail" else "succeeded")
    return replace(provider, told=lambda _: told)


@dataclass
class SimulatedProvider:
    """Takes any payment at once, unless `told` says otherwise. A delayed one is open until `complete`."""

    warehouse: Warehouse = field(default_factory=Warehouse)
    told: Callable[[Charge], Told] = always_succeed
    secret: str = "simulated"  # noqa: S105  it signs what only this program reads
    name: str = "simulated"

    def open(self, charge: Charge) -> ChargeState:
        """As PaymentProvider."""
        told = self.told(charge)
        if told == "unreachable":
            raise ProviderError("The simulated provider was told to be unreachable.")
        status = {"succeed": "succeeded", "fail": "failed", "delay": "open"}[told]
        with self.warehouse.connection() as connection:
            connection.execute(
                """insert into box_office.simulated_ledger (key, kind, provider_id, amount, currency, status)
                   values (%s, 'charge', %s, %s, %s, %s) on conflict (key) do nothing""",
                [charge.key, f"sim_{secrets.token_hex(8)}", charge.amount, charge.currency, status],
            )
        state = self.look_up(charge, None)
        assert state is not None  # noqa: S101  it was written just now
        return state

    def look_up(self, charge: Charge, provider_id: str | None) -> ChargeState | None:
        """As PaymentProvider."""
        with self.warehouse.connection() as connection:
            row = connection.execute(
                """select provider_id, status, amount, currency from box_office.simulated_ledger
                   where kind = 'charge' and (key = %s or provider_id = %s)""",
                [charge.key, provider_id],
            ).fetchone()
        return ChargeState(*row) if row else None

    def cancel(self, provider_id: str) -> None:
        """As PaymentProvider."""
        self._set(provider_id, "cancelled")

    def complete(self, provider_id: str, status: Status = "succeeded") -> None:
        """The buyer of a delayed payment has paid, or has failed to."""
        self._set(provider_id, status)

    def give_back(self, refund_id: int, provider_id: str, amount: Decimal, currency: str) -> str:
        """As PaymentProvider."""
        key = refund_key(refund_id)
        with self.warehouse.connection() as connection:
            connection.execute(
                """insert into box_office.simulated_ledger (key, kind, provider_id, of_charge, amount, currency, status)
                   values (%s, 'refund', %s, %s, %s, %s, 'succeeded') on conflict (key) do nothing""",
                [key, f"simre_{secrets.token_hex(8)}", provider_id, amount, currency],
            )
            row = connection.execute(
                "select provider_id from box_office.simulated_ledger where key = %s", [key]
            ).fetchone()
        return str(row[0]) if row else ""

    def message(self, provider_id: str, *, event_id: str | None = None) -> tuple[bytes, str]:
        """What it would send about a payment now, and its signature. With the same event_id it is sent twice."""
        with self.warehouse.connection() as connection:
            key, status, amount, currency, given_back = self._charge(connection, provider_id)
        body = {
            "event_id": event_id or f"simev_{secrets.token_hex(8)}",
            "type": "refunded" if given_back else status,
            "provider_id": provider_id,
            "payment_id": int(key.rsplit("-", 1)[1]),
            "amount": str(given_back or amount),
            "currency": currency,
        }
        payload = json.dumps(body).encode()
        return payload, self._signature(payload)

    def read_event(self, payload: bytes, signature: str) -> ProviderEvent:
        """As PaymentProvider."""
        if not hmac.compare_digest(self._signature(payload), signature):
            raise BadSignatureError("The signature of this message is not the simulated provider's.")
        body = json.loads(payload)
        return ProviderEvent(**{**body, "amount": Decimal(body["amount"])})

    def balance(self) -> Decimal:
        """What it has taken and not given back."""
        with self.warehouse.connection() as connection:
            row = connection.execute(
                """select coalesce(sum(case kind when 'charge' then amount else -amount end), 0)
                   from box_office.simulated_ledger where status = 'succeeded'"""
            ).fetchone()
        return cast(Decimal, row[0]) if row else Decimal(0)

    def _charge(self, connection: Connection, provider_id: str) -> tuple[str, str, Decimal, str, Decimal]:
        row = connection.execute(
            """select key, status, amount, currency, (
                   select coalesce(sum(amount), 0) from box_office.simulated_ledger as refund
                   where refund.of_charge = charge.provider_id)
               from box_office.simulated_ledger as charge where provider_id = %s""",
            [provider_id],
        ).fetchone()
        if row is None:
            raise ProviderError(f"The simulated provider has no payment {provider_id}.")
        return row

    def _set(self, provider_id: str, status: Status) -> None:
        with self.warehouse.connection() as connection:
            connection.execute(
                "update box_office.simulated_ledger set status = %s where provider_id = %s and status = 'open'",
                [status, provider_id],
            )

    def _signature(self, payload: bytes) -> str:
        return hmac.new(self.secret.encode(), payload, hashlib.sha256).hexdigest()
