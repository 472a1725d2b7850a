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
"""What one of several marketplaces may set for itself, and the setting that it stands for."""

_URL = AfterValidator(lambda url: url.rstrip("/"))
INTERVALS_MINUTES = (10, 12, 15, 20)  # the seeds' "every 10-20 minutes" that divide an hour


class SeveralMarketplacesError(ValueError):
    """One marketplace was meant, and several are set."""


class Settings(BaseSettings):
    """What can be set, and what holds when it is not.

    Empty values count as unset, so that a line of `.env.example` may stand as it is.
    """

    # AliasChoices: what is set under a variable's old name still holds
    model_config = SettingsConfigDict(
        env_file=ROOT / ".env", env_ignore_empty=True, env_nested_delimiter="__", extra="ignore", populate_by_name=True
    )

    database_url: SecretStr | None = None
    """Postgres to use; unset: the embedded server in `home`/postgres."""

    tickettape_home: Path = ROOT / ".local"
    """Where the embedded server, Dagster's files and caches live."""

    dagster_schema: str = Field(default="dagster", pattern="^[a-z][a-z0-9_]{0,40}$")
    """Schema of Dagster's own tables: another for a program of other marketplaces on the same database."""

    marketplace_url: Annotated[str, _URL] | None = None
    """Base URL of the marketplace's API; unset: the simulator, in-process."""

    marketplace_source: str | None = None
    """The name data is filed under; unset: `vividseats` with a URL, `simulator` without."""

    marketplace_format: str | None = None
    """What speaks there, as the registry calls it; unset: the simulator without a URL or under its name, else Vivid
    Seats."""

    marketplaces: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Several marketplaces at once, instead of the one above: JSON, `{"vividseats": {"url": …}, "simulator": {}}`, or
    a variable each, `MARKETPLACES__VIVIDSEATS__URL`. What one does not set holds as it is set for all; see OF_ONE."""

    user_agent: str = "tickettape/0.1 (ticket price history; set USER_AGENT to say who you are)"
    """Who we say we are: honest, one for all requests."""

    requests_per_second: float = Field(default=10, gt=0, le=1000)
    """Upper bound of requests a second to a marketplace over HTTP, of all processes together."""

    requests_per_minute: int = Field(default=300, ge=1, le=60_000)
    """Upper bound of requests a minute, which holds at once with that of a second."""

    event_deadline_seconds: float = Field(default=30, ge=1, le=100)
    """An event's share of a tick: all its attempts and the waits between them."""

    breaker_blocked_in_a_row: int = Field(default=5, ge=2)
    """Blocked answers in a row that open a marketplace's breaker."""

    breaker_blocked_share: float = Field(default=0.5, gt=0, lt=1)
    """Share of the last answers that, when more were blocked, opens the breaker too."""

    breaker_blocked_of_last: int = Field(default=20, ge=5, le=1000)
    """How many last answers that share is of."""

    breaker_wait_seconds: float = Field(default=300, ge=1)
    """How long an open breaker waits for its first probe: less than a tick's interval, so that each tick probes."""

    scraper_shards: int = Field(default=1, ge=1, le=64)
    """Runs that share a tick; with more than one, the rollups follow in a run of their own."""

    scraper_interval_minutes: int = 10
    """Minutes between two ticks, on the UTC hour's grid."""

    first_day: date = date(2026, 8, 1)
    """First UTC day of the hourly partitions: how far back a backfill may reach."""

    payload_days: int = Field(default=7, ge=1, le=90)
    """Days for which a raw answer is kept, and so can be replayed."""

    raw_months: int = Field(default=4, ge=1, le=120)
    """Months for which captures and snapshots stay in the database before they go to cold storage."""

    hourly_months: int = Field(default=6, ge=1, le=240)
    """Months for which hourly rollups stay in the database before they go to cold storage."""

    scraper_jobs_months: int = Field(default=3, ge=1, le=240)
    """Months for which what each scraping run did is kept."""

    scraper_logs_months: int = Field(default=1, ge=1, le=240)
    """Months for which the lines about scraping runs are kept."""

    dagster_run_days: int = Field(default=30, ge=2, le=3650)
    """Days after which the runs that succeeded go, but the newest of each partition that still has data."""

    dagster_failure_days: int = Field(default=180, ge=2, le=3650)
    """Days after which the runs that failed or were cancelled go."""

    keep_detached_days: int = Field(default=7, ge=0, le=366)
    """Days for which a month's tables stay, out of sight, after cold storage holds them verified."""

    cold_storage_url: Annotated[str, _URL] | None = None
    """Where old months go, as Parquet: a folder or `s3://bucket/prefix`; unset: `home`/cold."""

    storage_options: SecretStr | None = None
    """What else fsspec must know of an object store, as JSON: `{"key": …, "secret": …, "endpoint_url": …}` for S3."""

    backup_url: Annotated[str, _URL] | None = None
    """Where backups go: a folder (of another disk) or `s3://bucket/prefix`; unset: `home`/backups."""

    backups_daily: int = Field(default=7, ge=1, le=366)
    """How many daily backups are kept."""

    backups_weekly: int = Field(default=4, ge=0, le=520)
    """How many weekly backups are kept beside the daily ones."""

    warehouse_disk_gb: float | None = Field(default=None, gt=0)
    """Size of the database server's disk in GB, for a server elsewhere; unset: asked of the disk itself."""

    storage_days_left: int = Field(default=14, ge=1)
    """Days until the database's disk is full, below which its check fails."""

    connections_share: float = Field(default=0.8, gt=0, le=1)
    """Share of the server's connections in use, above which its check fails."""

    partial_tolerance: float = Field(default=0.05, ge=0, le=0.5)
    """How far an answer's listings may differ from its own totals, as a share, before it is partial."""

    misses_to_retire: int = Field(default=3, ge=1)
    """How often in a row the marketplace must not know an event before it is no longer watched."""

    catalogue_refresh_minutes: int = Field(default=60, ge=1)
    """Minutes after which a tracked rule is asked again for new events."""

    captured_share: float = Field(default=0.9, gt=0, le=1)
    """Share of a tick's due events that must be captured for its check to pass."""

    claim_limit: int = Field(default=5_000, ge=1)
    """Most buckets that one refresh of a rollup recomputes; the rest follows in the next."""

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

    sold_after_captures: int = Field(default=3, ge=1, le=6)
    """Ok captures in a row that a listing must be absent from to count as sold: three of 10 minutes outlast the hold
    of a buyer's cart. Change it, then `tickettape rebuild` what was judged by the old one."""

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

    simulator_seed: int = 1
    """Another seed, another simulated market."""

    simulator_events: int = Field(
        default=24, ge=1, le=20_000, validation_alias=AliasChoices("SIMULATOR_EVENTS", "SIMULATOR_PRODUCTIONS")
    )
    """How many simulated events there are."""

    @field_validator("scraper_interval_minutes")
    @classmethod
    def _on_the_hours_grid(cls, minutes: int) -> int:
        if minutes not in INTERVALS_MINUTES:
            choices = ", ".join(map(str, INTERVALS_MINUTES[:-1]))
            raise ValueError(
                f"SCRAPER_INTERVAL_MINUTES is {minutes}; choose {choices} or {INTERVALS_MINUTES[-1]}, "
                "which divide the hour, so that every tick falls on the hour's grid"
            )
        return minutes

    @field_validator("first_day")
    @classmethod
    def _not_in_the_future(cls, day: date) -> date:
        today = datetime.now(UTC).date()
        if day > today:
            raise ValueError(f"FIRST_DAY is {day}, after today ({today} UTC); choose a day that has begun")
        return day

    @field_validator("marketplaces")
    @classmethod
    def _named_and_known(cls, marketplaces: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for source, own in marketplaces.items():
            if not re.fullmatch("[a-z][a-z0-9_]{0,62}", source):
                raise ValueError(
                    f"MARKETPLACES names one {source!r}; write small letters, digits and _, such as vividseats"
                )
            unknown = sorted(set(own) - set(OF_ONE))
            if unknown:
                raise ValueError(
                    f"MARKETPLACES sets {', '.join(unknown)} for {source}, which it cannot; it may set "
                    f"{', '.join(sorted(OF_ONE))}"
                )
        return marketplaces

    @model_validator(mode="after")
    def _one_or_several(self) -> "Settings":
        if self.marketplaces and (self.marketplace_url or self.marketplace_source or self.marketplace_format):
            raise ValueError(
                "MARKETPLACES and MARKETPLACE_URL, _SOURCE or _FORMAT are set: name every marketplace in MARKETPLACES"
            )
        return self

    @model_validator(mode="after")
    def _kept_long_enough(self) -> "Settings":
        """What is derived from something else is not kept longer than its rebuilding needs, nor shorter."""
        shortest_month_days = 28
        if self.payload_days >= self.raw_months * shortest_month_days:
            raise ValueError(
                f"PAYLOAD_DAYS is {self.payload_days} and RAW_MONTHS is {self.raw_months}: a stored answer could be "
                "replayed into a month that has gone to cold storage. Lower PAYLOAD_DAYS or raise RAW_MONTHS"
            )
        if self.hourly_months < self.raw_months:
            raise ValueError(
                f"HOURLY_MONTHS is {self.hourly_months} and RAW_MONTHS is {self.raw_months}: a refresh of raw data "
                "would rebuild days from hours that are gone. Raise HOURLY_MONTHS or lower RAW_MONTHS"
            )
        if self.scraper_logs_months > self.scraper_jobs_months:
            raise ValueError(
                f"SCRAPER_LOGS_MONTHS is {self.scraper_logs_months} and SCRAPER_JOBS_MONTHS is "
                f"{self.scraper_jobs_months}: a log goes with its job. Raise SCRAPER_JOBS_MONTHS or lower "
                "SCRAPER_LOGS_MONTHS"
            )
        if self.dagster_failure_days < self.dagster_run_days:
            raise ValueError(
                f"DAGSTER_FAILURE_DAYS is {self.dagster_failure_days} and DAGSTER_RUN_DAYS is "
                f"{self.dagster_run_days}: a failure is kept at least as long as a success. Raise "
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
                raise ValueError('STORAGE_OPTIONS is no JSON object; write it as {"key": "…", "secret": "…"}')
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
            raise SeveralMarketplacesError(
                f"Several marketplaces are set: {', '.join(self.sources)}. Say which one is meant."
            )
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
            raise ValueError(f"No marketplace is called {source!r}; set are {', '.join(self.sources)}.")
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
