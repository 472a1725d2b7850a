"""The base of all groups of settings: the project's folder, and how variables are read."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[2]

Url = Annotated[str, AfterValidator(lambda url: url.rstrip("/"))]


class SettingsGroup(BaseSettings):
    """A group of settings.

    Empty values count as unset, so that lines of `.env.example` can be copied as they are. Old names of variables still
    work (AliasChoices).
    """

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env",
        env_ignore_empty=True,
        env_nested_delimiter="__",
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,  # the values of MARKETPLACES may be tokens
    )
