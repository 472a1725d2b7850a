"""Settings of the box office: its payment provider, sessions, the connection to its database, mail to buyers."""

from pydantic import Field, SecretStr

from tickettape.settings.base import SettingsGroup, Url


class BoxOfficeSettings(SettingsGroup):
    """Settings of the box office. Without a provider, payments are simulated; without a mail server, none is sent."""

    stripe_api_key: SecretStr | None = None
    """Stripe's secret key. Unset: payments are simulated, and no money moves."""

    stripe_webhook_secret: SecretStr | None = None
    """The secret with which Stripe signs what it sends to us."""

    stripe_api_base: Url = "https://api.stripe.com"
    """Stripe's server."""

    stripe_publishable_key: str | None = None
    """Stripe's publishable key, which the pages give to Stripe's payment form."""

    session_hours: float = Field(default=24, gt=0)
    """Hours after which a login at the box office ends."""

    logins_per_minute: int = Field(default=10, ge=1)
    """Wrong passwords and sign-ups of one address, and wrong passwords for one account, in a minute at one process."""

    box_office_plain_database: bool = False
    """Allow the box office a database on another host without TLS, as in a private network of containers."""

    event_archive_days: int = Field(default=30, ge=1)
    """Days after an event until its seats and bookings go to cold storage; never before the event's quarter is over."""

    box_office_smtp_url: SecretStr | None = None
    """The mail server for notices to buyers: smtp://user:password@host:587, or smtps:// with TLS from the start."""

    box_office_mail_from: str | None = None
    """The sender of these notices."""
