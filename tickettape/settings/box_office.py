"""Settings of the box office: its payment provider."""

from pydantic import SecretStr

from tickettape.settings.base import SettingsGroup, Url


class BoxOfficeSettings(SettingsGroup):
    """Settings of payments. Without them, payments are simulated."""

    stripe_api_key: SecretStr | None = None
    """Stripe's secret key. Unset: payments are simulated, and no money moves."""

    stripe_webhook_secret: SecretStr | None = None
    """The secret with which Stripe signs what it sends to us."""

    stripe_api_base: Url = "https://api.stripe.com"
    """Stripe's server."""
