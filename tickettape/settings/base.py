"""What all groups of settings have in common: where the project is, and how a variable is read."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[2]

Url = Annotated[str, AfterValidator(lambda url: url.rstrip("/"))]


class SettingsGroup(BaseSettings):
    """Settings about one thing.

    Empty values count as unset, so that a line of `.env.example` may stand as it is. What is set under a variable's
    old name still holds: AliasChoices.
    """

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env", env_ignore_empty=True, env_nested_delimiter="__", extra="ignore", populate_by_name=True
    )
