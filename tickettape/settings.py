"""Every environment variable, typed, with its default, read once.

Nothing else in the project reads the environment. A variable that is not here has no effect; `.env.example`
shows them all, and a test compares the two.
"""

import json
import re
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[1]
OF_ONE = {
    "url": "marketplace_url",
    "format": "marketplace_format",
    "seed": "simulator_seed",
    "events": "simulator_events",
    "interval_minutes": "scraper_interval_minutes",
    **{
        name: name
        for name in (
            "user_agent", "requests_per_second", "requests_per_minute", "event_deadline_seconds",
            "breaker_blocked_in_a_row", "breaker_blocked_share", "breaker_blocked_of_last", "breaker_wait_seconds",
            "catalogue_refresh_minutes", "misses_to_retire", "partial_tolerance", "captured_share",
        )
    },
}  # fmt: skip
"""What one of several marketplaces may set for itself, and the general setting that it replaces."""

_URL = AfterValidator(lambda url: url.rstrip("/"))
INTERVALS_MINUTES = (10, 12, 15, 20)  # R-068 asks for 10 to 20 minutes; these divide an hour


class SeveralMarketplacesError(ValueError):
    """Several marketplaces are set where only one can be meant."""


class Settings(BaseSettings):
    """All settings, with their defaults.

    Empty values count as unset, so that a line of `.env.example` can be kept as it is.
    """

    # AliasChoices: the old names of variables still work
    model_config = SettingsConfigDict(
        env_file=ROOT / ".env", env_ignore_empty=True, env_nested_delimiter="__", extra="ignore", populate_by_name=True
    )

    database_url: SecretStr | None = None
    """The PostgreSQL database. Unset: the embedded server in `home`/postgres."""

    tickettape_home: Path = ROOT / ".local"
    """The folder of the embedded server, Dagster's files and caches."""

    dagster_schema: str = Field(default="dagster", pattern="^[a-z][a-z0-9_]{0,40}$")
    """The schema of Dagster's own tables. A program of other marketplaces on the same database needs its own."""

    marketplace_url: Annotated[str, _URL] | None = None
    """The base URL of the marketplace's API. Unset: the simulator, in this process."""

    marketplace_source: str | None = None
    """The name under which data is stored. Unset: `vividseats` if a URL is set, otherwise `simulator`."""

    marketplace_format: str | None = None
    """The format that the marketplace speaks, by its name in the registry. Unset: the simulator if no URL is set or the
    source is named so, otherwise Vivid Seats."""

    marketplaces: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Several marketplaces instead of the one above: JSON, `{"vividseats": {"url": …}, "simulator": {}}`, or a variable
    for each value, `MARKETPLACES__VIVIDSEATS__URL`. The general settings apply to all other values; see OF_ONE."""

    user_agent: str = "tickettape/0.1 (ticket price history; set USER_AGENT to say who you are)"
    """How we identify ourselves: honestly, and the same in all requests."""

    requests_per_second: float = Field(default=10, gt=0, le=1000)
    """The most requests per second to a marketplace over HTTP, of all processes together."""

    requests_per_minute: int = Field(default=300, ge=1, le=60_000)
    """The most requests per minute. It applies together with the limit per second."""

    event_deadline_seconds: float = Field(default=30, ge=1, le=100)
    """How long an event may take in a tick: all attempts and the waits between them."""

    breaker_blocked_in_a_row: int = Field(default=5, ge=2)
    """How many blocked answers in a row open a marketplace's breaker."""

    breaker_blocked_share: float = Field(default=0.5, gt=0, lt=1)
    """The breaker also opens when more than this share of the last answers was blocked."""

    breaker_blocked_of_last: int = Field(default=20, ge=5, le=1000)
    """How many of the last answers this share is taken over."""

    breaker_wait_seconds: float = Field(default=300, ge=1)
    """How long an open breaker waits before its first probe: less than a tick's interval, so that each tick probes."""

    scraper_shards: int = Field(default=1, ge=1, le=64)
    """How many runs share a tick. With more than one, the rollups follow in a run of their own."""

    scraper_interval_minutes: int = 10
    """Minutes between two ticks. They must divide an hour."""

    first_day: date = date(2026, 8, 1)
    """The first UTC day of the hourly partitions, which limits how far back a backfill can go."""

    payload_days: int = Field(default=7, ge=1, le=90)
    """How many days a raw answer is kept, and so can be replayed."""

    raw_months: int = Field(default=4, ge=1, le=120)
    """How many months captures and snapshots stay in the database before they go to cold storage."""

    hourly_months: int = Field(default=6, ge=1, le=240)
    """How many months hourly rollups stay in the database before they go to cold storage."""

    scraper_jobs_months: int = Field(default=3, ge=1, le=240)
    """How many months the records of scraper jobs are kept."""

    scraper_logs_months: int = Field(default=1, ge=1, le=240)
    """How many months the log lines of scraper jobs are kept."""

    dagster_run_days: int = Field(default=30, ge=2, le=3650)
    """How many days successful Dagster runs are kept. The newest run of a partition that still has data is always "
    "kept."""

    dagster_failure_days: int = Field(default=180, ge=2, le=3650)
    """How many days failed or cancelled Dagster runs are kept."""

    keep_detached_days: int = Field(default=7, ge=0, le=366)
    """How many days the detached tables of a month are kept after it was verified in cold storage."""

    cold_storage_url: Annotated[str, _URL] | None = None
    """Cold storage for old months, as Parquet: a folder or `s3://bucket/prefix`. Unset: `home`/cold."""

    storage_options: SecretStr | None = None
    """Options for fsspec to reach an object store, as JSON: `{"key": …, "secret": …, "endpoint_url": …}` for S3."""

    backup_url: Annotated[str, _URL] | None = None
    """Where backups go: a folder (on another disk) or `s3://bucket/prefix`. Unset: `home`/backups."""

    backups_daily: int = Field(default=7, ge=1, le=366)
    """How many daily backups are kept."""

    backups_weekly: int = Field(default=4, ge=0, le=520)
    """How many weekly backups are kept in addition to the daily ones."""

    warehouse_disk_gb: float | None = Field(default=None, gt=0)
    """The size in GB of the disk of a database server on another machine. Unset: measured on this machine."""

    storage_days_left: int = Field(default=14, ge=1)
    """The check fails when the database's disk will be full in fewer days than this."""

    connections_share: float = Field(default=0.8, gt=0, le=1)
    """The check fails when more than this share of the server's connections is in use."""

    partial_tolerance: float = Field(default=0.05, ge=0, le=0.5)
    """By what share an answer's listings may differ from its own totals before it counts as partial."""

    misses_to_retire: int = Field(default=3, ge=1)
    """How often in a row the marketplace must report an event as unknown before it is retired."""

    catalogue_refresh_minutes: int = Field(default=60, ge=1)
    """Minutes after which the marketplace is asked again for new events of a tracking rule."""

    captured_share: float = Field(default=0.9, gt=0, le=1)
    """The share of a tick's due events that must be captured for the check to pass."""

    claim_limit: int = Field(default=5_000, ge=1)
    """The most buckets that one refresh of a rollup recomputes. The rest follows in the next refresh."""

    incident_urls: SecretStr | None = Field(default=None, validation_alias=AliasChoices("INCIDENT_URLS", "ALERT_URLS"))
    """Where incidents are reported: apprise URLs (`slack://…`, `mailto://…`, `json://host/path`), separated by "
    "spaces."""

    incident_failed_runs: int = Field(
        default=3, ge=1, validation_alias=AliasChoices("INCIDENT_FAILED_RUNS", "ALERT_FAILED_RUNS")
    )
    """How many ticks must fail in a row before it is reported. For any other job, one failed run is enough."""

    incident_repeat_hours: float = Field(
        default=12, gt=0, validation_alias=AliasChoices("INCIDENT_REPEAT_HOURS", "ALERT_REPEAT_HOURS")
    )
    """Hours after which a continuing incident is reported again. Until then repeats are counted."""

    incident_database_gb: float | None = Field(
        default=None, gt=0, validation_alias=AliasChoices("INCIDENT_DATABASE_GB", "ALERT_DATABASE_GB")
    )
    """A database larger than this many GB is reported. Unset: no limit."""

    sold_after_captures: int = Field(default=3, ge=1, le=6)
    """How many ok captures in a row a listing must be absent from to count as sold. Three, 10 minutes apart, outlast a
    buyer's cart. After a change, run `tickettape rebuild` to judge old departures again."""

    serving_host: str = "127.0.0.1"
    """The address on which the service listens. By default only this machine can reach it."""

    port: int = Field(default=5000, ge=1, le=65_535)
    """The service's port."""

    serving_processes: int = Field(default=1, ge=1, le=64)
    """How many processes the service runs. They share their limits through the database."""

    key_requests_per_minute: int = Field(default=600, ge=1)
    """Requests per minute for an API key that has no limit of its own."""

    service_error_share: float = Field(default=0.01, ge=0, le=1)
    """The check fails when more than this share of the service's responses are failures (5xx)."""

    service_latency_seconds: float = Field(default=1, gt=0)
    """The check fails unless 95 of 100 responses begin within this many seconds."""

    dashboard_key: SecretStr | None = None
    """The API key that the charts use. Unset: a demo key with the simulator, otherwise none."""

    row_cap: int = Field(default=10_000, ge=1, le=1_000_000)
    """The most rows in one response."""

    statement_seconds: float = Field(default=5, gt=0, le=300)
    """How long a database query of the service may take before it is cancelled."""

    simulator_seed: int = 1
    """Another seed gives another simulated market."""

    simulator_events: int = Field(
        default=24, ge=1, le=20_000, validation_alias=AliasChoices("SIMULATOR_EVENTS", "SIMULATOR_PRODUCTIONS")
    )
    """The number of simulated events."""

    @field_validator("scraper_interval_minutes")
    @classmethod
    def _on_the_hours_grid(cls, minutes: int) -> int:
        if minutes not in INTERVALS_MINUTES:
            choices = ", ".join(map(str, INTERVALS_MINUTES[:-1]))
            raise ValueError(
                f"SCRAPER_INTERVAL_MINUTES is {minutes}. Choose {choices} or {INTERVALS_MINUTES[-1]}, which divide "
                "an hour evenly, so that ticks fall on the hour"
            )
        return minutes

    @field_validator("first_day")
    @classmethod
    def _not_in_the_future(cls, day: date) -> date:
        today = datetime.now(UTC).date()
        if day > today:
            raise ValueError(f"FIRST_DAY is {day}, but today is {today} UTC. Choose a day that has begun")
        return day

    @field_validator("marketplaces")
    @classmethod
    def _named_and_known(cls, marketplaces: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for source, own in marketplaces.items():
            if not re.fullmatch("[a-z][a-z0-9_]{0,62}", source):
                raise ValueError(
                    f"MARKETPLACES has the name {source!r}. Use lower-case letters, digits and _, as in vividseats"
                )
            unknown = sorted(set(own) - set(OF_ONE))
            if unknown:
                raise ValueError(
                    f"MARKETPLACES sets {', '.join(unknown)} for {source}, which a marketplace cannot set. It can "
                    f"set {', '.join(sorted(OF_ONE))}"
                )
        return marketplaces

    @model_validator(mode="after")
    def _one_or_several(self) -> "Settings":
        if self.marketplaces and (self.marketplace_url or self.marketplace_source or self.marketplace_format):
            raise ValueError(
                "MARKETPLACES cannot be combined with MARKETPLACE_URL, _SOURCE or _FORMAT. Name every marketplace in "
                "MARKETPLACES"
            )
        return self

    @model_validator(mode="after")
    def _kept_long_enough(self) -> "Settings":
        """What is derived from something else is not kept longer than its rebuilding needs, nor shorter."""
        shortest_month_days = 28
        if self.payload_days >= self.raw_months * shortest_month_days:
            raise ValueError(
                f"PAYLOAD_DAYS is {self.payload_days} and RAW_MONTHS is {self.raw_months}. A stored answer could be "
                "replayed into a month that is already in cold storage. Lower PAYLOAD_DAYS or raise RAW_MONTHS"
            )
        if self.hourly_months < self.raw_months:
            raise ValueError(
                f"HOURLY_MONTHS is {self.hourly_months} and RAW_MONTHS is {self.raw_months}. A refresh of raw data "
                "would rebuild days from hours that were deleted. Raise HOURLY_MONTHS or lower RAW_MONTHS"
            )
        if self.scraper_logs_months > self.scraper_jobs_months:
            raise ValueError(
                f"SCRAPER_LOGS_MONTHS is {self.scraper_logs_months} and SCRAPER_JOBS_MONTHS is "
                f"{self.scraper_jobs_months}, but a log line is deleted with its job. Raise SCRAPER_JOBS_MONTHS or "
                "lower SCRAPER_LOGS_MONTHS"
            )
        if self.dagster_failure_days < self.dagster_run_days:
            raise ValueError(
                f"DAGSTER_FAILURE_DAYS is {self.dagster_failure_days} and DAGSTER_RUN_DAYS is "
                f"{self.dagster_run_days}, but failed runs must be kept at least as long as successful ones. Raise "
                "DAGSTER_FAILURE_DAYS or lower DAGSTER_RUN_DAYS"
            )
        return self

    @field_validator("storage_options")
    @classmethod
    def _an_object(cls, options: SecretStr | None) -> SecretStr | None:
        if options is not None:
            try:
                parsed = json.loads(options.get_secret_value())
            except ValueError:
                parsed = None
            if not isinstance(parsed, dict):
                raise ValueError('STORAGE_OPTIONS is not a JSON object. Write it as {"key": "…", "secret": "…"}')
        return options

    @classmethod
    def variables(cls) -> set[str]:
        """The names of the environment variables, as `.env.example` shows them."""
        names = set()
        for field_name, field in cls.model_fields.items():
            alias = field.validation_alias
            names.add(str(alias.choices[0] if isinstance(alias, AliasChoices) else alias or field_name).upper())
        return names

    @property
    def home(self) -> Path:
        """TICKETTAPE_HOME. Not a field: its variable would be HOME, which every shell sets."""
        return self.tickettape_home

    @property
    def fsspec_options(self) -> dict[str, Any]:
        """What STORAGE_OPTIONS says."""
        return json.loads(self.storage_options.get_secret_value()) if self.storage_options else {}

    @property
    def cold_storage(self) -> str:
        """Where old months go: a URL that fsspec knows."""
        return self.cold_storage_url or str(self.home / "cold")

    @property
    def backups(self) -> str:
        """Where backups go: a URL that fsspec knows."""
        return self.backup_url or str(self.home / "backups")

    @property
    def documentation(self) -> Path:
        """The page of the dbt documentation."""
        return self.home / "docs" / "index.html"

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the marketplaces, as in `events.source`."""
        return tuple(self.marketplaces) or (self._only_source,)

    @property
    def source(self) -> str:
        """The marketplace's name, where there is one. Raises SeveralMarketplacesError where there are more."""
        if len(self.sources) > 1:
            raise SeveralMarketplacesError(f"Several marketplaces are set: {', '.join(self.sources)}.")
        return self.sources[0]

    @property
    def format(self) -> str:
        """What the marketplace speaks: its name in the registry."""
        if self.marketplace_format is not None:
            return self.marketplace_format
        return "simulator" if self.marketplace_url is None or self._only_source == "simulator" else "vividseats"

    def of_source(self, source: str) -> "Settings":
        """What is set for one marketplace: its own values, and for the rest those of all.

        Raises ValueError for a marketplace that is not set, and for a value of its own that cannot be.
        """
        if source not in self.sources:
            raise ValueError(f"There is no marketplace {source!r}. These are set: {', '.join(self.sources)}.")
        if not self.marketplaces:
            return self
        own = {OF_ONE[name]: value for name, value in self.marketplaces[source].items()}
        known = {"marketplace_source": source, "marketplace_format": source} | own
        return _GivenSettings(**{**self.model_dump(), **known, "marketplaces": {}})

    @property
    def _only_source(self) -> str:
        return self.marketplace_source or ("vividseats" if self.marketplace_url else "simulator")


class _GivenSettings(Settings):
    """Settings of which all is given: nothing is read from the environment again."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


@cache
def settings() -> Settings:
    """The settings of this process, read at the first call."""
    return Settings()
