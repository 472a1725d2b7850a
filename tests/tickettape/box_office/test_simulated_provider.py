from decimal import Decimal

import psycopg
import pytest

from tests.support.box_office import BoxOffice
from tickettape.box_office.providers import BadSignatureError, Charge, ProviderError
from tickettape.box_office.simulated_provider import SimulatedProvider, Told
from tickettape.database import Warehouse


def simulated(office: BoxOffice, told: Told = "succeed") -> SimulatedProvider:
    return SimulatedProvider(Warehouse(lambda: psycopg.connect(office.url)), told=lambda _: told)


def test_a_charge_asked_for_twice_is_one_and_a_refund_too(office: BoxOffice) -> None:
    provider, charge = simulated(office), Charge(1_000_001, Decimal("12.50"), "USD")
    before = provider.balance()
    state = provider.open(charge)
    assert provider.open(charge) == state == provider.look_up(charge, None)
    assert provider.balance() - before == Decimal("12.50")
    made = [provider.give_back(1_000_001, state.provider_id, Decimal("2.50"), "USD") for _ in range(2)]
    assert made[0] == made[1]
    assert provider.balance() - before == Decimal("10.00")


def test_it_does_what_it_is_told(office: BoxOffice) -> None:
    assert simulated(office, "fail").open(Charge(1_000_002, Decimal(1), "USD")).status == "failed"
    assert simulated(office, "delay").open(Charge(1_000_003, Decimal(1), "USD")).status == "open"
    with pytest.raises(ProviderError):
        simulated(office, "unreachable").open(Charge(1_000_004, Decimal(1), "USD"))
    assert simulated(office).look_up(Charge(1_000_004, Decimal(1), "USD"), None) is None


def test_its_messages_are_signed(office: BoxOffice) -> None:
    provider = simulated(office)
    state = provider.open(Charge(1_000_005, Decimal(3), "USD"))
    payload, signature = provider.message(state.provider_id)
    event = provider.read_event(payload, signature)
    assert (event.type, event.payment_id, event.amount) == ("succeeded", 1_000_005, Decimal("3.00"))
    with pytest.raises(BadSignatureError):
        provider.read_event(payload + b" ", signature)
