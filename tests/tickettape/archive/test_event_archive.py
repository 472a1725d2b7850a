"""An event's seats, bookings and lines leave together, after they were compared, and nothing that leads to a person."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow.parquet as pq
import pytest

from tests.support.box_office import BoxOffice, outcome, waits_for_lock
from tests.support.over_events import LATER, NOW, archive, cold, over_event, restore, rows_of, settled
from tickettape.archive import event_archive
from tickettape.archive.event_archive import (
    EVENT_TABLES,
    PERSONAL,
    SoldEvent,
    archive_due_events,
    archive_event,
    archived_from,
    event_columns,
    events_to_archive,
    manifest_name,
)
from tickettape.archive.month_archive import ArchiveError
from tickettape.box_office.bookings import hold
from tickettape.box_office.events import Seat, add_seats
from tickettape.box_office.payments import refund
from tickettape.box_office.refusals import RefusedError
from tickettape.box_office.sales import sales
from tickettape.box_office.users import forget_old
from tickettape.database import Connection
from tickettape.file_storage import DamagedError


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-08-15 20:00", "2026-08-15 23:00", "2026-10-01 00:00"),  # the quarter ends later
        ("2026-09-30 20:00", "2026-09-30 23:00", "2026-10-30 23:00"),  # the 30 days do
        ("2026-09-30 20:00", None, "2027-01-01 00:00"),  # without an end it may last into the next quarter
        ("2026-10-01 20:00", "2026-12-31 23:59", "2027-01-30 23:59"),
        ("2026-01-02 20:00", "2026-01-02 23:00", "2026-04-01 00:00"),
    ],
)
def test_an_event_is_archived_30_days_after_it_and_after_its_quarter(
    start: str, end: str | None, expected: str
) -> None:
    event = SoldEvent(1, "A concert", moment(start), moment(end) if end else None, None, None, None)
    assert archived_from(event, days=30) == moment(expected)


def test_what_is_not_finished_or_was_restored_is_held_back() -> None:
    now = moment("2027-01-01 00:00")

    def one(number: int, days_ago: int = 200, **given: Any) -> SoldEvent:
        values = {"step": None, "pinned_until": None, "hindrance": None} | given
        return SoldEvent(number, "A concert", now - timedelta(days=days_ago), None, **values)

    found = [
        one(1),
        one(2, days_ago=20),
        one(3, pinned_until=now.date()),
        one(4, pinned_until=now.date() - timedelta(days=1)),
        one(5, hindrance="an order or a hold has not ended"),
    ]
    due, held_back = events_to_archive(found, now=now, days=30)
    assert [event.event_id for event in due] == [1, 4]
    assert {event.event_id: why for event, why in held_back.items()} == {
        3: "restored, until 2027-01-01",
        5: "an order or a hold has not ended",
    }


def test_seats_bookings_and_lines_leave_together_and_what_was_sold_stays(office: BoxOffice, tmp_path: Path) -> None:
    event, other = over_event(office), over_event(office)
    before, of_other, sold = rows_of(office, event), rows_of(office, other), sales(office.connection, event)
    tickets = office.all("select * from tickets where event_id = %s order by id", event)
    logged = office.one("select max(id) from audit_log")
    figures = archive(office, tmp_path, event)
    assert figures["rows"] == sum(map(len, before.values())) == 12 + 4 + 8
    assert {name: len(rows) for name, rows in rows_of(office, event).items()} == dict.fromkeys(EVENT_TABLES, 0)
    assert rows_of(office, other) == of_other
    assert office.all("select * from tickets where event_id = %s order by id", event) == tickets
    ended = [one.__class__(**{**vars(one), "status": "ended"}) for one in sold]
    assert sales(office.connection, event) == ended
    assert office.faults() == []
    # one entry says that the event was archived, none says so of each booking
    entries = "select distinct relation, action from audit_log where id > %s"
    assert office.all(entries, logged) == [("stored_events", "UPDATE")]
    # no mark is left: the rollups stay as they are
    assert office.all("select * from sales_marks where event_id = %s", event) == []
    # others read the files, with their types
    with duckdb.connect() as reader:
        found = reader.execute(
            f"""select section, sum(base_price), max(dynamic_multiplier)
                from read_parquet('{cold(tmp_path).path("event_seats")}/*/part-*.parquet', hive_partitioning = true)
                where event = {event} group by section"""
        ).fetchall()
    assert [(section, float(price), float(most)) for section, price, most in found] == [
        ('A "loge", of two\nlines', 120.0, 1.25)
    ]


def test_a_buyer_still_has_the_tickets_and_nobody_gets_at_what_is_archived(office: BoxOffice, tmp_path: Path) -> None:
    event = over_event(office)
    booking, user, payment = office.all(
        """select bookings.id, user_id, payments.id from bookings inner join payments on booking_id = bookings.id
           where event_id = %s and bookings.status = 'CONFIRMED' order by 1 limit 1""",
        event,
    )[0]
    archive(office, tmp_path, event)
    buyer = office.connect()
    buyer.execute("select set_config('box_office.user_id', %s, false)", [str(user)])
    buyer.execute("set role tickettape_buyer")
    assert len(buyer.execute("select ticket_code from user_tickets_summary").fetchall()) == 2
    assert buyer.execute("select id from archived_bookings").fetchall() == [(booking,)]
    assert len(buyer.execute("select box_office.tickets_answer(null, false, 9)").fetchone()[0]["data"]) == 2  # type: ignore[index]
    with pytest.raises(RefusedError, match=f"Event {event} is in cold storage. Restore it first."):
        refund(office.connection, booking_id=booking)
    with pytest.raises(RefusedError, match="is in cold storage"):
        add_seats(office.connection, event, [Seat("B", "1", "1", 5)])  # type: ignore[arg-type]
    with pytest.raises(RefusedError):
        hold(office.connection, user, event, [1])
    with pytest.raises(psycopg.errors.CheckViolation, match="events_archived_are_over"):
        office.do("update stored_events set status = 'on_sale' where id = %s", event)
    # what a provider gives back on its own is noted, and an unknown booking gets no payment
    assert office.one("select payment_refunded(%s, 20)", payment) == "refunded"
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        office.do("insert into payments (booking_id, provider, amount, currency) values (-1, 'x', 1, 'USD')")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        office.do("insert into tickets (booking_id, seat_id, event_id) values (-1, -1, %s)", event)


def test_what_tickets_and_payments_refer_to_is_kept(office: BoxOffice) -> None:
    event = over_event(office)
    cancelled = "select id from bookings where event_id = %s and status = 'CANCELLED' order by id"
    (refunded,), (unpaid,) = office.all(cancelled, event)
    for statement, error in (
        ("delete from booking_seats where booking_id = %s; delete from bookings where id = %s", "ForeignKeyViolation"),
        (
            "with lines as (delete from booking_seats where booking_id = %s returning seat_id) "
            "delete from stored_seats where id in (select seat_id from tickets where booking_id = %s)",
            "ForeignKeyViolation",
        ),
    ):
        failed = outcome(
            partial(Connection.execute, query=statement.replace("%s", str(refunded)).encode()), office.connection
        )
        assert type(failed).__name__ == error, failed
    office.do("delete from bookings where id = %s", unpaid)


def test_no_column_that_leads_to_a_person_reaches_the_archive(office: BoxOffice, tmp_path: Path) -> None:
    event = over_event(office)
    people = office.all(
        "select email, full_name from users where id in (select user_id from bookings where event_id = %s)", event
    )
    archive(office, tmp_path, event)
    columns = {name for path in tmp_path.rglob("*.parquet") for name in pq.ParquetFile(path).schema_arrow.names}
    persons = {
        name for (name,) in office.all("select attname::text from pg_attribute where attrelid = 'users'::regclass")
    }
    assert columns & (persons - {"id", "created_at", "updated_at", "tableoid"}) == set()
    assert columns & {"user_id", "payment_id", "ticket_code", "provider_id"} == set()
    texts = [
        str(value)
        for path in tmp_path.rglob("*.parquet")
        for column in pq.read_table(path).columns
        for value in column.to_pylist()
    ]
    assert not [text for text in texts if "pi_secret" in text or any(part in text for row in people for part in row)]


def test_a_new_column_is_not_archived_before_somebody_says_what_it_is(office: BoxOffice, tmp_path: Path) -> None:
    event = over_event(office)
    office.do("alter table bookings add column contact_email text")
    try:
        with pytest.raises(ArchiveError, match="bookings has contact_email, which the archive does not know"):
            archive(office, tmp_path, event)
    finally:
        office.do("alter table bookings drop column contact_email")
    assert not list(tmp_path.rglob("*.parquet"))
    known = set(event_columns(office.connection, "bookings"))
    assert known & PERSONAL["bookings"] == set()


@pytest.mark.parametrize(
    ("hindrance", "words"),
    [
        (
            """insert into orders (user_id, event_id, subtotal, total_amount)
               select user_id, event_id, 1, 1 from bookings where event_id = %s limit 1""",
            "an order or a hold has not ended",
        ),
        (
            """update payments set status = 'open'
               where booking_id in (select id from bookings where event_id = %s)""",
            "a payment or a refund is not settled",
        ),
        (
            """update refunds set status = 'requested' where payment_id in (
                   select payments.id from payments inner join bookings on bookings.id = booking_id
                   where event_id = %s)""",
            "a payment or a refund is not settled",
        ),
        ("insert into sales_marks values ('sales_by_hour', %s, now())", "its sales are not rolled up yet"),
    ],
)
def test_what_is_not_finished_stays(office: BoxOffice, tmp_path: Path, hindrance: str, words: str) -> None:
    with office.connection.transaction(force_rollback=True):
        event = over_event(office)
        office.do(hindrance, event)
        if "sales_marks" not in hindrance:
            office.do("delete from sales_marks where event_id = %s", event)
        with pytest.raises(ArchiveError, match=f"Event {event} cannot be archived yet: {words}."):
            archive(office, tmp_path, event)


def test_an_event_that_is_not_over_is_not_archived(office: BoxOffice, tmp_path: Path) -> None:
    event = over_event(office)
    with pytest.raises(ArchiveError, match="it is archived from 20"):
        archive(office, tmp_path, event, now=NOW)
    with pytest.raises(ArchiveError, match="There is no event -1"):
        archive(office, tmp_path, -1)


@pytest.fixture
def verified(office: BoxOffice, tmp_path: Path) -> tuple[int, list[str]]:
    """An event whose archive was interrupted after it was verified."""
    event = over_event(office)

    def stop(text: str) -> None:
        if text == "verified: done":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        archive(office, tmp_path, event, say=stop)
    return event, [str(path) for path in tmp_path.rglob("*.parquet")]


def step_of(office: BoxOffice, event: int) -> Any:
    return office.one("select step from event_archives where event_id = %s", event)


@pytest.mark.parametrize("harm", ["truncated", "lost", "manifest"])
def test_nothing_is_removed_if_a_file_is_not_as_it_was_verified(
    office: BoxOffice, tmp_path: Path, verified: tuple[int, list[str]], harm: str
) -> None:
    event, files = verified
    before = rows_of(office, event)
    path = Path(cold(tmp_path).path(manifest_name(event)) if harm == "manifest" else files[0])
    if harm == "lost":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-9] + b"         " * (harm == "manifest"))
    with pytest.raises(DamagedError):
        archive(office, tmp_path, event)
    assert rows_of(office, event) == before


def test_what_changes_after_the_export_is_not_lost(
    office: BoxOffice, tmp_path: Path, verified: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    event, _ = verified
    change = "update bookings set total_amount = total_amount + 1 where event_id = %s and status = 'CONFIRMED'"
    office.do(change, event)
    settled(office, event)
    changed = rows_of(office, event)
    with pytest.raises(ArchiveError, match="was not removed, because bookings changed"):
        archive(office, tmp_path, event)
    assert rows_of(office, event) == changed
    assert step_of(office, event) == "begun"
    archive(office, tmp_path, event)
    restore(office, tmp_path, event)
    assert rows_of(office, event)["bookings"] == changed["bookings"]


@pytest.mark.parametrize("guarded", [True, False])
def test_a_writer_who_has_not_committed_is_waited_for(
    office: BoxOffice,
    tmp_path: Path,
    verified: tuple[int, list[str]],
    guarded: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control removes without the locks: it compares before the writer has committed, and loses the change."""
    event, _ = verified
    archiver, writer = office.connect(), office.connect()
    lock = event_archive.lock_event

    def lock_after_a_writer_began(connection: Connection, event_id: int) -> None:
        writer.execute("begin")
        writer.execute(
            "update bookings set hold_expires_at = now() where event_id = %s and status = 'CANCELLED'", [event]
        )
        if guarded:
            lock(connection, event_id)

    monkeypatch.setattr(event_archive, "lock_event", lock_after_a_writer_began)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            outcome,
            lambda connection: archive_event(connection, cold(tmp_path), event, now=LATER, days=30, say=print),
            archiver,
        )
        assert waits_for_lock(office, archiver)
        monkeypatch.undo()
        writer.execute("commit")
        done = running.result(timeout=60)
    if not guarded:
        restore(office, tmp_path, event)
    changed = "select count(hold_expires_at) > 0 from bookings where event_id = %s"
    assert office.one(changed, event) is guarded
    assert isinstance(done, ArchiveError) is guarded


def test_one_event_that_fails_does_not_keep_the_others(office: BoxOffice, tmp_path: Path) -> None:
    first, second, waits = over_event(office), over_event(office), over_event(office)
    with office.connection.transaction(force_rollback=True):
        office.do(
            """update stored_events set start_time = 'infinity', end_time = null, doors_open_time = null
               where id <> all(%s)""",
            [first, second, waits],
        )
        office.do("delete from sales_marks")
        office.do("insert into sales_marks values ('sales_by_hour', %s, now())", waits)
        office.do("insert into event_archives values (%s, 'verified', now(), 1, 'x')", first)
        done = archive_due_events(office.connection, cold(tmp_path), now=LATER, days=30, say=lambda _: None)
        assert list(done.archived) == [second]
        assert list(done.failed) == [first]
        assert done.held_back == {waits: "its sales are not rolled up yet"}


def test_payments_of_archived_events_end_after_seven_years(office: BoxOffice, tmp_path: Path) -> None:
    event, other = over_event(office), over_event(office)
    payments = "select payments.id from payments inner join tickets using (booking_id) where event_id = %s"
    of_event, of_other = ({row[0] for row in office.all(payments, one)} for one in (event, other))
    archive(office, tmp_path, event)
    sold, faults = sales(office.connection, event), office.faults()
    for days, left in ((7 * 365, of_event), (7 * 366, set())):
        office.do(
            "update payments set created_at = now() - %s * interval '1 day' where id = any(%s)",
            days,
            [*of_event, *of_other],
        )
        office.do("alter table refunds disable trigger touch")
        office.do(
            "update refunds set updated_at = now() - %s * interval '1 day' where payment_id = any(%s)",
            days,
            [*of_event, *of_other],
        )
        office.do("alter table refunds enable trigger touch")
        forget_old(office.connection)
        found = {row[0] for row in office.all("select id from payments where id = any(%s)", [*of_event, *of_other])}
        assert found == left | of_other  # an event that is not archived keeps them: its sales are computed from them
    assert sales(office.connection, event) == sold
    assert office.faults() == faults
