"""The rows of an observation, taken together."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.imported_files import ROWS, at, captures, imports, run, write
from tests.support.markets import NOON
from tests.support.oracle import assert_exact
from tickettape.database import Connection

HEADER = ["event", "time", "zone", "section", "price", "quantity"]
BASE = ["--source", "mine", "--default", "event_date=2027-06-01T19:00Z"]


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        ([["7", at(0), "Box", "X", "cheap", 1]], "partial"),  # else Box would look sold out
        ([["7", at(0), "Floor", "A", "cheap", 1]], "ok"),
        ([["7", at(0), "Floor", "A", "cheap", 1]] * 3, "partial"),  # 3 of 33, above 5 %
    ],
)
def test_an_observation_that_refused_rows_are_missing_from_does_not_claim_to_be_whole(
    connection: Connection, tmp_path: Path, bad: list[list[Any]], status: str
) -> None:
    imports(write(tmp_path / "mine.csv", [*[["7", at(0), "Floor", "A", "10.00", 1]] * 30, *bad]))
    assert captures(connection) == [("7", NOON, status)]
    assert_exact(connection)


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
    rows = [[*ROWS[0], "L1"], ["7", at(3), "Floor", "A", "9.00", 2, "L1"], ["7", at(3), "Floor", "A", "8.00", 2, "L2"]]
    output = imports(write(tmp_path / "mine.csv", rows, [*HEADER, "listing"]), *BASE, "--every", "10")
    assert "1 listings stood twice" in output
    assert connection.execute(
        "select lowest_price_cents, highest_price_cents, total_listings from market.section_snapshots"
    ).fetchall() == [(800, 900, 2)]
