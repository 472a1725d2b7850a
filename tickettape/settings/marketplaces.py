"""Which marketplaces are watched, how often and how gently each is asked, and when an answer is believed."""

import re
from typing import Any, Self

from pydantic import AliasChoices, Field, field_validator, model_validator

from tickettape.settings.base import SettingsGroup, Url

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

WITH_URL, WITHOUT_URL = "vividseats", "simulator"
"""The format, and so the source, that one marketplace has where neither is set: with MARKETPLACE_URL, and without."""

INTERVALS_MINUTES = (10, 12, 15, 20)  # R-068 asks for 10 to 20 minutes; these divide an hour


class SeveralMarketplacesError(ValueError):
    """One marketplace was meant, and several are set."""


class MarketplaceSettings(SettingsGroup):
    """Settings of marketplaces. With several, those of OF_ONE may be set for each."""

    marketplace_url: Url | None = None
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

    partial_tolerance: float = Field(default=0.05, ge=0, le=0.5)
    """How far an answer's listings may differ from its own totals, as a share, before it is partial."""

    misses_to_retire: int = Field(default=3, ge=1)
    """How often in a row the marketplace must not know an event before it is no longer watched."""

    catalogue_refresh_minutes: int = Field(default=60, ge=1)
    """Minutes after which a tracked rule is asked again for new events."""

    captured_share: float = Field(default=0.9, gt=0, le=1)
    """Share of a tick's due events that must be captured for its check to pass."""

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
                f"SCRAPER_INTERVAL_MINUTES is {minutes}. Choose {choices} or {INTERVALS_MINUTES[-1]}, which divide "
                "an hour evenly, so that ticks fall on the hour"
            )
        return minutes

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
    def _one_or_several(self) -> Self:
        if self.marketplaces and (self.marketplace_url or self.marketplace_source or self.marketplace_format):
            raise ValueError(
                "MARKETPLACES cannot be combined with MARKETPLACE_URL, _SOURCE or _FORMAT. Name every marketplace in "
                "MARKETPLACES"
            )
        return self

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
        simulated = self.marketplace_url is None or self._only_source == WITHOUT_URL
        return WITHOUT_URL if simulated else WITH_URL

    @property
    def _only_source(self) -> str:
        return self.marketplace_source or (WITH_URL if self.marketplace_url else WITHOUT_URL)
