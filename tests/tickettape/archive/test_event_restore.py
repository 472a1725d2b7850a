"""A restored event is what was archived, and whoever was erased meanwhile stays erased."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.box_office import BoxOffice
from tests.support.over_events import LATER, NOW, archive, cold, over_event, restore, rows_of, settled
from tickettape.archive import event_restore
from tickettape.archive.event_archive import EVENT_TABLES, PERSONAL, due_events
from tickettape.archive.month_restore import RestoreError
from tickettape.box_office.payments import refund
from tickettape.box_office.sales import sales
from tickettape.box_office.users import erase_user
from tickettape.file_storage import DamagedError, Storage


def test_a_restored_event_is_the_same_row_for_row(office: BoxOffice, tmp_path: Path) -> None:
    event = over_event(office)
    before, sold = rows_of(office, event), sales(office.connection, event)
    logged = office.one("select max(id) from audit_log")
    archive(office, tmp_path, event)
    figures = restore(office, tmp_path, event)
    assert figures["rows"] == 12 + 4 + 8
    assert [figures[f"rows of {name}"] for name in EVENT_TABLES] == [12, 4, 8]
    assert rows_of(office, event) == before
    assert [(one.gross, one.refunds, one.tickets_available) for one in sales(office.connection, event)] == [
        (one.gross, one.refunds, one.tickets_available) for one in sold
    ]
    assert office.faults() == []
    assert office.all("select distinct relation from audit_log where id > %s", logged) == [("stored_events",)]
    for kept in ("archived_bookings", "archived_sections", "archived_sales"):
        assert office.all(f"select * from {kept} where event_id = %s", event) == []
    # its hours are marked: what came while it was archived is rolled up now
    assert office.one("select count(distinct rollup) from sales_marks where event_id = %s", event) == 4
    # it stays until the day that was said, and is then archived again
    settled(office, event)
    now = NOW + timedelta(days=300)
    assert event in [one.event_id for one in due_events(office.connection, now=now, days=30)[0]]
    office.do("update event_archives set pinned_until = %s where event_id = %s", now.date(), event)
    assert event not in [one.event_id for one in due_events(office.connection, now=now, days=30)[0]]
    office.do("update event_archives set pinned_until = null where event_id = %s", event)
    archive(office, tmp_path, event)
    restore(office, tmp_path, event)
    for number, why in ((event, f"Event {event} is not archived, so"), (-1, "There is no event -1 at the box office")):
        with pytest.raises(RestoreError, match=why):
            restore(office, tmp_path, number)
    booking = office.one("select id from bookings where event_id = %s and status = 'CONFIRMED' limit 1", event)
    assert refund(office.connection, booking_id=booking) > 0


def test_a_damaged_file_restores_nothing(office: BoxOffice, tmp_path: Path) -> None:
    event = over_event(office)
    archive(office, tmp_path, event)
    path = next(Path(cold(tmp_path).path("booking_seats")).rglob("*.parquet"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"x")
    with pytest.raises(DamagedError, match="is damaged"):
        restore(office, tmp_path, event)
    assert office.one("select archived_at is not null from stored_events where id = %s", event)
    assert {len(rows) for rows in rows_of(office, event).values()} == {0}
    path.write_bytes(whole)
    # without a row of who bought, a booking would be missing: that is found too
    office.do("create table kept as select * from archived_bookings where event_id = %s", event)
    office.do("delete from archived_bookings where id = (select min(id) from kept)")
    with pytest.raises(Exception, match=r"differs from its manifest|foreign key"):
        restore(office, tmp_path, event)
    office.do("insert into archived_bookings select * from kept on conflict do nothing; drop table kept")
    restore(office, tmp_path, event)


def test_an_event_that_was_archived_by_an_older_schema_is_restored_or_says_why_not(
    office: BoxOffice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = over_event(office)
    archive(office, tmp_path, event)
    table, columns = EVENT_TABLES["booking_seats"]
    monkeypatch.setitem(EVENT_TABLES, "booking_seats", (table, columns.replace(" released_at", "")))
    monkeypatch.setitem(PERSONAL, "booking_seats", {"released_at"})
    with pytest.raises(RestoreError, match="and booking_seats no longer has released_at"):
        restore(office, tmp_path, event)
    monkeypatch.undo()
    office.do("alter table booking_seats add column note text not null default 'none'")  # newer than the files
    try:
        monkeypatch.setitem(EVENT_TABLES, "booking_seats", (table, f"{columns} note"))
        restore(office, tmp_path, event)
        assert office.one("select count(*) from booking_seats where note = 'none'") >= 8
    finally:
        office.do("alter table booking_seats drop column note")


def test_an_erased_user_stays_erased_after_a_restore(
    office: BoxOffice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control restores without erasing again: then the person is back, with their bookings."""
    event = over_event(office)
    user, email = office.all(
        "select id, email from users where id = (select min(user_id) from bookings where event_id = %s)", event
    )[0]
    archive(office, tmp_path, event)
    erase_user(office.connection, Storage(str(tmp_path / "backups")), user)
    state = "select email, full_name, erased_at is not null from users where id = %s"
    restore(office, tmp_path, event)
    assert office.all(state, user) == [(f"erased-{user}@invalid", "", True)]
    assert office.one("select count(*) from bookings where event_id = %s and user_id = %s", event, user) == 1

    for guarded in (False, True):  # now the database is one that knows the person again, from an older dump
        office.do("update users set email = %s, full_name = 'Ada', erased_at = null where id = %s", email, user)
        office.do("update event_archives set pinned_until = null where event_id = %s", event)
        settled(office, event)
        archive(office, tmp_path, event, now=LATER)
        if not guarded:
            monkeypatch.setattr(event_restore, "erase_again", lambda *_: 0)
        figures = restore(office, tmp_path, event)
        monkeypatch.undo()
        assert figures["users erased again"] == int(guarded)
        assert (office.all(state, user) == [(f"erased-{user}@invalid", "", True)]) is guarded


def test_a_deleted_user_with_archived_bookings_is_erased_and_their_bookings_come_back(
    office: BoxOffice, tmp_path: Path
) -> None:
    event = over_event(office)
    user = office.one("select min(user_id) from bookings where event_id = %s", event)
    archive(office, tmp_path, event)
    office.do("update users set deleted_at = now() - interval '91 days' where id = %s", user)
    office.one("select forget_old()")
    assert office.one("select erased_at is not null from users where id = %s", user)
    restore(office, tmp_path, event)
    assert office.one("select count(*) from bookings where event_id = %s and user_id = %s", event, user) == 1
