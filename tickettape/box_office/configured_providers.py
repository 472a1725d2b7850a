"""The payment providers that the settings name: Stripe if it has a key, otherwise a simulated one."""

from tickettape.box_office.payments import Providers
from tickettape.box_office.simulated_provider import SimulatedProvider
from tickettape.database import Warehouse
from tickettape.settings import Settings


def providers_of(settings: Settings, warehouse: Warehouse) -> Providers:
    """The providers by their names. `warehouse`: where the simulated one keeps its ledger."""
    if settings.stripe_api_key and settings.stripe_webhook_secret:
        from tickettape.box_office.stripe_provider import StripeProvider  # here: importing it takes half a second

        stripe = StripeProvider(
            settings.stripe_api_key.get_secret_value(),
            settings.stripe_webhook_secret.get_secret_value(),
            settings.stripe_api_base,
        )
        return {stripe.name: stripe}
    simulated = SimulatedProvider(warehouse)
    return {simulated.name: simulated}
