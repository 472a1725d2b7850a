"""`tickettape archive`, `restore` and `release`."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.old_months import JULY, fill
from tickettape import cli
from tickettape.archive.month_archive import close_month
from tickettape.cli import app
from tickettape.database import Connection
from tickettape.observations import Capture, store_captures
from tickettape.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Raw data for a month, dropped as soon as it is detached."""
    return Settings(raw_months=1, keep_detached_days=0, cold_storage_url=str(tmp_path))


def test_a_month_is_archived_restored_and_released_by_hand(
    connection: Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.archive, "settings", lambda: settings)
    fill(connection, JULY)
    connection.execute("delete from market.dirty_buckets")

    def tickettape(*arguments: str, exit_code: int = 0) -> str:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == exit_code, result.output
        return result.output

    assert tickettape("months") == "2026-07  open\n"
    assert "is open: its rows are in the database" in tickettape("restore", "2026-07", exit_code=1)
    close_month(connection, JULY)
    with connection.transaction():
        late = Capture(1, datetime(2026, 7, 9, tzinfo=UTC), "failed", note="no answer")
        assert store_captures(connection, [late], None) == 1
    assert tickettape("reopen", "2026-07") == "2026-07 is open again. 1 late answers were read.\n"
    connection.execute("delete from market.dirty_buckets")
    archived = tickettape("archive", "2026-07")
    assert "exported: section_snapshots part 0, 28 rows" in archived
    assert "2026-07 is in cold storage (" in archived
    assert "tables are kept" not in archived
    tickettape("restore", "2026-07", "--until", "2999-12-31")
    assert connection.execute("select count(*) from market.section_snapshots").fetchone() == (28,)
    assert tickettape("months").startswith("2026-07  restored, pinned")
    assert "2026-07 is released" in tickettape("release", "2026-07")
    assert "pinned" not in tickettape("months")
    assert "is not a month" in tickettape("archive", "July", exit_code=2)
    assert "has no data" in tickettape("archive", "2026-01", exit_code=1)
