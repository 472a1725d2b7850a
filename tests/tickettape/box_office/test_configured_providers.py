import pytest

from tickettape.box_office.configured_providers import providers_of
from tickettape.box_office.simulated_provider import SimulatedProvider
from tickettape.box_office.stripe_provider import StripeProvider
from tickettape.database import Warehouse
from tickettape.settings import Settings


def test_payments_are_simulated_until_stripe_has_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [type(one) for one in providers_of(Settings(), Warehouse()).values()] == [SimulatedProvider]
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_1")
    assert list(providers_of(Settings(), Warehouse())) == ["simulated"]
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_1")
    monkeypatch.setenv("STRIPE_API_BASE", "http://127.0.0.1:12111/")
    stripe = providers_of(Settings(), Warehouse())["stripe"]
    assert isinstance(stripe, StripeProvider)
    assert (stripe.api_key, stripe.api_base) == ("sk_test_1", "http://127.0.0.1:12111")
    assert "sk_test_1" not in str(Settings().stripe_api_key)
