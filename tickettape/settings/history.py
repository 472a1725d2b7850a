"""Where the history is kept, for how long, and how its rollups are refreshed."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from tickettape.settings.base import ROOT, SettingsGroup, Url


class HistorySettings(SettingsGroup):
    """Settings of the database, cold storage, backups and rollups."""

    database_url: SecretStr | None = None
    """Postgres to use; unset: the embedded server in `home`/postgres."""

    tickettape_home: Path = ROOT / ".local"
    """Where the embedded server, Dagster's files and caches live."""

    dagster_schema: str = Field(default="dagster", pattern="^[a-z][a-z0-9_]{0,40}$")
    """Schema of Dagster's own tables: another for a program of other marketplaces on the same database."""

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

    cold_storage_url: Url | None = None
    """Where old months go, as Parquet: a folder or `s3://bucket/prefix`; unset: `home`/cold."""

    storage_options: SecretStr | None = None
    """What else fsspec must know of an object store, as JSON: `{"key": …, "secret": …, "endpoint_url": …}` for S3."""

    backup_url: Url | None = None
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

    claim_limit: int = Field(default=5_000, ge=1)
    """Most buckets that one refresh of a rollup recomputes; the rest follows in the next."""

    sold_after_captures: int = Field(default=3, ge=1, le=6)
    """Ok captures in a row that a listing must be absent from to count as sold: three of 10 minutes outlast the hold
    of a buyer's cart. Change it, then `tickettape rebuild` what was judged by the old one."""

    @field_validator("first_day")
    @classmethod
    def _not_in_the_future(cls, day: date) -> date:
        today = datetime.now(UTC).date()
        if day > today:
            raise ValueError(f"FIRST_DAY is {day}, but today is {today} UTC. Choose a day that has begun")
        return day

    @model_validator(mode="after")
    def _kept_long_enough(self) -> Self:
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
