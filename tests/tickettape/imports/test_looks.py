"""With `--every`, a look is one observation wherever the grid lies, and of two looks in the same minutes one counts."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import run
from tests.support.imported_files import HEADER, at, captures, imports, write
from tests.support.markets import NOON, TEN
from tests.support.oracle import assert_exact
from tickettape.database import Connection

BASE = ["--source", "mine", "--default", "event_date=2027-06-01T19:00Z", "--every", "10"]
ZONES = [("Floor", "A"), ("Stands", "101"), ("Box", "X")]


@pytest.fixture(autouse=True)
def _no_refresh(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "crosses" not in request.node.name:
        monkeypatch.setattr("tickettape.cli.imports.refresh_all", lambda connection: None)


def seen(seconds: float, zone: tuple[str, str], price: str = "10.00", event: str = "7") -> list[Any]:
    return [event, (NOON + timedelta(seconds=seconds)).isoformat(), *zone, price, 2]


def look(start: float, *zones: tuple[str, str], price: str = "10.00", step: float = 4) -> list[Sequence[Any]]:
    return [seen(start + step * number, zone, price) for number, zone in enumerate(zones)]


def tickets(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        """select tick, sum(total_tickets), count(*) from market.section_snapshots group by tick order by tick"""
    ).fetchall()


def test_a_look_that_crosses_the_grid_is_one_observation_at_the_tick_it_crosses(
    connection: Connection, tmp_path: Path
) -> None:
    rows = [*look(0, *ZONES), *look(595, *ZONES), *look(1205, *ZONES)]
    output = imports(write(tmp_path / "mine.csv", rows), *BASE)
    assert "2 rows belong to a look that ends in the next minutes: they count there (line 5)." in output
    assert "Nothing would look sold out" in output
    assert captures(connection) == [("7", NOON + n * TEN, "ok") for n in range(3)]
    assert [row[1:] for row in tickets(connection)] == [(6, 3)] * 3
    assert_exact(connection)


def test_of_two_looks_in_the_same_minutes_the_last_counts_and_nothing_is_added_up(
    connection: Connection, tmp_path: Path
) -> None:
    rows = [*look(300, *ZONES[:2], price="11.00"), *look(420, *ZONES[:2], price="11.00"), *look(0, *ZONES)]
    file = write(tmp_path / "mine.csv", rows)
    for option in ("--dry-run", "--whole"):
        output = imports(file, *BASE, option)
        assert "5 rows are of 2 looks that a later one in the same 10 minutes replaces: left out (line 2)." in output
        # the first look has none of the last one's offers: is it another look, or is the last the rest of a slow one?
        assert "1 observations may lack rows that were left out so" in output
    assert captures(connection) == [("7", NOON, "partial")]
    imports(write(file, [*look(0, *ZONES), *look(300, *ZONES[:2])]), *BASE)
    assert captures(connection) == [("7", NOON, "ok")]
    assert [row[1:] for row in tickets(connection)] == [(4, 2)]


def test_listings_that_are_named_tell_two_looks_apart(connection: Connection, tmp_path: Path) -> None:
    first = [[*row, f"L{n}"] for n, row in enumerate(look(0, *ZONES, ZONES[0], price="10.00"))]
    again = [[*row, f"L{n}"] for n, row in enumerate(look(240, *ZONES[:2], price="12.00"))]
    rest = [[*row, f"M{n}"] for n, row in enumerate(look(240, *ZONES[:2], price="12.00"))]
    for rows, status in ((again, "ok"), (rest, "partial")):
        imports(write(tmp_path / "mine.csv", [*first, *rows], [*HEADER, "listing"]), *BASE)
        assert captures(connection) == [("7", NOON, status)]
        assert [row[1:] for row in tickets(connection)] == [(4, 2)]


def test_parts_with_no_section_in_common_are_one_slow_look(connection: Connection, tmp_path: Path) -> None:
    rows = [seen(100 * number, zone) for number, zone in enumerate(ZONES)]
    output = imports(write(tmp_path / "mine.csv", rows), *BASE)
    assert "left out" not in output.split("Captures:")[0]
    assert captures(connection) == [("7", NOON, "ok")]
    assert [row[1:] for row in tickets(connection)] == [(6, 3)]


def test_what_a_look_lost_to_refusal_goes_with_it(connection: Connection, tmp_path: Path) -> None:
    rows = [*look(0, *ZONES * 3, step=1), *look(595, *ZONES * 3, step=2)]
    rows[9] = [*rows[9][:4], "cheap", 2]  # seen before the grid, at which the look then counts
    imports(write(tmp_path / "mine.csv", rows), *BASE)
    assert captures(connection) == [("7", NOON, "ok"), ("7", NOON + TEN, "partial")]


def test_rows_without_a_pause_are_no_looks(connection: Connection, tmp_path: Path) -> None:
    file = write(tmp_path / "mine.csv", [seen(30 * n, ZONES[n % 3]) for n in range(60)])
    code, output = run("import", str(file), *BASE)
    assert code == 1
    assert "Event 7 has rows without a pause of a minute for 30 minutes from 2026-11-20 12:00:00 UTC on" in output
    assert captures(connection) == []
    imports(file, *BASE, "--partial")
    assert {status for *_, status in captures(connection)} == {"partial"}
    imports(write(file, [["7", at(0), *ZONES[0], "9.00", 2]]), *BASE[:-1], "0")
