"""Every test here has a copy of the served market."""

import pytest

from tests.support.served_market import build_served_template


@pytest.fixture(scope="session")
def template(server_url: str, template: str) -> str:
    """The served market, to copy."""
    return build_served_template(server_url, template)
