"""All settings: every environment variable, typed, with its default. They are read once. Each group has its own module.

A setting that is not here has no effect. `.env.example` shows all of them, and a test compares the two.
"""

from functools import cache
from typing import Any

from pydantic import AliasChoices
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from tickettape.settings.base import ROOT
from tickettape.settings.box_office import BoxOfficeSettings
from tickettape.settings.history import HistorySettings
from tickettape.settings.marketplaces import OF_ONE, MarketplaceSettings, SeveralMarketplacesError
from tickettape.settings.service import ServiceSettings

__all__ = ["ROOT", "Settings", "SeveralMarketplacesError", "settings"]


class Settings(MarketplaceSettings, HistorySettings, ServiceSettings, BoxOfficeSettings):
    """All settings with their defaults."""

    @classmethod
    def variables(cls) -> set[str]:
        """The names of the environment variables, as `.env.example` shows them."""
        names = set()
        for field_name, field in cls.model_fields.items():
            alias = field.validation_alias
            names.add(str(alias.choices[0] if isinstance(alias, AliasChoices) else alias or field_name).upper())
        return names

    def of_source(self, source: str) -> "Settings":
        """The settings of one marketplace: its own values, and the common ones for everything else.

        Raises ValueError if the marketplace is not set, or if one of its own values is invalid.
        """
        if source not in self.sources:
            raise ValueError(f"There is no marketplace {source!r}. These are set: {', '.join(self.sources)}.")
        if not self.marketplaces:
            return self
        own = {OF_ONE[name]: value for name, value in self.marketplaces[source].items()}
        known = {"marketplace_source": source, "marketplace_format": source} | own
        return _GivenSettings(**{**self.model_dump(), **known, "marketplaces": {}})


class _GivenSettings(Settings):
    """Settings made from given values only. Nothing is read from the environment again."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


@cache
def settings() -> Settings:
    """The settings of this process. They are read at the first call."""
    return Settings()
