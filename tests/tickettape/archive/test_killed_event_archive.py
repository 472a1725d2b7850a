"""kill -9 of a real process at every step of an event's archive and of its restore; the next run goes on."""

from pathlib import Path

import psycopg
import pytest

from tests.support.box_office import BoxOffice
from tests.support.killed import kill, kills_itself_at
from tests.support.over_events import LATER, archive, cold, over_event, restore, restore_from, rows_of
from tickettape.archive.event_archive import EVENT_TABLES, archive_event

ARCHIVE_POINTS = [
    "exported: event_seats part 0, 12 rows",
    "exported: bookings part 0 is stored",
    "exported: done",
    "verified: event_seats is equal",
    "verified: the manifest is written",
    "verified: done",
    "removed: begins",
]
RESTORE_POINTS = ["loaded: bookings", "verified: booking_seats"]


def archive_until(url: str, folder: Path, event: int, point: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        archive_event(connection, cold(folder), event, now=LATER, days=30, say=kills_itself_at(point))


def restore_until(url: str, folder: Path, event: int, point: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        restore_from(connection, folder, event, say=kills_itself_at(point))


def test_a_killed_archive_and_a_killed_restore_lose_no_row(office: BoxOffice, tmp_path: Path) -> None:
    event = over_event(office)
    before = rows_of(office, event)
    for point in ARCHIVE_POINTS:
        kill(office.connection, archive_until, office.url, tmp_path, event, point)
        assert rows_of(office, event) == before
    assert office.one("select attempts from event_archives where event_id = %s", event) == len(ARCHIVE_POINTS)
    archive(office, tmp_path, event)
    for point in RESTORE_POINTS:
        kill(office.connection, restore_until, office.url, tmp_path, event, point)
        assert {len(rows) for rows in rows_of(office, event).values()} == {0}
    restore(office, tmp_path, event)
    assert rows_of(office, event) == before


def test_a_run_begins_with_the_first_step_that_is_not_done(office: BoxOffice, tmp_path: Path) -> None:
    event = over_event(office)
    said: list[str] = []
    for stop in ("exported: done", "verified: done", ""):

        def say(text: str, stop: str = stop) -> None:
            said.append(text)
            if text == stop:
                raise InterruptedError

        if stop:
            with pytest.raises(InterruptedError):
                archive(office, tmp_path, event, say=say)
        else:
            archive(office, tmp_path, event, say=say)
    once = [text for text in said if text.endswith((": done", ": begins", "is stored"))]
    assert once == [
        *(f"exported: {name} part 0 is stored" for name in EVENT_TABLES),
        "exported: done",
        "verified: done",
        "removed: begins",
        "removed: done",
    ]
