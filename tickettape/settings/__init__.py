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
from tickettape.settings.price_alerts import PriceAlertSettings
from tickettape.settings.service import ServiceSettings

__all__ = ["ROOT", "Settings", "SeveralMarketplacesError", "settings"]


class Settings(MarketplaceSettings, HistorySettings, ServiceSettings, BoxOfficeSettings, PriceAlertSettings):
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
        """The settings of one marketplace or catalogue: its own values, and the common ones for everything else.

        Raises ValueError if the marketplace is not set, or if one of its own values is invalid.
        """
        if source not in (*self.sources, *self.catalogues):
            known = ", ".join((*self.sources, *self.catalogues))
            raise ValueError(f"There is no marketplace {source!r}. These are set: {known}.")
        if not self.marketplaces and source not in self.catalogues:
            return self
        values = self.catalogues.get(source) or self.marketplaces.get(source, {})
        own = {OF_ONE[name]: value for name, value in values.items()}
        # a token is for one marketplace, and is not sent to another
        named: dict[str, Any] = {f"marketplace_{name}": None for name in ("url", "token", "secret", "price_basis")}
        named |= {"marketplace_source": source, "marketplace_format": source, "marketplace_accepts": ""}
        return _GivenSettings(**{**self.model_dump(), **named, **own, "marketplaces": {}, "catalogues": {}})


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
