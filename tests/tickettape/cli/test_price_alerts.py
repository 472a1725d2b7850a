"""`tickettape price-alerts`."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from typer.testing import CliRunner

from tests.support.mail_server import Inbox, mail_server
from tests.support.markets import NOON, TEN
from tests.support.priced_listings import Show, tenant_of
from tickettape.cli import app, price_alerts
from tickettape.database import Connection
from tickettape.price_alerts import evaluate_alerts, new_key
from tickettape.settings import Settings


def run(*arguments: str, typed: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["price-alerts", *arguments], input=typed)
    return result.exit_code, result.output


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    with mail_server() as one:
        chosen = Settings(price_alerts_key=SecretStr(new_key()), price_alerts_smtp_url=SecretStr(one.url))
        monkeypatch.setattr(price_alerts, "settings", lambda: chosen)
        yield one


def test_a_destination_a_rule_and_a_message_by_hand(connection: Connection, inbox: Inbox) -> None:
    tenant_of(connection, "A team")
    show = Show(connection)
    code, output = run("destinations", "add", "A team", "ann", "mail", typed="ann@example.com\n")
    assert code == 0
    assert "ann@example.com" not in output
    assert run("destinations", "list", "A team")[1] == "1 destination.\n  ann: mail, waits for its code\n"
    found = re.search(r"\d{6}", inbox.mails[-1].get_content())
    assert found
    assert run("destinations", "verify", "A team", "ann", found[0])[0] == 0
    code, output = run("add", "A team", "--event", str(show.event_id), "--at-most", "100", "--to", "ann")
    assert code == 0
    assert "2 tickets for at most 100.00 with fees" in output
    rule_id = output.split()[1].rstrip(":")
    for number in range(2):
        show.shows(NOON + number * TEN, "VB1:95")
    evaluate_alerts(connection, NOON + TEN + timedelta(minutes=1), {"simulator": TEN})
    assert run("send")[1] == "1 sent, 0 to be tried again, 0 given up.\n"
    assert "tell at 95.00 with fees, delivered" in run("history")[1]
    assert run("history", "--given-up")[1] == "0 occasions.\n"
    assert "told 1 times" in run("list")[1]
    assert run("pause", rule_id)[1] == "Paused 1 of 1 rules.\n"
    assert "paused" in run("list")[1]
    assert run("resume", rule_id)[1] == "Resumed 1 of 1 rules.\n"
    assert run("retry")[1] == "0 messages will be sent again.\n"
    assert run("remove", rule_id)[1] == "Removed 1 of 1 rules.\n"
    assert run("destinations", "remove", "A team", "ann")[1] == "Erased ann.\n"


def test_what_cannot_be_done_is_said(connection: Connection) -> None:
    tenant_of(connection, "A team")
    for arguments, why in (
        (["add", "Nobody"], "There is no tenant Nobody"),
        (["add", "A team", "--venue", "The Hall"], "needs price"),
        (["add", "A team", "--venue", "The Hall", "--at-most", "5", "--to", "ann"], "no destination ann"),
        (["add", "A team", "--json", "{"], "not valid JSON"),
        (["add", "A team", "--json", "[]"], "must be an object"),
        (["add", "A team", "--json", '{"scope": "venue", "about": "x", "condition": "few", "few": 0}'], "few: Input"),
        (["add", "A team", "--event", "00000000-0000-0000-0000-000000000000", "--at-most", "5"], "no such event"),
        (["destinations", "remove", "A team", "ann"], "no destination ann"),
    ):
        code, output = run(*arguments)
        assert code == 1, arguments
        assert why in output, arguments


def test_a_new_key_can_be_used() -> None:
    code, output = run("new-key")
    assert code == 0
    Fernet(output.strip())


def test_any_condition_by_json(connection: Connection) -> None:
    tenant_of(connection, "A team")
    said = '{"condition": "few", "few": 4, "quiet_from": "23:00", "quiet_until": "07:00", "time_zone": "Europe/Berlin"}'
    code, output = run("add", "A team", "--performer", "Someone", "--json", said)
    assert code == 0
    assert "At most 4 tickets left" in output


def test_a_rule_is_tried_before_it_is_added(connection: Connection) -> None:
    tenant_of(connection, "A team")
    show = Show(connection)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for number in range(3):
        show.shows(now - timedelta(days=1) + number * TEN, "VB1:95 VB2:120")
    code, output = run("add", "A team", "--performer", "someone", "--at-most", "100", "--preview")
    assert (code, output.splitlines()[0]) == (
        0, "Tried on 1 event with 3 captures: 1 message, 0 listings left out as mistakes.",
    )  # fmt: skip
    assert output.splitlines()[1].endswith("An evening: USD 95.00 in section 101")
    few = run("add", "A team", "--venue", "The Hall", "--json", '{"condition": "few", "few": 4}', "--preview")[1]
    assert few.splitlines()[1].endswith("An evening: 4 tickets left")
    assert run("add", "A team", "--search", "x", "--at-most", "1", "--preview")[1] == "It is about no event now.\n"
    assert run("list")[1] == "0 rules.\n"
