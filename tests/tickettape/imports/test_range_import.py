"""`tickettape import --ranges`, as people type it: the files that people have, equal to what pandas makes of them."""

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.commands import run
from tests.support.imported_ranges import BASE, HEADER, ROWS, by_pandas, imports, stored, write
from tests.support.markets import NOON, add_event
from tests.support.oracle import assert_exact
from tickettape.catalogue import track_rule
from tickettape.cli.refresh import refresh_all
from tickettape.database import Connection
from tickettape.imports import ImportRequest, import_file, range_import
from tickettape.observations import store_price_ranges

SAMPLES = Path(__file__).parent / "samples"
FESTIVAL = [
    "--ranges", "--event", "festival", "--default", "event_date=2021-10-08T12:00-05:00",
    "--map", "time=date+time,lowest_price=min price,tickets=num tickets left",
    "--time-format", "%m/%d/%y %H:%M", "--time-zone", "America/Chicago",
]  # fmt: skip
SEATGEEK = """# one look an hour, by R
kind = "ranges"
time_formats = ["%Y-%m-%d_%H.%M.%S"]
time_zone = "America/New_York"  # the clock of who asked
event_date_zone = "UTC"

[columns]
event = "id"
time = "timestamp"
event_name = "title"
event_date = "datetime_utc"
venue = "name"
listings = "listing_count"
"""


TICKPICK = [
    "--ranges", "--map", "event=event_id,event_name=title,time=date_collected+time_collected,event_date=date_local",
    "--map", "listings=listing_count", "--time-zone", "America/New_York",
    "--time-format", "%Y-%m-%d %H:%M:%S", "--time-format", "%m/%d/%Y %H:%M:%S",
    "--event-date-format", "%Y-%m-%d", "--event-date-format", "%m/%d/%Y",
]  # fmt: skip
THREE_SHOWS = [
    "--ranges", "--map", "event=eventid,time=timestamp,listings=totalListings,tickets=totalTickets",
    "--time-format", "%m-%d-%Y_%H.%M.%S", "--time-zone", "America/Chicago",
    "--default", "event_date=2015-07-03T19:00-05:00",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _no_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored is looked at here; what the rollups make of it has tests of its own."""
    monkeypatch.setattr("tickettape.cli.imports.refresh_all", lambda connection: None)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of this test's own, for what it saves."""
    from tickettape.settings import settings

    monkeypatch.setattr(settings(), "tickettape_home", tmp_path / "home")
    return tmp_path / "home"


def of_sample(name: str, *arguments: str) -> str:
    return imports(SAMPLES / name, "--source", "mine", *arguments)


def refusals(connection: Connection) -> list[tuple[str | None, str, bool]]:
    return connection.execute(
        "select external_id, reason, replayed_at is not null from market.quarantine order by quarantine_id"
    ).fetchall()


def text_of(name: str, **options: Any) -> pd.DataFrame:
    table: pd.DataFrame = pd.read_csv(SAMPLES / name, dtype=str, keep_default_na=False, **options)
    return table


def test_a_festival_by_the_half_hour_in_two_columns_of_local_time(connection: Connection) -> None:
    output = of_sample("stubhub_festival_30min.csv", *FESTIVAL)
    file = text_of("stubhub_festival_30min.csv", encoding="utf-8-sig")
    local = pd.to_datetime(file["date"] + " " + file["time"], format="%m/%d/%y %H:%M")
    expected = by_pandas(
        file, event="festival", time=local.dt.tz_localize("America/Chicago").dt.tz_convert("UTC"),
        lowest_price="min price", tickets="num tickets left",
    )  # fmt: skip
    assert stored(connection) == expected
    assert len(expected) == len(file) - 1
    assert "1 rows repeat another row" in output


def test_many_events_by_r_in_latin_1_through_a_mapping_that_is_saved_and_used_by_name(
    connection: Connection, tmp_path: Path, home: Path
) -> None:
    file = tmp_path / "events.csv"
    content = (SAMPLES / "seatgeek_events_latin1.csv").read_bytes()
    # as elsewhere in the whole file: a street with an é, prices that are not known, and one of ten million
    content = content.replace(b"1 Patriot Place", b"1 Patriot Pl\xe9ce").replace(b",237,1794,938,237,467.23,", b",NA,10858935,938,NA,467.230000,")  # fmt: skip # noqa: E501
    assert content.count(b"\xe9") == content.count(b"10858935") == 1
    file.write_bytes(content)
    (tmp_path / "seatgeek.toml").write_text(SEATGEEK)
    mapping = ["--source", "mine", "--mapping", str(tmp_path / "seatgeek.toml"), "--save-mapping", "seatgeek-r"]
    output = imports(file, *mapping)
    assert "not UTF-8 (see its line 4). It is read as Windows-1252" in output
    frame = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="latin-1")
    local = pd.to_datetime(frame["timestamp"], format="%Y-%m-%d_%H.%M.%S")
    expected = by_pandas(
        frame, event=frame["id"], time=local.dt.tz_localize("America/New_York").dt.tz_convert("UTC"),
        lowest_price="lowest_price", average_price="average_price", highest_price="highest_price",
        listings="listing_count",
    )  # fmt: skip
    assert stored(connection) == expected
    assert [row[2:5] for row in expected if row[0] == "4347055"] == [(None, 46723, 1_085_893_500)]
    assert connection.execute("select name, date from market.events where external_id = '4347055'").fetchone() == (
        "Atlanta Falcons at Philadelphia Eagles",
        datetime(2018, 9, 7, 0, 20, tzinfo=UTC),
    )
    assert "# the clock of who asked" in (home / "mappings" / "seatgeek-r.toml").read_text()
    assert f"{len(expected)} unchanged" in imports(file, "--source", "mine", "--mapping", "seatgeek-r")


def test_two_styles_of_dates_in_one_column_where_both_are_said(connection: Connection) -> None:
    output = of_sample("tickpick_mixed_dates.csv", *TICKPICK, "--time-format", "%m/%d/%Y %H:%M")
    file = text_of("tickpick_mixed_dates.csv")
    written = file["date_collected"] + " " + file["time_collected"]
    local = written.map(pd.Timestamp)  # month first, as the file has it
    expected = by_pandas(
        file, event=file["event_id"], time=local.dt.tz_localize("America/New_York").dt.tz_convert("UTC"),
        lowest_price="lowest_price", average_price="average_price", highest_price="highest_price",
        listings="listing_count",
    )  # fmt: skip
    assert stored(connection) == expected
    assert "time: 8 rows read as %Y-%m-%d %H:%M:%S." in output
    assert "time: 11 rows read as %m/%d/%Y %H:%M:%S." in output
    days = connection.execute(
        "select external_id, (date at time zone 'America/New_York')::date::text from market.events"
    )
    assert dict(days.fetchall()) == {
        event: str(pd.Timestamp(day).date()) for event, day in zip(file["event_id"], file["date_local"], strict=True)
    }


def test_two_styles_are_refused_with_three_lines_of_each_until_both_are_said(connection: Connection) -> None:
    file = str(SAMPLES / "tickpick_mixed_dates.csv")
    iso = ["--ranges", "--source", "mine", "--map", "event=event_id,time=date_collected+time_collected"]
    code, output = run("import", file, *iso, "--time-zone", "UTC", "--default", "event_date=2026-01-01T00:00Z")
    assert code == 1
    assert "Its column time has times in 2 formats" in output
    assert "read as ISO, 8 rows: line 2: 2025-08-29 12:00:01; line 3:" in output
    assert "not read, 11 rows: line 10: 8/28/2025 6:00:03; line 11: 8/28/2025 6:00:03; line 12:" in output
    for table in ("price_ranges", "events", "quarantine", "imports"):
        assert connection.execute(f"select count(*) from market.{table}").fetchone() == (0,)


def test_counts_without_prices_are_taken_as_counts(connection: Connection) -> None:
    output = of_sample("stubhub_three_shows_6hourly.txt", *THREE_SHOWS)
    frame = text_of("stubhub_three_shows_6hourly.txt", sep=" ", encoding="utf-8-sig")
    local = pd.to_datetime(frame["timestamp"], format="%m-%d-%Y_%H.%M.%S")
    assert stored(connection) == by_pandas(
        frame, event=frame["eventid"], time=local.dt.tz_localize("America/Chicago").dt.tz_convert("UTC"),
        listings="totalListings", tickets="totalTickets",
    )  # fmt: skip
    assert f"{len(frame)} with counts only" in output


def test_a_file_without_the_time_of_its_prices_is_read_and_refused_in_plain_words(connection: Connection) -> None:
    code, output = run(
        "import", str(SAMPLES / "stubhub_sections_cr_only.csv"), "--ranges", "--source", "mine",
        "--map", "event=event_id,average_price=overall_avg_price",
    )  # fmt: skip
    assert code == 1
    assert "The file has no column time. It has: Match Flag, overall_avg_price, total_observations, event_id" in output
    assert "The time is when the prices were seen" in output


def test_listings_of_a_match_are_listings_as_before(connection: Connection) -> None:
    output = of_sample("gametime_listings_three_looks.csv", "--time-zone", "America/New_York", "--dry-run")
    file = text_of("gametime_listings_three_looks.csv")
    assert f"{len(file)} rows read, {len(file)} understood, 0 refused" in output
    assert f"Observations: {file['time'].nunique()}; {file['time'].nunique()} whole and 0 partial." in output
    assert connection.execute("select count(*) from market.captures").fetchone() == (0,)


def test_the_same_file_changes_nothing_and_a_corrected_one_replaces_what_it_corrects(
    connection: Connection, tmp_path: Path
) -> None:
    assert "3 added, 0 replaced, 0 unchanged" in imports(write(tmp_path / "mine.csv", ROWS))
    assert [row[2:7] for row in stored(connection)] == [
        (1050, 2012, 9900, 12, 40),
        (1100, None, 9899, None, 38),
        (None, None, None, 3, None),
    ]
    before = stored(connection)
    assert "0 added, 0 replaced, 3 unchanged" in imports(tmp_path / "mine.csv")
    assert stored(connection) == before
    corrected = [ROWS[0], ["7", "2026-11-20 12:10", "9", "", "98.99", "", 38], *ROWS[2:]]
    assert "0 added, 1 replaced, 2 unchanged" in imports(write(tmp_path / "again.csv", corrected))
    assert [row for row in stored(connection) if row not in before] == [
        ("7", datetime(2026, 11, 20, 12, 10, tzinfo=UTC), 900, None, 9899, None, 38, "resale", "unknown", "USD")
    ]


def test_what_is_imported_is_rolled_up_exactly_and_a_void_lasts_until_the_file_is_corrected(
    connection: Connection, tmp_path: Path
) -> None:
    file = write(tmp_path / "mine.csv", ROWS)
    imports(file)
    refresh_all(connection)
    assert_exact(connection)
    rollup = """select external_id, hour, lowest_price::text, highest_price::text
                from analytics.range_hours join market.events on id = event_id order by 1, 2"""
    assert connection.execute(rollup).fetchall() == [("7", NOON, "10.50", "99.00"), ("8", NOON, None, None)]
    void = ["--source", "mine", "--event", "7", "--tick", "2026-11-20T12:10Z", "--reason", "another hall"]
    code, output = run("void", *void)
    assert code == 0, output
    assert "3 unchanged" in imports(file)
    assert len(stored(connection)) == 2
    corrected = [ROWS[0], ["7", "2026-11-20 12:10", "9", "", "98.99", "", 38], *ROWS[2:]]
    assert "0 added, 1 replaced, 2 unchanged" in imports(write(file, corrected))
    refresh_all(connection)
    assert_exact(connection)
    assert [row[2] for row in connection.execute(rollup).fetchall()] == ["9.00", None]


def test_rows_of_a_month_that_is_not_open_are_held_for_it_once(connection: Connection, tmp_path: Path) -> None:
    imports(write(tmp_path / "mine.csv", ROWS))
    connection.execute("update market.months set state = 'archived' where month = '2026-11-01'")
    changed = [["7", "2026-11-20 12:00", "1", "", "", "", ""], ["7", "2026-10-20 12:00", "2", "", "", "", ""]]
    for added in (1, 0):
        output = imports(write(tmp_path / "mine.csv", changed))
        assert f"{added} added, 0 replaced, {1 - added} unchanged, 1 held until their month is open" in output
    assert connection.execute("select held_for::text, content from market.quarantine").fetchall() == [
        ("2026-11-01", "price_ranges")
    ]


def test_parquet_and_gzip_say_the_same_as_csv(connection: Connection, tmp_path: Path) -> None:
    imports(write(tmp_path / "mine.csv", ROWS))
    typed = {
        "event": [7, 7, 8],
        "day": [datetime(2026, 11, 20).date()] * 3,  # noqa: DTZ001  no zone, as files have them
        "clock": ["12:00", "12:10", "12:00"],
        "lowest_price": [10.5, 11.0, None],
        "average_price": [20.123456, None, float("nan")],
        "highest_price": [99.0, 98.99, None],
        "listings": [12.0, None, 3.0],
        "tickets": pa.array([40, 38, None], pa.int64()),
    }
    pq.write_table(pa.table(typed), tmp_path / "mine.parquet")
    assert "3 unchanged" in imports(tmp_path / "mine.parquet", *BASE, "--map", "time=day+clock")
    with gzip.open(tmp_path / "mine.csv.gz", "wb") as out:
        out.write((tmp_path / "mine.csv").read_bytes().replace(b",", b"\t").replace(b"\r\n", b"\r"))
    assert "3 unchanged" in imports(tmp_path / "mine.csv.gz")


def test_a_dry_run_says_what_a_run_then_does(connection: Connection, tmp_path: Path) -> None:
    many = [["7", f"2026-11-20 {hour:02}:00", "10", "", "", "", ""] for hour in range(20)]
    file = write(tmp_path / "mine.csv", [*ROWS, *many, ["7", "2026-11-20 13:30", "9", "8", "", "", ""]])
    for option in ("--dry-run", "--check"):
        output = imports(file, *BASE, option)
        assert "24 rows read, 23 understood, 1 refused" in output
        assert "line 25: lowest_price '9.00' is above average_price '8.00'" in output
        assert "Observations: 22; 0 with lowest, average and highest price, 21 with some of them, 1 with" in output
        assert "Events: 2, of which 2 are new and 0 are already known to mine" in output
        assert "Price ranges never mean that something is sold out" in output
        assert "Nothing was written" in output
    for table in ("price_ranges", "events", "quarantine", "imports"):
        assert connection.execute(f"select count(*) from market.{table}").fetchone() == (0,)
    imports(file)
    assert len(stored(connection)) == 22
    assert "Events: 2, of which 0 are new and 2 are already known to mine" in imports(file, *BASE, "--dry-run")


def test_local_times_that_clocks_show_twice_or_never_are_refused(connection: Connection, tmp_path: Path) -> None:
    days = [["7", f"{day}/2025 {hour}:30", "9", "", "", "", ""] for day in ("3/9", "11/2") for hour in range(24)]
    output = imports(
        write(tmp_path / "mine.csv", days), *BASE[:-1], "America/Chicago", "--time-format", "%m/%d/%Y %H:%M"
    )
    assert "2 refused" in output
    assert "occurs twice or never in America/Chicago, because the clocks change then (and 1 more such rows)" in output
    missing = {"2025-03-09T02", "2025-11-02T01"}
    times = pd.to_datetime([day[1] for day in days], format="%m/%d/%Y %H:%M")
    expected = [one for one in times if f"{one:%Y-%m-%dT%H}" not in missing]
    assert [row[1] for row in stored(connection)] == [
        one.tz_localize("America/Chicago").tz_convert("UTC").to_pydatetime() for one in expected
    ]


def test_refused_rows_are_in_quarantine_once_with_their_line_until_the_file_is_mended(
    connection: Connection, tmp_path: Path
) -> None:
    many = [["7", f"2026-11-20 {hour:02}:00", "10", "", "", "", ""] for hour in range(20)]
    bad = ["7", "2026-11-20 13:30", "cheap", "", "", "", ""]
    file = write(tmp_path / "mine.csv", [*many, bad])
    for _ in range(2):
        imports(file)
        assert refusals(connection) == [
            ("7", "mine.csv, line 22: lowest_price 'cheap' is not a number with a decimal point", False)
        ]
    imports(write(file, [*many, ["7", "2026-11-20 13:30", "9", "", "", "", ""]]))
    assert [replayed for *_, replayed in refusals(connection)] == [True]


def test_an_interrupted_import_goes_on_where_it_is_started_again(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "mine.csv", ROWS)
    monkeypatch.setattr(range_import, "RANGES_AT_ONCE", 1)
    whole = store_price_ranges
    written: list[Any] = []

    def dies(*arguments: Any) -> Any:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(whole(*arguments))
        return written[-1]

    monkeypatch.setattr(range_import, "store_price_ranges", dies)
    request = ImportRequest(
        "mine", datetime.now(UTC), ranges=True, time_zone=UTC, defaults={"event_date": "2027-06-01T19:00Z"}
    )
    with pytest.raises(KeyboardInterrupt):
        import_file(connection, file, request, print)
    assert len(stored(connection)) == 2
    monkeypatch.setattr(range_import, "store_price_ranges", whole)
    assert "1 added, 0 replaced, 2 unchanged" in imports(file)


def test_an_event_has_one_currency_which_the_file_the_sign_or_the_event_says(
    connection: Connection, tmp_path: Path
) -> None:
    signs = [
        ["7", "2026-11-20 12:00", "€10.50", "", "", "", ""],
        ["8", "2026-11-20 12:00", "$1,234.50", "", "", "", ""],
    ]
    imports(write(tmp_path / "mine.csv", signs))
    assert [(row[0], row[2], row[-1]) for row in stored(connection)] == [("7", 1050, "EUR"), ("8", 123450, "USD")]
    imports(write(tmp_path / "more.csv", [["7", "2026-11-20 12:10", "11", "", "", "", ""]]))
    assert [(row[2], row[-1]) for row in stored(connection)][1] == (1100, "EUR")
    code, output = run("import", str(write(tmp_path / "mine.csv", ROWS)), *BASE, "--default", "currency=GBP")
    assert code == 1
    assert "is stored in EUR, and the file has it in GBP, but an event has one currency" in output


@pytest.mark.parametrize(
    ("rows", "header", "arguments", "said"),
    [
        (ROWS, HEADER, [*BASE[:3], "--time-zone", "UTC"], "2 events have no date: 7, 8"),
        (ROWS, ["game", *HEADER[1:]], BASE, "The file has no column event"),
        (ROWS, ["event", "time", *"abcde"], BASE, "The file has no column with a price or a count (lowest_price"),
        (ROWS, HEADER, [*BASE, "--map", "zone=event"], "where COLUMN is one of ours"),
        (ROWS, HEADER, [*BASE, "--map", "time=day+time"], "The file has no column day"),
        (ROWS, HEADER, [*BASE, "--time-format", "%Q"], "This is not a time format"),
        (ROWS, HEADER, [*BASE, "--encoding", "martian"], "'martian' is not a known encoding"),
        (ROWS, HEADER, [*BASE, "--market", "black"], "'black' is not resale or primary"),
        (ROWS, [*HEADER[:-1], "listings"], [*BASE, "--map", "tickets=listings"], "more than one column listings"),
        ([["7", "2026-11-20 12:00", "0", "", "", "", ""]], HEADER, BASE, "None of its 1 rows has a price or a count"),
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
    for table in ("price_ranges", "events", "quarantine", "imports"):
        assert connection.execute(f"select count(*) from market.{table}").fetchone() == (0,)


def test_a_marketplaces_name_needs_the_word_for_it(connection: Connection, tmp_path: Path) -> None:
    add_event(connection, "7")
    track_rule(connection, "simulator", "event", "7")
    arguments = [*BASE, "--source", "simulator"]
    code, output = run("import", str(write(tmp_path / "mine.csv", ROWS[:1])), *arguments)
    assert code == 2
    assert "--into-marketplace" in output
    code, output = run("import", str(tmp_path / "mine.csv"), *arguments, "--into-marketplace")
    assert code == 1
    assert "1 events have no currency yet: 7." in output
    imports(tmp_path / "mine.csv", *arguments, "--into-marketplace", "--default", "currency=USD")
    assert len(stored(connection)) == 1
