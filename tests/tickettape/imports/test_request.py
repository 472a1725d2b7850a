"""What is asked wrongly is refused before a row is read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import run
from tests.support.imported_files import BASE, HEADER, ROWS, at, write
from tickettape.catalogue import track_rule
from tickettape.database import Connection


@pytest.mark.parametrize("source", ["vividseats", "simulator", "tracked"])
def test_a_marketplaces_name_is_refused_unless_it_is_meant(connection: Connection, tmp_path: Path, source: str) -> None:
    track_rule(connection, "tracked", "event", "7")
    code, output = run("import", str(write(tmp_path / "mine.csv", ROWS)), *BASE, "--source", source)
    assert code == 2
    assert "--into-marketplace" in output


@pytest.mark.parametrize(
    ("rows", "header", "arguments", "said"),
    [
        (ROWS, HEADER, ["--source", "mine"], "2 events have no date: 7, 8"),
        (ROWS, ["game", *HEADER[1:]], BASE, "The file has no column event. It has: game, time"),
        (ROWS, HEADER, [*BASE, "--map", "price=usd"], "no column usd"),
        (ROWS, HEADER, [*BASE, "--map", "cost=price"], "where COLUMN is one of ours"),
        (ROWS, HEADER, [*BASE, "--time-zone", "Mars"], "is not a time zone"),
        ([["7", "2026-11-20 12:00", *ROWS[0][2:]]], HEADER, BASE, "has no time zone: add --time-zone"),
        ([*ROWS, ["7", at(0), "Floor", "A", "x", 1]], HEADER, BASE, "1 of 6 rows are refused (17%)"),
        ([], HEADER, BASE, "no rows to import"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_whole_and_says_what_to_do(
    connection: Connection,
    tmp_path: Path,
    rows: list[Sequence[Any]],
    header: list[str],
    arguments: list[str],
    said: str,
) -> None:
    code, output = run("import", str(write(tmp_path / "mine.csv", rows, header)), *arguments)
    assert code != 0
    assert said in output
    for table in ("captures", "events", "quarantine", "imports"):
        assert connection.execute(f"select count(*) from market.{table}").fetchone() == (0,)
