"""`tickettape import`, as people type it: files into the history, exactly, and again without a change."""

from datetime import UTC, datetime
from pathlib import Path

from tests.support.imported_files import ROWS, at, captures, facts, imports, refusals, write
from tests.support.markets import NOON, TEN
from tests.support.oracle import assert_exact
from tickettape.database import Connection

HEADER = ["event", "time", "zone", "section", "price", "quantity"]
BASE = ["--source", "mine", "--default", "event_date=2027-06-01T19:00Z"]


def test_a_csv_of_listings_becomes_exact_history(connection: Connection, tmp_path: Path) -> None:
    output = imports(write(tmp_path / "mine.csv", ROWS))
    assert "3 added, 0 replaced, 0 unchanged" in output
    assert captures(connection) == [("7", NOON, "ok"), ("7", NOON + TEN, "ok"), ("8", NOON, "ok")]
    assert connection.execute(
        """select zone, min_price::text, avg_price::text, max_price::text, min_price_2tickets::text,
               min_price_4tickets::text, total_tickets, peak_tickets, min_tickets
           from analytics.aggregated_analytics a join market.events e on e.id = a.event_id
           where external_id = '7' order by zone"""
    ).fetchall() == [
        ("Floor", "10.50", "13.83", "20.00", "10.50", "20.00", 2, 6, 2),
        # not in the second observation: sold out by then
        ("Stands", "5.00", "5.00", "5.00", None, None, 0, 1, 0),
    ]
    assert connection.execute("select name, venue, date, active from analytics.events order by 1").fetchall() == [
        (name, "unknown", datetime(2027, 6, 1, 19, tzinfo=UTC), False) for name in ("7", "8")
    ]
    assert_exact(connection)


def test_refused_rows_are_in_quarantine_once_with_their_line_until_the_file_is_mended(
    connection: Connection, tmp_path: Path
) -> None:
    many = [["7", at(0), "Floor", "A", "10.00", 1]] * 30
    rows = [*many, ["7", at(0), "Floor", "A", "cheap", 1], ["7", "never", "Floor", "A", "1.00", 1]]
    file = write(tmp_path / "mine.csv", rows)
    with file.open("a") as out:
        out.write("\n7,too,few\n")
    for _ in range(2):
        output = imports(file)
        assert "3 refused" in output
        assert refusals(connection) == [
            ("7", "mine.csv, line 32: price 'cheap' is not a number with at most two decimals", False),
            ("7", "mine.csv, line 33: time 'never' is not an ISO time", False),
            (None, "mine.csv, line 35: it has 3 values, but the header has 6", False),
        ]
    assert captures(connection) == [("7", NOON, "partial")]
    imports(write(file, [*many, ["7", at(0), "Floor", "A", "9.00", 1], *rows[-1:]]))
    assert [replayed for *_, replayed in refusals(connection)] == [True, False, False]
    assert_exact(connection)


def test_a_partial_file_is_shown_but_rolled_up_nowhere(connection: Connection, tmp_path: Path) -> None:
    imports(write(tmp_path / "mine.csv", ROWS), *BASE, "--partial")
    assert {status for *_, status in captures(connection)} == {"partial"}
    assert connection.execute("select count(*), bool_or(complete) from analytics.ticket_snapshots").fetchone() == (
        4,
        False,
    )
    assert connection.execute("select count(*) from analytics.aggregated_analytics").fetchone() == (0,)
    assert_exact(connection)


def test_rows_of_a_month_in_cold_storage_are_left_out_and_noted(connection: Connection, tmp_path: Path) -> None:
    old = [["7", "2026-03-05T12:00Z", *ROWS[0][2:]], *ROWS[:3]]
    file = write(tmp_path / "mine.csv", old)
    imports(file)
    assert connection.execute("select count(*) from market.months").fetchone() == (2,)
    before = facts(connection)
    connection.execute("update market.months set state = 'archived' where month = '2026-03-01'")
    changed = [["7", "2026-03-05T12:00Z", "Floor", "A", "1.00", 1], *ROWS[:3]]
    for _ in range(2):
        assert "0 added, 0 replaced, 1 unchanged, 1 left out" in imports(write(file, changed))
    assert facts(connection) == before
    ((_, reason, _),) = refusals(connection)
    assert "2026-03 is not open" in reason


def test_years_of_history_need_no_partitions_for_answers(connection: Connection, tmp_path: Path) -> None:
    years = [["7", f"{year}-01-01T00:00Z", *ROWS[0][2:]] for year in range(2020, 2026)]
    imports(write(tmp_path / "mine.csv", years))
    assert len(captures(connection)) == 6
    partitions = connection.execute(
        "select count(*) from pg_inherits where inhparent = 'market.capture_payloads'::regclass"
    ).fetchone()
    assert partitions == (0,)
    assert_exact(connection)
