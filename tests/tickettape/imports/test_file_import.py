"""`tickettape import`, as people type it: files into the history, exactly, and again without a change."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.commands import run
from tests.support.imported_files import BASE, HEADER, ROWS, at, captures, facts, imports, refusals, write
from tests.support.markets import NOON, TEN
from tests.support.oracle import assert_exact
from tickettape.database import Connection
from tickettape.observations.packed_days import pack_day


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
            (None, "mine.csv, line 35: time 'too' is not an ISO time", False),
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


@pytest.fixture
def unrefreshed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored is looked at; what the rollups make of it has tests of its own."""
    monkeypatch.setattr("tickettape.cli.imports.refresh_all", lambda connection: None)


def events(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute("select external_id, name, venue from market.events order by 1").fetchall()


def prices(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        """select external_id, tick, status, min(lowest_price_cents), max(highest_price_cents), sum(total_tickets),
               sum(total_listings)
           from market.captures join market.events using (event_key)
           left join market.section_snapshots using (event_key, tick)
           group by external_id, tick, status order by 1, 2"""
    ).fetchall()


@pytest.mark.usefixtures("unrefreshed")
def test_numbers_and_ids_as_spreadsheets_write_them_are_read_and_that_is_said(
    connection: Connection, tmp_path: Path
) -> None:
    rows: list[list[Any]] = [
        ["5990417.0", at(0), "Floor", "101.0", "1,250.00", "2.0", "17100000001.0", "True", "x"],
        ["5990417", at(0), "Floor", "101", "19.990000000000002", 2, "17100000002", "False", "y"],
        ["5990417", at(0), "nan", "102", "5.00", 0, "", "", "z"],
    ]
    header = [*HEADER, "listing", "soldout", "status"]
    file = write(tmp_path / "mine.csv", rows, header)
    expected = [
        "3 rows read, 3 understood, 0 refused",
        "1 values of event had the `.0` of a number (line 2: 5990417.0 is read as 5990417).",
        "1 values of section had the `.0` of a number (line 2: 101.0 is read as 101).",
        "1 values of listing had the `.0` of a number (line 2: 17100000001.0 is read as 17100000001).",
        "1 values of price had commas between thousands (line 2: 1,250.00 is read as 1250.00).",
        "1 values of price were written with the error of a binary fraction (line 3: 19.990000000000002 is read as 19.99).",  # noqa: E501
        "1 values of zone stand for nothing (line 4: nan).",
        "1 rows are marked as sold out: nothing of them is for sale (line 2).",
        "Columns not read: status.",
        "--map for_sale=status where it is true of what is",
    ]
    output = imports(file, *BASE, "--dry-run")
    assert [text for text in expected if text not in output] == []
    imports(file)
    assert prices(connection) == [("5990417", NOON, "ok", 1999, 1999, 2, 1)]
    imports(write(file, [[*row[:7], "False", ""] for row in rows], header))
    assert prices(connection) == [("5990417", NOON, "ok", 1999, 125000, 4, 2)]


@pytest.mark.usefixtures("unrefreshed")
def test_ids_that_a_spreadsheet_rounded_make_no_listings_one_and_sell_no_zone_out(
    connection: Connection, tmp_path: Path
) -> None:
    zones = ["Floor", "Stands", "Box"]
    rows = [["7", at(0), zone, "A", "10.00", 1, f"1710000000{n}"] for n, zone in enumerate(zones)] * 10
    rounded = [["7", at(10), zone, "A", "10.00", 1, "1.71E+10"] for zone in zones]
    file = write(tmp_path / "mine.csv", [*rows, *rounded[:1], *[[*row[:6], ""] for row in rounded[1:]]],
                 [*HEADER, "listing"])  # fmt: skip
    output = imports(file, *BASE, "--dry-run")
    assert "line 32: listing '1.71E+10' is a number of which digits were lost: format its column as text" in output
    assert "Nothing would look sold out" in output
    imports(file)
    assert [row[:3] for row in prices(connection)] == [("7", NOON, "ok"), ("7", NOON + TEN, "partial")]


@pytest.mark.usefixtures("unrefreshed")
@pytest.mark.parametrize("newest_first", [True, False])
def test_the_newest_row_says_what_an_event_is_wherever_it_stands(
    connection: Connection, tmp_path: Path, newest_first: bool
) -> None:
    header = [*HEADER, "event_name", "event_date", "venue"]
    rows = [
        ["7", at(0), "Floor", "A", "1.00", 1, "TBD", "2027-01-01T19:00Z", "Arena"],
        ["7", at(10), "Floor", "A", "1.00", 1, "Final", "2027-06-01T19:00Z", ""],
        ["7.0", at(5), "Floor", "A", "1.00", 1, "Semi-final", "2027-03-01T19:00Z", ""],
    ]
    file = write(tmp_path / "mine.csv", rows[::-1] if newest_first else rows, header)
    imports(file, "--source", "mine")
    assert events(connection) == [("7", "Final", "Arena")]
    assert connection.execute("select date from market.events").fetchone() == (datetime(2027, 6, 1, 19, tzinfo=UTC),)


@pytest.mark.usefixtures("unrefreshed")
def test_an_event_that_cannot_be_imported_costs_itself_alone(connection: Connection, tmp_path: Path) -> None:
    header = [*HEADER, "event_date", "currency"]
    date = "2027-06-01T19:00Z"
    good = [[str(event), at(0), "Floor", "A", "1.00", 1, date, ""] for event in range(100, 140)]
    bad = [["7", at(0), "Floor", "A", "1.00", 1, "", ""], ["8", at(0), "Floor", "A", "1.00", 1, date, "EUR"],
           ["8", at(10), "Floor", "A", "1.00", 1, date, "USD"]]  # fmt: skip
    file = write(tmp_path / "mine.csv", [*good, *bad], header)
    output = imports(file, "--source", "mine", "--dry-run")
    assert "43 rows read, 40 understood, 3 refused" in output
    assert "line 42: its event has no date: give it (--map event_date=COLUMN, or --events FILE)" in output
    assert "line 43: Event 8 has prices in EUR and in USD, but an event has one currency" in output
    assert "Observations: 40; 40 whole and 0 partial." in output
    imports(file, "--source", "mine")
    assert {status for *_, status in captures(connection)} == {"ok"}
    assert len(captures(connection)) == 40
    assert sorted(event or "" for event, *_ in refusals(connection)) == ["7", "8", "8"]
    output = imports(file, *BASE)  # who says a date for all
    assert "1 added, 0 replaced, 40 unchanged" in output


@pytest.mark.usefixtures("unrefreshed")
def test_a_bad_line_in_the_file_of_events_costs_itself_alone(connection: Connection, tmp_path: Path) -> None:
    described = [[str(event), "2027-06-01T19:00Z"] for event in range(100, 140)] + [["7", "soon"], ["8", "later"]]
    of_events = write(tmp_path / "events.csv", described, ["event", "event_date"])
    rows = [[event, at(0), "Floor", "A", "1.00", 1] for event, _ in described[:-1]]
    output = imports(write(tmp_path / "mine.csv", rows), "--source", "mine", "--events", str(of_events))
    assert "events.csv, line 42: event_date 'soon' is not an ISO time; it is not used." in output
    assert len(captures(connection)) == 40


def test_a_quote_that_is_never_closed_refuses_the_file_with_its_line(connection: Connection, tmp_path: Path) -> None:
    file = write(tmp_path / "mine.csv", ROWS * 4000)
    lines = file.read_text().splitlines()
    lines[10_000] = lines[10_000].replace("Floor", '"Floor').replace("Stands", '"Stands')
    file.write_text("\n".join(lines) + "\n")
    code, output = run("import", str(file), *BASE, "--every", "0")
    assert code == 1
    assert "line 10,001 (as a text editor counts): a quote opens a value there and takes in the rows after" in output
    assert captures(connection) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{h}\n7,{t},Floor,A,85,1\n7,{t},Floor,A,1.250,1\n", "are two numbers, 1250 or 1.250: line 3: 1.250"),
        (
            "{h}\n7,{t},Trib\xfcne,A,85,1\n",
            "As cp1252: line 2: zone Trib\xfcne. If that is right, say --encoding cp1252",
        ),
        ("{h}\n7,{t},Floor,A,85,1\n", ""),
        ("{h},Price\n7,{t},Floor,A,85,1,90\n", "more than one column Price, price"),
        ("{h},listing,listing\n7,{t},Floor,A,85,1,1,2\n", "more than one column listing"),
        ("{h},seat,seat,,\n7,{t},Floor,A,85,1,1,2,,\n", ""),
        ("sep=;\n{h};\n7;{t};Floor;A;85;1;\n", ""),
    ],
)
def test_what_is_unclear_in_a_whole_file_refuses_it_and_what_is_clear_is_read(
    connection: Connection, tmp_path: Path, content: str, said: str
) -> None:
    file = tmp_path / "mine.csv"
    header = ",".join(HEADER).replace(",", ";" if content.startswith("sep") else ",")
    file.write_bytes(content.format(h=header, t=at(0)).encode("latin-1"))
    code, output = run("import", str(file), *BASE, "--dry-run")
    assert (code, said in output) == (1 if said else 0, True)


@pytest.mark.usefixtures("unrefreshed")
def test_a_real_file_of_listings_is_what_pandas_makes_of_it(connection: Connection) -> None:
    sample = Path(__file__).parent / "samples" / "gametime_listings_three_looks.csv"
    imports(sample, "--source", "mine", "--time-zone", "America/New_York")
    file = pd.read_csv(sample, dtype={"event": str, "zone": str, "section": str})
    file["tick"] = pd.to_datetime(file["time"]).dt.floor("s")
    file["cents"] = (file["price"] * 100).round().astype(int)
    expected = file.groupby(["event", "tick", "zone", "section"])["cents"].agg(["min", "max", "sum", "count"])
    expected["tickets"] = file.groupby(["event", "tick", "zone", "section"])["quantity"].sum()
    stored = connection.execute(
        """select events.external_id, tick, zones.name, sections.name, lowest_price_cents, highest_price_cents,
               price_sum_cents, total_listings, total_tickets
           from market.section_snapshots as snapshots
           join market.events using (event_key) join market.sections using (event_key, section_key)
           join market.zones using (event_key, zone_key) order by 1, 2, 3, 4"""
    ).fetchall()
    assert stored == sorted(
        (*key[:1], key[1].to_pydatetime(), *key[2:], *map(int, figures))
        for key, figures in zip(expected.index, expected.to_numpy(), strict=True)
    )


def test_a_file_imported_again_into_packed_days_is_exact(connection: Connection, tmp_path: Path) -> None:
    file = write(tmp_path / "mine.csv", ROWS)
    imports(file)
    before = facts(connection)
    day = NOON.date()
    keys = [key for (key,) in connection.execute("select event_key from market.events order by 1")]
    assert [pack_day(connection, key, day)[2] for key in keys] == [None, None]
    assert connection.execute("select count(*) from market.section_snapshots").fetchone() == (0,)
    assert "0 added, 0 replaced, 3 unchanged" in imports(file)
    assert facts(connection) == before
    assert_exact(connection)
    assert [pack_day(connection, key, day)[2] for key in keys] == [None, None]
    late = ["7", at(25), "Floor", "A", "3.00", 1]
    dearer = [[*row[:4], "99.00", *row[5:]] if row[0] == "8" else row for row in ROWS]
    assert "1 added, 1 replaced, 2 unchanged" in imports(write(file, [*dearer, late]))
    assert_exact(connection)
    prices = "select max(lowest_price_cents) from market.all_snapshots where event_key = %s"
    assert [connection.execute(prices, [key]).fetchone() for key in keys][1] == (9900,)
