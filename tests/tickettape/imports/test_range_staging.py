"""Of several values of one time, one counts."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from tests.support.imported_ranges import BASE, ROWS, by_pandas, imports, stored, write
from tickettape.database import Connection

SAMPLES = Path(__file__).parent / "samples"
TICKETMASTER = [
    "--ranges", "--market", "primary", "--time-zone", "UTC",
    "--map", "event=EVENT_ID,time=scrape_time,lowest_price=MIN_PRICE,highest_price=MAX_PRICE",
    "--map", "event_name=EVENT_NAME,event_date=EVENT_START_DATETIME",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _no_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored is looked at here; what the rollups make of it has tests of its own."""
    monkeypatch.setattr("tickettape.cli.imports.refresh_all", lambda connection: None)


def test_rows_multiplied_by_something_else_count_once_and_zero_is_no_price(
    connection: Connection, tmp_path: Path
) -> None:
    content = (SAMPLES / "ticketmaster_rows_multiplied.csv").read_bytes()
    # as elsewhere in the whole file: a price of 0, and the name `city` twice
    file = tmp_path / "rows.csv"
    file.write_bytes(content.replace(b",22.5,22.5,", b",0.0,22.5,").replace(b",city_ascii,", b",city,", 1))
    output = imports(file, "--source", "mine", *TICKETMASTER)
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    expected = by_pandas(
        frame, event=frame["EVENT_ID"], time=pd.to_datetime(frame["scrape_time"]).dt.floor("s").dt.tz_localize("UTC"),
        market="primary", lowest_price="MIN_PRICE", highest_price="MAX_PRICE",
    )  # fmt: skip
    assert stored(connection) == expected
    assert [row[2:5] for row in expected if row[0] == "vvG1VZb41CZdEo"] == [(None, None, 2250)]
    assert f"{len(frame) - len(expected)} rows repeat another row" in output


def test_of_two_values_of_one_time_the_last_in_the_file_counts_and_that_is_said(
    connection: Connection, tmp_path: Path
) -> None:
    rows = [ROWS[0], ["7", "2026-11-20 12:00", "9", "", "", "", ""], ["7", "2026-11-20 12:00:00", "8", "", "", "", ""]]
    output = imports(write(tmp_path / "mine.csv", [*rows, ROWS[1], ROWS[1]]))
    assert "2 rows differ from a later row of the same event and time: the last one in the file counts" in output
    assert "1 rows repeat another row" in output
    assert [row[2] for row in stored(connection)] == [800, 1100]


def test_times_can_be_taken_together_and_the_one_seen_last_counts(connection: Connection, tmp_path: Path) -> None:
    rows = [["7", "2026-11-20 12:09", "9", "", "", "", ""], ["7", "2026-11-20 12:01", "8", "", "", "", ""]]
    imports(write(tmp_path / "mine.csv", rows), *BASE, "--every", "10")
    assert [row[1:3] for row in stored(connection)] == [(datetime(2026, 11, 20, 12, tzinfo=UTC), 900)]
