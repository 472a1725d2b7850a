"""Settings of price alerts: the key that protects destinations, and how messages leave."""

from pydantic import SecretStr

from tickettape.settings.base import SettingsGroup, Url


class PriceAlertSettings(SettingsGroup):
    """Settings of price alerts. Without them, rules tell only in their history and feed."""

    price_alerts_key: SecretStr | None = None
    """The key that encrypts destinations and signs stop links: `tickettape price-alerts new-key` makes one. Several,
    separated by spaces: the first one encrypts, all of them decrypt."""

    price_alerts_smtp_url: SecretStr | None = None
    """The mail server and the sender: `smtps://user:password@host:465?from=alerts@example.com`, or `smtp://…`, which
    uses STARTTLS if the server offers it."""

    price_alerts_private_addresses: bool = False
    """Whether messages may be sent to private, loopback and link-local addresses. Every tenant can then reach them."""

    public_url: Url = "http://127.0.0.1:5000"
    """The address of the service as people reach it, for links in messages."""
