"""`tickettape backup` and `restore-backup`."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tickettape.cli import app
from tickettape.database import Connection
from tickettape.settings import settings


def test_the_command_backs_up_proves_lists_and_restores(
    connection: Connection, market: int, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKUP_URL", str(tmp_path))
    settings.cache_clear()
    try:
        assert "proved" in invoke("backup", "--prove")
        listed = invoke("backups")
        assert "1 backups" in listed
        assert re.search(r"with \d+ earlier months?, proved", listed)
        assert "Restored as database" in invoke("restore-backup", "--into", target)
        assert "exists, so nothing was restored" in invoke("restore-backup", "--into", target, code=1)
        assert "Missing option '--into'" in invoke("restore-backup", code=2)
        assert "There is no backup 20200101T000000Z" in invoke("prove-backup", "20200101T000000Z", code=2)
    finally:
        settings.cache_clear()


def invoke(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, result.output
    return result.output
