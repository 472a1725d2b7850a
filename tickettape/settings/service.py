"""How the service answers, and whom operators' incidents are told to."""

from pydantic import AliasChoices, Field, SecretStr

from tickettape.settings.base import SettingsGroup


class ServiceSettings(SettingsGroup):
    """Settings of incidents, the API and the charts."""

    incident_urls: SecretStr | None = Field(default=None, validation_alias=AliasChoices("INCIDENT_URLS", "ALERT_URLS"))
    """Whom to tell what is wrong: apprise URLs (`slack://…`, `mailto://…`, `json://host/path`), separated by spaces."""

    incident_failed_runs: int = Field(
        default=3, ge=1, validation_alias=AliasChoices("INCIDENT_FAILED_RUNS", "ALERT_FAILED_RUNS")
    )
    """Ticks that must fail in a row before people are told; of any other job one failure is told."""

    incident_repeat_hours: float = Field(
        default=12, gt=0, validation_alias=AliasChoices("INCIDENT_REPEAT_HOURS", "ALERT_REPEAT_HOURS")
    )
    """Hours after which what is still wrong is told again; until then repeats are counted."""

    incident_database_gb: float | None = Field(
        default=None, gt=0, validation_alias=AliasChoices("INCIDENT_DATABASE_GB", "ALERT_DATABASE_GB")
    )
    """Size of the database in GB above which people are told; unset: no limit of its own."""

    alive_urls: SecretStr | None = None
    """Whom to tell again and again that all is well, so that silence speaks: apprise URLs, separated by spaces, such as
    those of a service that raises the alarm when no message comes. Unset: nobody is told."""

    alive_minutes: int = Field(default=60, ge=1)
    """Minutes between two of these messages."""

    serving_host: str = "127.0.0.1"
    """Where the service listens: this machine alone, unless told otherwise."""

    port: int = Field(default=5000, ge=1, le=65_535)
    """The service's port."""

    serving_processes: int = Field(default=1, ge=1, le=64)
    """Server processes of the service; they share their limits through the database."""

    key_requests_per_minute: int = Field(default=600, ge=1)
    """Requests a minute that an API key may make, unless it has a limit of its own."""

    service_error_share: float = Field(default=0.01, ge=0, le=1)
    """Share of the service's answers that may be failures (5xx) before its check fails."""

    service_latency_seconds: float = Field(default=1, gt=0)
    """Seconds within which 95 of 100 answers must begin for the service's check to pass."""

    dashboard_key: SecretStr | None = None
    """The API key that the dashboard asks with; unset: a demonstration's own on the simulator, else none."""

    row_cap: int = Field(default=10_000, ge=1, le=1_000_000)
    """Most rows of one answer."""

    statement_seconds: float = Field(default=5, gt=0, le=300)
    """How long a question to the database may take before it is refused."""
