"""`tickettape quarantine`."""

import pytest
from typer.testing import CliRunner

from tests.support.commands import run
from tests.support.refused_answers import answered, in_quarantine, read
from tickettape.cli import app
from tickettape.cli import quarantine as quarantine_cli
from tickettape.database import Connection
from tickettape.observations import (
    refused_payload,
)


def test_the_quarantine_is_listed_shown_and_replayed_by_command(
    connection: Connection, misread: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(connection, None, None)
    read(connection)
    refreshed: list[Connection] = []
    monkeypatch.setattr(quarantine_cli, "refresh_all", refreshed.append)
    code, output = run("quarantine")
    assert code == 0
    assert "2 answer refused" in output
    assert output.count("instead of EUR") == 2
    newest, oldest = in_quarantine(connection)
    shown = CliRunner().invoke(app, ["quarantine", "show", str(newest.quarantine_id)]).stdout_bytes
    assert shown == refused_payload(connection, newest.quarantine_id)
    assert run("quarantine", "replay", str(newest.quarantine_id))[0] == 1  # still refused
    misread.undo()
    assert run("quarantine", "replay")[0] == 2
    assert run("quarantine", "replay", "99")[0] == 1
    assert "is now ok" in run("quarantine", "replay", str(newest.quarantine_id))[1]
    code, output = run("quarantine", "replay", "--all")
    assert (code, "1 of 1 replayed" in output) == (0, True)
    assert len(refreshed) == 3
    assert "nothing" in run("quarantine")[1]
    assert run("quarantine", "--replayed")[1].count(", replayed ") == 2
    assert oldest.quarantine_id < newest.quarantine_id
