"""The rows of an observation, taken together."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import run
from tests.support.imported_files import BASE, HEADER, ROWS, at, captures, imports, write
from tests.support.markets import NOON
from tests.support.oracle import assert_exact
from tickettape.database import Connection

NEVER, NOBODY = "never", ""


@pytest.mark.parametrize(
    ("bad", "partial"),
    [
        ([], []),
        (["7", at(0), "Box", "X", "cheap", 1], [("7", 0)]),  # else Box would look sold out
        (["7", at(0), "Floor", "A", "cheap", 1], [("7", 0)]),
        (["7", NEVER, "Floor", "A", "1.00", 1], [("7", 0), ("7", 10)]),
        ([NOBODY, at(0), "Floor", "A", "1.00", 1], [("7", 0), ("8", 0)]),
        ([NOBODY, NEVER, "Floor", "A", "1.00", 1], [("7", 0), ("7", 10), ("8", 0), ("8", 20)]),
        (["7", "too", "few"], [("7", 0), ("7", 10), ("8", 0), ("8", 20)]),
    ],
)
def test_every_observation_that_a_refused_row_may_be_missing_from_is_partial(
    connection: Connection, tmp_path: Path, bad: list[Any], partial: list[tuple[str, int]]
) -> None:
    whole = [("7", 0), ("7", 10), ("8", 0), ("8", 20)]
    rows = [[event, at(minutes), "Floor", "A", "10.00", 1] for event, minutes in whole for _ in range(10)]
    file = write(tmp_path / "mine.csv", [*rows, *([bad] if bad else [])])
    dry = imports(file, *BASE, "--dry-run")
    assert f"{len(whole) - len(partial)} whole and {len(partial)} partial" in dry
    imports(file)
    assert captures(connection) == [
        (event, NOON + timedelta(minutes=minutes), "partial" if (event, minutes) in partial else "ok")
        for event, minutes in whole
    ]
    notes = [note for (note,) in connection.execute("select note from market.captures where status = 'partial'")]
    assert all("refused" in note for note in notes)
    assert_exact(connection)


def test_a_zone_is_not_told_to_look_sold_out_where_a_refused_row_may_have_been_its_only_one(
    connection: Connection, tmp_path: Path
) -> None:
    rows = [*ROWS, *[["7", at(10), "Floor", "A", "11.00", 2]] * 10]
    assert "1 zones would look sold out" in imports(write(tmp_path / "a.csv", rows), *BASE, "--dry-run")
    for bad in (["7", at(10), "Stands", "101", "cheap", 1], ["7", NEVER, "Stands", "101", "5.00", 1],
                ["", at(10), "Stands", "101", "5.00", 1], ["", NEVER, "Stands", "101", "5.00", 1]):  # fmt: skip
        output = imports(write(tmp_path / "a.csv", [*rows, bad]), *BASE, "--dry-run")
        assert "Nothing would look sold out" in output


def test_one_scrape_spread_over_seconds_is_refused_until_the_grid_is_said(
    connection: Connection, tmp_path: Path
) -> None:
    spread = [["7", (NOON + timedelta(seconds=n)).isoformat(), "Floor", str(n), "10.00", 1] for n in range(3)]
    file = write(tmp_path / "mine.csv", spread)
    code, output = run("import", str(file), *BASE)
    assert code == 1
    assert "--every 10" in output
    assert captures(connection) == []
    imports(file, *BASE, "--every", "10")
    assert captures(connection) == [("7", NOON, "ok")]
    assert connection.execute("select fetched_at from market.captures").fetchone() == (NOON + timedelta(seconds=2),)
    assert_exact(connection)


def test_a_listing_that_stands_twice_in_an_observation_counts_once_as_last_seen(
    connection: Connection, tmp_path: Path
) -> None:
    rows = [[*ROWS[0], "L1"], ["7", at(0.5), "Floor", "A", "9.00", 2, "L1"],
            ["7", at(0.5), "Floor", "A", "8.00", 2, "L2"]]  # fmt: skip
    output = imports(write(tmp_path / "mine.csv", rows, [*HEADER, "listing"]), *BASE, "--every", "10")
    assert "1 listings were twice" in output
    assert connection.execute(
        "select lowest_price_cents, highest_price_cents, total_listings from market.section_snapshots"
    ).fetchall() == [(800, 900, 2)]
