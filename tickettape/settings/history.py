"""Settings of the history: where it is kept, for how long, and how its rollups are refreshed."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from tickettape.settings.base import ROOT, SettingsGroup, Url


class HistorySettings(SettingsGroup):
    """Settings of the database, cold storage, backups and rollups."""

    database_url: SecretStr | None = None
    """URL of the PostgreSQL database; unset: the embedded server in `home`/postgres."""

    embedded_port: int | None = Field(default=None, ge=1, le=65_535)
    """A TCP port for the embedded server, which logins use with their passwords; unset: it has only its socket."""

    embedded_host: str = "127.0.0.1"
    """The address of that port. Default: only this machine can reach it."""

    tickettape_home: Path = ROOT / ".local"
    """Folder of the embedded server, of Dagster's files and of caches."""

    dagster_schema: str = Field(default="dagster", pattern="^[a-z][a-z0-9_]{0,40}$")
    """Schema of Dagster's own tables. A second program for other marketplaces on the same database needs its own."""

    first_day: date = date(2026, 8, 1)
    """First UTC day of the hourly partitions: how far back a backfill may reach."""

    payload_days: int = Field(default=7, ge=1, le=90)
    """Days for which a raw answer is kept, and so can be replayed."""

    warm_after_days: int = Field(default=7, ge=3, le=3660)
    """Days after which section snapshots are packed: an event's day becomes one row, some fifteen times smaller."""

    raw_months: int = Field(default=4, ge=1, le=120)
    """Months for which captures and snapshots stay in the database before they go to cold storage."""

    hourly_months: int = Field(default=6, ge=1, le=240)
    """Months for which hourly rollups stay in the database before they go to cold storage."""

    scraper_jobs_months: int = Field(default=3, ge=1, le=240)
    """Months for which scraper jobs are kept."""

    scraper_logs_months: int = Field(default=1, ge=1, le=240)
    """Months for which the log lines of scraper jobs are kept."""

    dagster_run_days: int = Field(default=30, ge=2, le=3650)
    """Days after which Dagster's successful runs are deleted, except the newest of each partition that has data."""

    dagster_failure_days: int = Field(default=180, ge=2, le=3650)
    """Days after which Dagster's failed and cancelled runs are deleted."""

    forecast_zones: bool = False
    """Whether the lowest price of each zone is forecast, too. Get-in prices always are."""

    keep_detached_days: int = Field(default=7, ge=0, le=366)
    """Days for which a month's detached tables are kept after the month was verified in cold storage."""

    cold_storage_url: Url | None = None
    """Cold storage for old months, as Parquet: a folder or `s3://bucket/prefix`; unset: `home`/cold."""

    storage_options: SecretStr | None = None
    """Options of fsspec for an object store, as JSON; for S3 `{"key": …, "secret": …, "endpoint_url": …}`."""

    backup_url: Url | None = None
    """Storage for backups: a folder (on another disk) or `s3://bucket/prefix`; unset: `home`/backups."""

    backups_daily: int = Field(default=7, ge=1, le=366)
    """How many daily backups are kept."""

    backups_weekly: int = Field(default=4, ge=0, le=520)
    """How many weekly backups are kept in addition to the daily ones."""

    warehouse_disk_gb: float | None = Field(default=None, gt=0)
    """Size of the database server's disk in GB, if the server is on another machine; unset: the local disk is asked."""

    storage_days_left: int = Field(default=14, ge=1)
    """The check fails if the database's disk will be full in fewer days than this."""

    connections_share: float = Field(default=0.8, gt=0, le=1)
    """The check fails if more than this share of the server's connections is in use."""

    claim_limit: int = Field(default=5_000, ge=1)
    """The most buckets that one refresh of a rollup recomputes. The next refresh does the rest."""

    sold_after_captures: int = Field(default=3, ge=1, le=6)
    """How many ok captures in a row a listing must be absent from to count as sold. Three captures 10 minutes apart
    last longer than a buyer's cart holds tickets. After a change, `tickettape rebuild` the hours judged by the old
    value."""

    @field_validator("first_day")
    @classmethod
    def _not_in_the_future(cls, day: date) -> date:
        today = datetime.now(UTC).date()
        if day > today:
            raise ValueError(f"FIRST_DAY is {day}, but today is {today} UTC. Choose a day that has begun")
        return day

    @model_validator(mode="after")
    def _kept_long_enough(self) -> Self:
        """Refuse retention limits that contradict each other."""
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

    @property
    def home(self) -> Path:
        """TICKETTAPE_HOME. Not a field of this name: its variable would be HOME, which every shell sets."""
        return self.tickettape_home

    @property
    def fsspec_options(self) -> dict[str, Any]:
        """STORAGE_OPTIONS as a dictionary."""
        return json.loads(self.storage_options.get_secret_value()) if self.storage_options else {}

    @property
    def cold_storage(self) -> str:
        """Cold storage, as a URL or path for fsspec."""
        return self.cold_storage_url or str(self.home / "cold")

    @property
    def backups(self) -> str:
        """The storage for backups, as a URL or path for fsspec."""
        return self.backup_url or str(self.home / "backups")

    @property
    def documentation(self) -> Path:
        """The file of the dbt documentation."""
        return self.home / "docs" / "index.html"
