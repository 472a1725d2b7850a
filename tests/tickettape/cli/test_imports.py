"""`tickettape import`, with a mapping that is saved."""

from datetime import datetime
from pathlib import Path

import pytest

from tests.support.commands import run
from tests.support.imported_files import BASE, ROWS, captures, imports, write
from tests.support.markets import NOON, TEN
from tickettape.database import Connection
from tickettape.settings import settings


def test_a_mapping_of_listings_is_saved_by_what_worked_and_used_by_its_name(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "tickettape_home", tmp_path / "home")
    rows = [[*row[:1], f"{NOON:%m/%d/%Y}", datetime.fromisoformat(row[1]).strftime("%H:%M"), *row[2:]] for row in ROWS]
    file = write(tmp_path / "mine.csv", rows, ["game", "day", "clock", "zone", "section", "price", "quantity"])
    typed = ["--map", "event=game,time=day+clock", "--time-zone", "UTC", "--time-format", "%m/%d/%Y %H:%M"]
    code, _ = run("import", str(file), *BASE, *typed[:-2], "--save-mapping", "game")
    assert code == 1
    assert not (tmp_path / "home").exists()  # it did not work
    imports(file, *BASE, *typed, "--save-mapping", "game")
    assert "3 unchanged" in imports(file, "--source", "mine", "--mapping", "game")
    assert captures(connection) == [("7", NOON, "ok"), ("7", NOON + TEN, "ok"), ("8", NOON, "ok")]
