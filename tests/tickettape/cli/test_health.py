"""`tickettape health`, as a health check calls it."""

from datetime import UTC, datetime

from typer.testing import CliRunner

from tickettape.cli import app
from tickettape.database import Connection
from tickettape.incidents import record_look


def test_the_exit_code_says_whether_anything_watches(connection: Connection) -> None:
    gone = CliRunner().invoke(app, ["health"])
    assert gone.exit_code == 1
    assert "make dev" in gone.output
    record_look(connection, "dagster", datetime.now(UTC))
    well = CliRunner().invoke(app, ["health"])
    assert (well.exit_code, well.output.startswith("Well: ")) == (0, True)
