"""Events described in a file of their own."""

from datetime import UTC, datetime
from pathlib import Path

from tests.support.imported_files import ROWS, captures, imports, write
from tickettape.database import Connection


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
