"""Settings of marketplaces: which are watched, how often and how fast each is asked, and when an answer is trusted."""

import re
from typing import Any, Self

from pydantic import AliasChoices, Field, SecretStr, ValidationInfo, field_validator, model_validator

from tickettape.settings.base import SettingsGroup, Url

OF_ONE = {
    "url": "marketplace_url",
    "format": "marketplace_format",
    "token": "marketplace_token",
    "secret": "marketplace_secret",
    "price_basis": "marketplace_price_basis",
    "accepts": "marketplace_accepts",
    "seed": "simulator_seed",
    "events": "simulator_events",
    "interval_minutes": "scraper_interval_minutes",
    **{
        name: name
        for name in (
            "user_agent", "requests_per_second", "requests_per_minute", "event_deadline_seconds",
            "breaker_blocked_in_a_row", "breaker_blocked_share", "breaker_blocked_of_last", "breaker_wait_seconds",
            "catalogue_refresh_minutes", "catalogue_days", "misses_to_retire", "partial_tolerance", "captured_share",
        )
    },
}  # fmt: skip
"""What one of several marketplaces can set for itself -> the setting that it replaces."""

WITH_URL, WITHOUT_URL = "vividseats", "simulator"
"""The default format, and so the default source, of a single marketplace: with MARKETPLACE_URL, and without it."""

SECRETS = ("token", "secret")
"""What of a marketplace's own settings is hidden wherever settings are shown."""

INTERVALS_MINUTES = (10, 12, 15, 20)  # R-068 asks for 10 to 20 minutes; these divide an hour


class SeveralMarketplacesError(ValueError):
    """Something needs exactly one marketplace, but several are set."""


class MarketplaceSettings(SettingsGroup):
    """Settings of marketplaces. If there are several, each can have its own values for the settings in OF_ONE."""

    marketplace_url: Url | None = None
    """Base URL of the marketplace's API; unset: the simulator in this process."""

    marketplace_source: str | None = None
    """The name under which data is stored; unset: `vividseats` with a URL, `simulator` without."""

    marketplace_format: str | None = None
    """The format of the answers, by its name in the registry; unset: `simulator` if no URL is set or the source has
    that name, else `vividseats`."""

    marketplace_token: SecretStr | None = None
    """The token or key of the marketplace's API, if it has one."""

    marketplace_secret: SecretStr | None = None
    """The secret with which requests are signed, if the marketplace asks for it."""

    marketplace_price_basis: str | None = None
    """Which of a marketplace's prices is stored, where it has several and none is the buyer's: for Ticket Evolution
    `retail_price` or `wholesale_price`. It stays the same for as long as the source has this name."""

    marketplace_accepts: str = ""
    """What is not known about a marketplace and is accepted nevertheless, separated by blanks. A marketplace that is
    off by default says at the start what to name here."""

    marketplaces: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Several marketplaces instead of the one above, as JSON, `{"vividseats": {"url": …}, "simulator": {}}`, or as one
    variable per value, `MARKETPLACES__VIVIDSEATS__URL`. For what a marketplace does not set, the common settings hold;
    see OF_ONE."""

    catalogues: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Sources of events without listings, in the form of `marketplaces`. They are asked on demand, never at a tick."""

    catalogue_days: int = Field(default=2, ge=1, le=30)
    """Days for which the events and price ranges of a catalogue are kept after it was last asked for them."""

    user_agent: str = "tickettape/0.1 (ticket price history; set USER_AGENT to say who you are)"
    """The User-Agent header of all requests. It says honestly who we are."""

    requests_per_second: float = Field(default=10, gt=0, le=1000)
    """The most requests per second to a marketplace over HTTP, of all processes together."""

    requests_per_minute: int = Field(default=300, ge=1, le=60_000)
    """The most requests per minute. Both limits hold."""

    event_deadline_seconds: float = Field(default=30, ge=1, le=100)
    """Seconds that one event may take in a tick, with all retries and the waits between them."""

    breaker_blocked_in_a_row: int = Field(default=5, ge=2)
    """How many blocked answers in a row open a marketplace's breaker."""

    breaker_blocked_share: float = Field(default=0.5, gt=0, lt=1)
    """The breaker also opens if more than this share of the last answers was blocked."""

    breaker_blocked_of_last: int = Field(default=20, ge=5, le=1000)
    """How many of the last answers count for `breaker_blocked_share`."""

    breaker_wait_seconds: float = Field(default=300, ge=1)
    """Seconds from opening the breaker to its first probe. Less than a tick's interval, so that each tick probes."""

    scraper_shards: int = Field(default=1, ge=1, le=64)
    """How many runs share a tick. If more than one, the rollups follow in their own run."""

    scraper_interval_minutes: int = 10
    """Minutes between two ticks. Ticks are counted from the full UTC hour."""

    partial_tolerance: float = Field(default=0.05, ge=0, le=0.5)
    """The share by which an answer's listings may differ from its own totals. If they differ more, it is partial."""

    misses_to_retire: int = Field(default=3, ge=1)
    """An event is no longer watched after the marketplace reported it as unknown so many times in a row."""

    catalogue_refresh_minutes: int = Field(default=60, ge=1)
    """Minutes between two discoveries of a tracking rule."""

    captured_share: float = Field(default=0.9, gt=0, le=1)
    """Share of a tick's due events that must be captured for its check to pass."""

    simulator_seed: int = 1
    """The seed of the simulated market. Another seed gives another market."""

    simulator_events: int = Field(
        default=24, ge=1, le=20_000, validation_alias=AliasChoices("SIMULATOR_EVENTS", "SIMULATOR_PRODUCTIONS")
    )
    """How many simulated events there are."""

    simulator_history_hours: int = Field(default=168, ge=0, le=720)
    """Hours before the first tick that are filled in, in the background, on a new database with the simulator; 0: none.
    A real marketplace gets nothing of the kind."""

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

    @field_validator("marketplaces", "catalogues")
    @classmethod
    def _named_and_known(
        cls, marketplaces: dict[str, dict[str, Any]], field: ValidationInfo
    ) -> dict[str, dict[str, Any]]:
        variable = str(field.field_name).upper()
        for source, own in marketplaces.items():
            if not re.fullmatch("[a-z][a-z0-9_]{0,62}", source):
                raise ValueError(
                    f"{variable} has the name {source!r}. Use lower-case letters, digits and _, as in vividseats"
                )
            unknown = sorted(set(own) - set(OF_ONE))
            if unknown:
                raise ValueError(
                    f"{variable} sets {', '.join(unknown)} for {source}, which a marketplace cannot set. It can "
                    f"set {', '.join(sorted(OF_ONE))}"
                )
        return {
            source: {name: _hidden(value) if name in SECRETS else value for name, value in own.items()}
            for source, own in marketplaces.items()
        }

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        if self.marketplaces and (self.marketplace_url or self.marketplace_source or self.marketplace_format):
            raise ValueError(
                "MARKETPLACES cannot be combined with MARKETPLACE_URL, _SOURCE or _FORMAT. Name every marketplace in "
                "MARKETPLACES"
            )
        if both := sorted(set(self.sources) & set(self.catalogues)):
            raise ValueError(f"{both[0]} is in MARKETPLACES and in CATALOGUES. Give one of them another name")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the marketplaces, as in `events.source`."""
        return tuple(self.marketplaces) or (self._only_source,)

    @property
    def source(self) -> str:
        """The name of the only marketplace. Raises SeveralMarketplacesError if there are several."""
        if len(self.sources) > 1:
            raise SeveralMarketplacesError(f"Several marketplaces are set: {', '.join(self.sources)}.")
        return self.sources[0]

    @property
    def format(self) -> str:
        """The format of the marketplace's answers: its name in the registry."""
        if self.marketplace_format is not None:
            return self.marketplace_format
        simulated = self.marketplace_url is None or self._only_source == WITHOUT_URL
        return WITHOUT_URL if simulated else WITH_URL

    @property
    def _only_source(self) -> str:
        return self.marketplace_source or (WITH_URL if self.marketplace_url else WITHOUT_URL)


def _hidden(value: Any) -> Any:
    return SecretStr(value) if isinstance(value, str) and value else value
