"""The command `tickettape`, typed in this process."""

from typer.testing import CliRunner

from tickettape.cli import app


def run(*arguments: str) -> tuple[int, str]:
    """Its exit code and what it prints; a surprise is raised."""
    result = CliRunner().invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output
