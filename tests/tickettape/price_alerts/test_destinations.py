"""Destinations: nobody is told who did not type the code, and no address is readable."""

import re
from datetime import timedelta
from uuid import UUID

import pytest

from tests.support.mail_server import Inbox
from tests.support.markets import NOON
from tests.support.priced_listings import Show, add_rule, tenant_of
from tickettape.database import Connection
from tickettape.price_alerts import destinations
from tickettape.price_alerts.destinations import (
    add_destination,
    list_destinations,
    remove_destination,
    verify_destination,
)
from tickettape.price_alerts.sealing import AlertError
from tickettape.settings import Settings


def add(connection: Connection, settings: Settings, tenant: UUID, name: str = "me") -> str | None:
    return add_destination(connection, settings, tenant, name=name, kind="mail", address="ann@example.com", now=NOON)


def code_in(inbox: Inbox) -> str:
    found = re.search(r"\d{6}", inbox.mails[-1].get_content())
    assert found
    return found[0]


def test_a_destination_is_verified_by_the_code_that_was_sent(
    connection: Connection, settings: Settings, inbox: Inbox
) -> None:
    tenant = tenant_of(connection)
    add(connection, settings, tenant)
    (waiting,) = list_destinations(connection, tenant)
    assert waiting.verified_at is None
    verify_destination(connection, tenant, "me", f" {code_in(inbox)} ", now=NOON)
    (verified,) = list_destinations(connection, tenant)
    assert verified.verified_at == NOON
    with pytest.raises(AlertError, match="no destination me that waits"):
        verify_destination(connection, tenant, "me", code_in(inbox), now=NOON)


def test_a_code_is_not_guessed(connection: Connection, settings: Settings, inbox: Inbox) -> None:
    tenant = tenant_of(connection)
    add(connection, settings, tenant)
    for _ in range(destinations.MOST_WRONG_CODES):
        with pytest.raises(AlertError, match="not the code"):
            verify_destination(connection, tenant, "me", "x", now=NOON)
    with pytest.raises(AlertError, match="wrong too often"):
        verify_destination(connection, tenant, "me", code_in(inbox), now=NOON)


def test_a_code_expires_and_is_of_its_tenant(connection: Connection, settings: Settings, inbox: Inbox) -> None:
    tenant = tenant_of(connection)
    add(connection, settings, tenant)
    with pytest.raises(AlertError, match="no destination me"):
        verify_destination(connection, tenant_of(connection, "other"), "me", code_in(inbox), now=NOON)
    with pytest.raises(AlertError, match="has expired"):
        verify_destination(connection, tenant, "me", code_in(inbox), now=NOON + timedelta(hours=1))


def test_no_table_holds_the_address(connection: Connection, settings: Settings) -> None:
    add(connection, settings, tenant_of(connection))
    row = connection.execute("select destinations::text, address from price_alerts.destinations").fetchone()
    assert row
    assert "ann" not in row[0]
    assert b"ann" not in row[1]


def test_a_code_that_cannot_be_sent_leaves_no_destination(
    connection: Connection, settings: Settings, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    inbox.refusal = "550 no such user"
    tenant = tenant_of(connection)
    with pytest.raises(AlertError, match="The code could not be sent") as refused:
        add(connection, settings, tenant)
    assert list_destinations(connection, tenant) == []
    assert "ann@" not in str(refused.value) + caplog.text


def test_strangers_are_not_written_to_without_a_limit(
    connection: Connection, settings: Settings, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destinations, "MOST_CODES_PER_HOUR", 2)
    tenant = tenant_of(connection)
    for name in ("a", "b"):
        add(connection, settings, tenant, name)
        remove_destination(connection, tenant, name)
    with pytest.raises(AlertError, match="Too many codes and tests"):
        add(connection, settings, tenant, "c")
    assert len(inbox.mails) == 2


def test_names_are_taken_once_and_there_is_a_limit(
    connection: Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = tenant_of(connection)
    add(connection, settings, tenant)
    with pytest.raises(AlertError, match="already a destination me"):
        add(connection, settings, tenant)
    monkeypatch.setattr(destinations, "MOST_DESTINATIONS", 1)
    with pytest.raises(AlertError, match="already 1 destinations"):
        add(connection, settings, tenant, "you")


def test_an_erased_destination_leaves_its_rules(connection: Connection, settings: Settings) -> None:
    tenant = tenant_of(connection)
    add(connection, settings, tenant)
    (one,) = list_destinations(connection, tenant)
    rule = add_rule(connection, tenant, Show(connection), destination_id=one.destination_id)
    remove_destination(connection, tenant, "me")
    assert connection.execute("select rule_id, destination_id from price_alerts.rules").fetchall() == [(rule, None)]
    with pytest.raises(AlertError, match="no destination me"):
        remove_destination(connection, tenant, "me")


def test_a_webhook_gets_a_secret_that_is_shown_once(connection: Connection, settings: Settings) -> None:
    with pytest.raises(AlertError, match="could not be reached"):
        add_destination(
            connection, settings, tenant_of(connection), name="hook", kind="webhook", address="http://127.0.0.1:1/",
            now=NOON,
        )  # fmt: skip
