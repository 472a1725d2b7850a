"""`tickettape poll-schedule`."""

from typer.testing import CliRunner

from tests.support.markets import NOON, TEN, add_event
from tickettape.cli import app
from tickettape.database import Connection
from tickettape.observations.poll_schedule import (
    PollRules,
    plan_polls,
)


def test_the_decisions_are_listed_by_command(connection: Connection) -> None:
    assert "Nothing is scheduled yet" in CliRunner().invoke(app, ["poll-schedule"]).output
    add_event(connection, "77", name="An opera")
    plan_polls(connection, "simulator", NOON, PollRules(TEN))
    output = CliRunner().invoke(app, ["poll-schedule"]).output
    assert "1 events scheduled" in output
    assert "every 10 min  An opera: not seen yet" in output
