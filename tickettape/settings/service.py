"""Settings of the service: its address and limits, and who is told about incidents."""

from pydantic import AliasChoices, Field, SecretStr

from tickettape.settings.base import SettingsGroup


class ServiceSettings(SettingsGroup):
    """Settings of incidents, the API and the pages."""

    incident_urls: SecretStr | None = Field(default=None, validation_alias=AliasChoices("INCIDENT_URLS", "ALERT_URLS"))
    """Where incidents are sent: apprise URLs (`slack://…`, `mailto://…`, `json://host/path`), separated by spaces."""

    incident_failed_runs: int = Field(
        default=3, ge=1, validation_alias=AliasChoices("INCIDENT_FAILED_RUNS", "ALERT_FAILED_RUNS")
    )
    """How many ticks must fail in a row before it is reported. For any other job one failure is enough."""

    incident_repeat_hours: float = Field(
        default=12, gt=0, validation_alias=AliasChoices("INCIDENT_REPEAT_HOURS", "ALERT_REPEAT_HOURS")
    )
    """Hours after which an incident that is still open is reported again. Until then, repeats are only counted."""

    incident_database_gb: float | None = Field(
        default=None, gt=0, validation_alias=AliasChoices("INCIDENT_DATABASE_GB", "ALERT_DATABASE_GB")
    )
    """A database larger than this many GB is reported; unset: no limit."""

    alive_urls: SecretStr | None = None
    """Where "still alive" messages are sent: apprise URLs, separated by spaces, such as those of a service that raises
    an alarm if no message comes. Unset: none are sent."""

    alive_minutes: int = Field(default=60, ge=1)
    """Minutes between two "still alive" messages."""

    serving_host: str = "127.0.0.1"
    """The address on which the service listens. Default: only this machine can reach it."""

    port: int = Field(default=5000, ge=1, le=65_535)
    """The service's port."""

    serving_processes: int = Field(default=1, ge=1, le=64)
    """Server processes of the service. They share the rate limits of API keys through the database."""

    key_requests_per_minute: int = Field(default=600, ge=1)
    """Requests per minute that an API key may make, unless it has its own limit."""

    key_requests_at_once: int = Field(default=2, ge=1)
    """Requests that one server process answers at once for an API key. The others wait, at most two seconds."""

    key_streams: int = Field(default=50, ge=1)
    """Streams that an API key may have open at once, in each server process."""

    unknown_keys_per_minute: int = Field(default=60, ge=1)
    """Unknown API keys that a server process looks up for one address in a minute; for all addresses, ten times as
    many."""

    cors_origins: str = ""
    """Origins whose web pages may call the API from a browser (`https://example.com`), separated by spaces; `*` for
    all. Unset: none but the service's own."""

    public_hosts: str = ""
    """Names under which visitors reach the service (`tickets.example.com`), separated by spaces, beside addresses and
    localhost. Under other names the pages give out no key."""

    service_error_share: float = Field(default=0.01, ge=0, le=1)
    """The check fails if more than this share of the service's responses are failures (5xx)."""

    service_latency_seconds: float = Field(default=1, gt=0)
    """The check fails unless 95 of 100 responses begin within this many seconds."""

    dashboard_key: SecretStr | None = None
    """The API key that the pages give every visitor; unset: a demo key if only the simulator is watched, else none."""

    row_cap: int = Field(default=10_000, ge=1, le=1_000_000)
    """The most rows of one response."""

    statement_seconds: float = Field(default=5, gt=0, le=300)
    """Seconds after which a query of the service is cancelled."""
