"""Let the program use a test's database as if it were DATABASE_URL's."""

import pytest
from pydantic import SecretStr

from tickettape.database import server
from tickettape.settings import Settings


def use_database(patch: pytest.MonkeyPatch, url: str) -> None:
    """Every connection of this process goes to `url` until the patch is undone."""
    patch.setattr(server, "settings", lambda: Settings(database_url=SecretStr(url)))
