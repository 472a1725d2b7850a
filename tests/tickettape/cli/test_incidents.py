"""`tickettape incidents`: listed, and tried by a message."""

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from tests.support.markets import NOON, TEN
from tests.support.receiver import Receiver
from tickettape.cli import app
from tickettape.cli import incidents as incidents_cli
from tickettape.database import Connection
from tickettape.incidents import (
    Incident,
    record_incidents,
    record_told,
)
from tickettape.settings import Settings


def test_incidents_are_listed_and_tried_by_command(
    receiver: Receiver, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["incidents", *arguments])
        return result.exit_code, result.output

    code, output = command()
    assert (code, "not reported to anyone" in output, "No current incidents" in output) == (0, True, True)
    assert command("--test")[0] == 2
    record_told(
        connection,
        record_incidents(connection, [Incident("breaker", "breaker is wrong", "Mend it.")], now=NOON, repeat=TEN)[0],
        NOON,
    )
    code, output = command()
    assert code == 1
    assert "WRONG NOW, first 2026-11-20 12:00 UTC, reported 2026-11-20 12:00: breaker is wrong" in output
    assert "Mend it." in output
    monkeypatch.setattr(incidents_cli, "settings", lambda: Settings(incident_urls=SecretStr(receiver.url)))
    assert command("--test") == (0, "Sent.\n")
    assert receiver.titles() == ["Tickettape: a test"]
    receiver.status = 500
    code, output = command("--test")
    assert code == 1
    assert "a-secret-token" not in output
