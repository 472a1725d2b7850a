"""`tickettape import`, as people type it: files into the history, exactly, and again without a change."""

import csv
import gzip
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tests.support.markets import NOON, TEN, Section, add_event, observe
from tests.support.oracle import assert_exact
from tickettape.catalogue import event_currencies, track_rule
from tickettape.cli import app
from tickettape.database import Connection
from tickettape.imports import ImportRequest, import_file, writer
from tickettape.settings import settings

HEADER = ["event", "time", "zone", "section", "price", "quantity"]
BASE = ["--source", "mine", "--default", "event_date=2027-06-01T19:00Z"]
HOUR = timedelta(hours=1)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def imports(file: Path, *arguments: str) -> str:
    code, output = run("import", str(file), *(arguments or BASE))
    assert code == 0, output
    return output


def at(minutes: int = 0) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


ROWS: list[Sequence[Any]] = [
    ["7", at(0), "Floor", "A", "10.50", 2],
    ["7", at(0), "Floor", "A", "20.00", 4],
    ["7", at(0), "Stands", "101", "5.00", 1],
    ["7", at(10), "Floor", "A", "11.00", 2],
    ["8", at(0), "Floor", "A", "99.99", 2],
]


def write(file: Path, rows: Sequence[Sequence[Any]], header: Sequence[str] = HEADER) -> Path:
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([header, *rows])
    return file


def captures(connection: Connection, source: str = "mine") -> list[tuple[str, datetime, str]]:
    return connection.execute(
        """select external_id, tick, status from market.captures join market.events using (event_key)
           where source = %s order by 1, 2""",
        [source],
    ).fetchall()


def facts(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        """select c.event_key, c.tick, c.status, c.fetched_at, c.job_id, s.* from market.captures c
           left join market.section_snapshots s using (event_key, tick) order by 1, 2, s.section_key"""
    ).fetchall()


def refusals(connection: Connection) -> list[tuple[str | None, str, bool]]:
    return connection.execute(
        "select external_id, reason, replayed_at is not null from market.quarantine order by quarantine_id"
    ).fetchall()


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


def test_the_same_file_again_changes_nothing_and_a_corrected_one_replaces_what_it_corrects(
    connection: Connection, tmp_path: Path
) -> None:
    imports(write(tmp_path / "mine.csv", ROWS))
    before = facts(connection)
    assert "0 added, 0 replaced, 3 unchanged" in imports(tmp_path / "mine.csv")
    assert facts(connection) == before
    corrected = [*ROWS[:3], ["7", at(10), "Floor", "A", "12.00", 2], ROWS[4]]
    assert "0 added, 1 replaced, 2 unchanged" in imports(write(tmp_path / "again.csv", corrected))
    changed = [row for row in facts(connection) if row not in before]
    assert [(row[1], row[2]) for row in changed] == [(NOON + TEN, "ok")]
    assert_exact(connection)


def test_parquet_shuffled_rows_own_column_names_and_gzip_say_the_same_as_csv(
    connection: Connection, tmp_path: Path
) -> None:
    imports(write(tmp_path / "mine.csv", ROWS))
    names = ["game", "seen", "area", "block", "usd", "n"]
    mapping = ",".join(f"{ours}={theirs}" for ours, theirs in zip(HEADER, names, strict=True))
    columns = list(zip(*reversed(ROWS), strict=True))
    typed = [
        [int(game) for game in columns[0]], [datetime.fromisoformat(seen) for seen in columns[1]], *columns[2:4],
        [float(price) for price in columns[4]], columns[5],
    ]  # fmt: skip
    pq.write_table(pa.table(dict(zip(names, map(list, typed), strict=True))), tmp_path / "mine.parquet")
    assert "3 unchanged" in imports(tmp_path / "mine.parquet", *BASE, "--map", mapping)
    plain = write(tmp_path / "mine.txt", ROWS, names).read_text().replace(",", ";")
    with gzip.open(tmp_path / "mine.csv.gz", "wt") as out:
        out.write(plain)
    assert "3 unchanged" in imports(tmp_path / "mine.csv.gz", *BASE, "--map", mapping)
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
            ("7", "mine.csv, line 33: time 'never' is no ISO time", False),
            (None, "mine.csv, line 35: it has 3 values where the header has 6", False),
        ]
    assert captures(connection) == [("7", NOON, "partial")]
    imports(write(file, [*many, ["7", at(0), "Floor", "A", "9.00", 1], *rows[-1:]]))
    assert [replayed for *_, replayed in refusals(connection)] == [True, False, False]
    assert_exact(connection)


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


def test_a_partial_file_is_shown_but_rolled_up_nowhere(connection: Connection, tmp_path: Path) -> None:
    imports(write(tmp_path / "mine.csv", ROWS), *BASE, "--partial")
    assert {status for *_, status in captures(connection)} == {"partial"}
    assert connection.execute("select count(*), bool_or(complete) from analytics.ticket_snapshots").fetchone() == (
        4,
        False,
    )
    assert connection.execute("select count(*) from analytics.aggregated_analytics").fetchone() == (0,)
    assert_exact(connection)


def test_a_quantity_of_zero_says_that_nothing_was_for_sale(connection: Connection, tmp_path: Path) -> None:
    imports(write(tmp_path / "mine.csv", [*ROWS[:3], ["7", at(10), "", "", "", 0]]))
    assert captures(connection) == [("7", NOON, "ok"), ("7", NOON + TEN, "empty")]
    assert connection.execute(
        "select zone, available, last_price::text from analytics.latest_prices order by zone"
    ).fetchall() == [("Floor", False, "10.50"), ("Stands", False, "5.00")]
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


@pytest.mark.parametrize("source", ["vividseats", "simulator", "tracked"])
def test_a_marketplaces_name_is_refused_unless_it_is_meant(connection: Connection, tmp_path: Path, source: str) -> None:
    track_rule(connection, "tracked", "event", "7")
    code, output = run("import", str(write(tmp_path / "mine.csv", ROWS)), *BASE, "--source", source)
    assert code == 2
    assert "--into-marketplace" in output


def test_history_before_the_first_tick_joins_the_zones_of_a_watched_event_and_spares_its_own_captures(
    connection: Connection, tmp_path: Path
) -> None:
    key = add_event(connection, "7")
    observe(connection, key, NOON, Section("Floor", "A", [5000]))
    connection.execute("update market.zones set external_id = '4711'")
    own = facts(connection)
    track_rule(connection, "simulator", "event", "7")
    output = imports(
        write(tmp_path / "mine.csv", [ROWS[0], ["7", at(-600), "Floor", "A", "10.50", 2]]),
        "--source", "simulator", "--into-marketplace", "--default", "currency=USD",
    )  # fmt: skip
    assert "1 added, 0 replaced, 0 unchanged, 1 left out" in output
    assert [row for row in facts(connection) if row[1] == NOON] == own
    assert connection.execute("select external_id, name from market.zones").fetchall() == [("4711", "Floor")]
    assert connection.execute("select name, venue, active from market.events").fetchone() == (
        "An evening",
        "The Hall",
        True,
    )
    assert "the pipeline captured this itself" in refusals(connection)[0][1]
    assert_exact(connection)


def test_a_voided_import_stays_void_until_a_corrected_file_comes(connection: Connection, tmp_path: Path) -> None:
    file = write(tmp_path / "mine.csv", ROWS)
    imports(file)
    code, output = run("void", "--source", "mine", "--event", "8", "--tick", at(0), "--reason", "another currency")
    assert code == 0, output
    assert "3 unchanged" in imports(file)
    assert captures(connection)[-1] == ("8", NOON, "void")
    assert "1 replaced" in imports(write(file, [*ROWS[:4], ["8", at(0), "Floor", "A", "89.99", 2]]))
    assert captures(connection)[-1] == ("8", NOON, "ok")
    assert connection.execute("select ended_by from market.voids").fetchall() == [("import",)]
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


def test_an_interrupted_import_goes_on_where_it_is_started_again(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "mine.csv", ROWS)
    monkeypatch.setattr(writer, "CAPTURES_AT_ONCE", 1)
    whole, written = writer.write_captures, []

    def dies(*arguments: Any) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(whole(*arguments))

    monkeypatch.setattr(writer, "write_captures", dies)
    with pytest.raises(KeyboardInterrupt):
        import_file(connection, file, _request(), print)
    assert len(captures(connection)) == 2
    monkeypatch.setattr(writer, "write_captures", whole)
    assert "1 added, 0 replaced, 2 unchanged" in imports(file)
    assert connection.execute("select completed_at is not null from market.imports order by started_at").fetchall() == [
        (False,),
        (True,),
    ]
    assert_exact(connection)


def _request() -> ImportRequest:
    return ImportRequest("mine", datetime.now(UTC), defaults={"event_date": "2027-06-01T19:00Z"})


@pytest.mark.parametrize(
    ("rows", "header", "arguments", "said"),
    [
        (ROWS, HEADER, ["--source", "mine"], "2 events have no date: 7, 8"),
        (ROWS, ["game", *HEADER[1:]], BASE, "No column is the event. The file has: game, time"),
        (ROWS, HEADER, [*BASE, "--map", "price=usd"], "no column usd"),
        (ROWS, HEADER, [*BASE, "--map", "cost=price"], "not one of our columns"),
        (ROWS, HEADER, [*BASE, "--time-zone", "Mars"], "no time zone"),
        ([["7", "2026-11-20 12:00", *ROWS[0][2:]]], HEADER, BASE, "has no time zone: say --time-zone"),
        ([*ROWS, ["7", at(0), "Floor", "A", "x", 1]], HEADER, BASE, "1 of 6 rows are refused (17%)"),
        ([], HEADER, BASE, "no row to import"),
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


def test_events_can_be_described_in_a_file_of_their_own_and_checked_before(
    connection: Connection, tmp_path: Path
) -> None:
    events = write(
        tmp_path / "events.csv",
        [["7", "Final", "Arena", "2027-06-01 20:00"], ["8", "", "", "2027-06-02 20:00"]],
        ["event", "event_name", "venue", "event_date"],
    )
    arguments = ["--source", "mine", "--events", str(events), "--time-zone", "Europe/Berlin"]
    assert "Nothing was written" in imports(write(tmp_path / "mine.csv", ROWS), *arguments, "--check")
    assert captures(connection) == []
    imports(tmp_path / "mine.csv", *arguments)
    assert connection.execute("select name, venue, date from market.events order by 1").fetchall() == [
        ("8", "unknown", datetime(2027, 6, 2, 18, tzinfo=UTC)),
        ("Final", "Arena", datetime(2027, 6, 1, 18, tzinfo=UTC)),
    ]


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
    assert "Events: 2, 2 new and 0 that mine has" in output
    assert "1 zones would look sold out, 1 times of 4 that zones are there; the first: Stands of 7, not" in output
    for table in ("captures", "events", "quarantine", "imports"):
        assert connection.execute(f"select count(*) from market.{table}").fetchone() == (0,)
    assert "1 of those written are partial" in imports(file)
    assert [status for *_, status in captures(connection)] == ["ok", "ok", "partial"]
    assert "Nothing would look sold out: the observations are partial" in imports(file, *BASE, "--partial", "--dry-run")
    assert "Nothing would look sold out: no zone is missing" in imports(
        write(file, [*ROWS, ["7", at(10), "Stands", "102", "5.00", 1]]), *BASE, "--dry-run"
    )


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


def test_what_stands_for_nothing_is_no_zone_and_no_price(connection: Connection, tmp_path: Path) -> None:
    many = [["7", at(0), "Floor", "A", "10.00", 1]] * 20
    rows = [*many, ["7", at(0), "NA", "A", "10.00", 1], ["7", at(0), "Floor", "A", "null", 1]]
    output = imports(write(tmp_path / "mine.csv", rows))
    assert "line 22: zone is missing" in output
    assert "line 23: price is missing" in output


def test_listings_of_another_currency_import_and_an_event_keeps_the_one_it_has(
    connection: Connection, tmp_path: Path
) -> None:
    def currencies() -> dict[str, str]:
        return dict(connection.execute("select external_id, currency from market.events where source = 'mine'"))

    header = [*HEADER, "currency"]
    rows = [[*row, "EUR" if row[0] == "7" else ""] for row in ROWS]
    imports(write(tmp_path / "euros.csv", rows, header))
    assert currencies() == {"7": "EUR", "8": "USD"}  # USD where nothing is said, as ever
    imports(write(tmp_path / "again.csv", [["7", at(20), "Floor", "A", "10.50", 2]]))  # the event's own
    assert currencies() == {"7": "EUR", "8": "USD"}
    before = facts(connection)
    for name, changed, words in (
        ("other.csv", [["7", at(30), "Floor", "A", "10.50", 2, "CHF"]], "is kept in EUR, and the file has it in CHF"),
        ("both.csv", [["9", at(0), "A", "A", 1, 2, "EUR"], ["9", at(0), "A", "A", 1, 2, "CHF"]], "in CHF and in EUR"),
    ):
        code, output = run("import", str(write(tmp_path / name, changed, header)), *BASE)
        assert code == 1
        assert words in output
    assert facts(connection) == before
    assert_exact(connection)


def test_a_marketplaces_event_gets_no_currency_that_nobody_says(connection: Connection, tmp_path: Path) -> None:
    known, unknown = (add_event(connection, external_id, "vividseats") for external_id in "78")
    connection.execute("update market.events set currency = 'CAD' where event_key = %s", [known])
    into = [*BASE, "--source", "vividseats", "--into-marketplace"]
    file = write(tmp_path / "mine.csv", ROWS)
    code, output = run("import", str(file), *into)
    assert code == 1
    assert "1 events have no currency yet: 8." in output
    assert "--default currency=" in output
    assert event_currencies(connection, [known, unknown]) == {known: "CAD"}
    assert captures(connection, "vividseats") == []
    imports(write(file, [ROWS[0]]), *into)  # in the event's own
    code, output = run("import", str(write(file, ROWS[-1:])), *into, "--default", "currency=CAD")
    assert code == 0
    assert connection.execute("select distinct currency from market.events").fetchall() == [("CAD",)]
