"""Receivers of price alerts on loopback, and settings that may reach them."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from tests.support.loopback_servers import ScriptedServer, served
from tests.support.mail_server import Inbox, mail_server
from tickettape.price_alerts.sealing import new_key
from tickettape.settings import Settings


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """An HTTP server that answers what a test tells it to."""
    one = ScriptedServer()
    with served(one) as url:
        one.url = url
        yield one


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with mail_server() as one:
        yield one


@pytest.fixture
def settings(inbox: Inbox) -> Settings:
    return Settings(
        price_alerts_key=SecretStr(new_key()),
        price_alerts_smtp_url=SecretStr(inbox.url),
        price_alerts_private_addresses=True,
        public_url="https://tickets.example.com",
    )
