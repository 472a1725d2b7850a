"""What would look sold out."""

from pathlib import Path

from tests.support.imported_files import BASE, ROWS, at, captures, imports, write
from tests.support.markets import NOON, TEN
from tests.support.oracle import assert_exact
from tickettape.database import Connection


def test_a_quantity_of_zero_says_that_nothing_was_for_sale(connection: Connection, tmp_path: Path) -> None:
    imports(write(tmp_path / "mine.csv", [*ROWS[:3], ["7", at(10), "", "", "", 0]]))
    assert captures(connection) == [("7", NOON, "ok"), ("7", NOON + TEN, "empty")]
    assert connection.execute(
        "select zone, available, last_price::text from analytics.latest_prices order by zone"
    ).fetchall() == [("Floor", False, "10.50"), ("Stands", False, "5.00")]
    assert_exact(connection)


def test_a_dry_run_says_what_a_run_then_writes_and_what_would_look_sold_out(
    connection: Connection, tmp_path: Path
) -> None:
    many = [["7", at(0), "Floor", "A", "10.00", 1]] * 20
    bad = [["8", at(0), "Box", "X", "cheap", 1]]  # Box would look sold out: that observation is not whole
    file = write(tmp_path / "mine.csv", [*ROWS, *many, *bad])
    output = imports(file, *BASE, "--dry-run")
    assert "26 rows read, 25 understood, 1 refused" in output
    assert "line 27: price 'cheap' is not a number" in output
    assert "Observations: 3; 2 whole and 1 partial" in output
    assert "Events: 2, of which 2 are new and 0 are already known to mine" in output
    assert "1 zones would look sold out, 1 times in all (zones are for sale 4 times). The first: Stands" in output
    for table in ("captures", "events", "quarantine", "imports"):
        assert connection.execute(f"select count(*) from market.{table}").fetchone() == (0,)
    assert "Of those written, 1 are partial" in imports(file)
    assert [status for *_, status in captures(connection)] == ["ok", "ok", "partial"]
    assert "Nothing would look sold out: the observations are partial" in imports(file, *BASE, "--partial", "--dry-run")
    assert "Nothing would look sold out: no zone disappears" in imports(
        write(file, [*ROWS, ["7", at(10), "Stands", "102", "5.00", 1]]), *BASE, "--dry-run"
    )
