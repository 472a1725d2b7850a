"""The two documents' SQL, as it is written there, runs with search_path = box_office."""

from decimal import Decimal

import psycopg
import pytest

from tests.support.box_office import BoxOffice
from tickettape.box_office.bookings import confirm, hold
from tickettape.box_office.orders import purchase, reserve
from tickettape.database import Connection

AVAILABILITY = """
SELECT tt.id, tt.name, tt.price, tt.quantity, tt.sold, tt.reserved, (tt.quantity - tt.sold - tt.reserved) as available
FROM ticket_tiers tt
WHERE tt.event_id = %s AND tt.is_active = true
  AND (tt.sale_start_time IS NULL OR tt.sale_start_time <= CURRENT_TIMESTAMP)
  AND (tt.sale_end_time IS NULL OR tt.sale_end_time >= CURRENT_TIMESTAMP)
ORDER BY tt.position, tt.price"""
UPCOMING = """
SELECT * FROM user_tickets_summary
WHERE user_id = %s AND event_start_time > CURRENT_TIMESTAMP AND ticket_status = 'valid'
ORDER BY event_start_time ASC"""
BROWSE = """
SELECT * FROM active_events_with_availability
WHERE start_time > CURRENT_TIMESTAMP AND tickets_available > 0 ORDER BY start_time ASC LIMIT 20"""
INDEXES = (
    "idx_events_status_start",
    "idx_events_slug",
    "idx_events_search",
    "idx_ticket_tiers_event_id",
    "idx_ticket_tiers_active",
    "idx_orders_user_status",
    "idx_tickets_order_tier",
    "idx_waitlist_position",
    "idx_waitlist_notified",
    "idx_users_email",
    "idx_events_start_time",
    "idx_events_city_category",
    "idx_events_is_active",
    "idx_event_seats_event_status",
    "idx_event_seats_booking",
    "idx_event_seats_section",
    "idx_bookings_hold_expires",
    "idx_bookings_user_status",
    "idx_bookings_event",
    "idx_booking_seats_booking",
    "idx_booking_seats_seat",
)
COLUMNS = {
    "users": "id email full_name password_hash created_at updated_at role first_name phone_number is_verified "
    "stripe_customer_id",
    "promoters": "id user_id company",
    "events": "id name description venue city country start_time end_time total_seats available_seats category "
    "image_url is_active created_at updated_at promoter_id title status slug doors_open_time capacity event_series_id",
    "ticket_tiers": "id event_id name price quantity sold reserved is_active sale_start_time sale_end_time position "
    "min_purchase max_purchase",
    "orders": "id user_id event_id status total_amount subtotal service_fee tax",
    "order_items": "id order_id tier_id quantity",
    "tickets": "id order_id tier_id event_id ticket_code qr_code status",
    "waitlist": "id event_id user_id tier_id position notified notified_at notification_expires_at "
    "section_preference max_price created_at",
    "event_seats": "id event_id section row_number seat_number price status current_booking_id version created_at "
    "updated_at base_price dynamic_multiplier",
    "bookings": "id user_id event_id status total_amount hold_expires_at payment_id created_at confirmed_at "
    "cancelled_at",
    "booking_seats": "id booking_id seat_id price_at_booking created_at",
    "seat_views": "id event_id section view_quality_score distance_to_stage_meters",
}


@pytest.mark.parametrize("relation", COLUMNS)
def test_every_relation_has_its_columns(office: BoxOffice, relation: str) -> None:
    found = office.all(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped",
        f"box_office.{relation}",
    )
    assert set(COLUMNS[relation].split()) <= {name for (name,) in found}


def test_every_index_is_there_by_its_name(office: BoxOffice) -> None:
    found = office.all("select indexname from pg_indexes where schemaname = 'box_office'")
    assert set(INDEXES) <= {name for (name,) in found}


def test_events_are_typed_by_either_documents_names(office: BoxOffice) -> None:
    first = office.one(
        """INSERT INTO events (name, description, venue, city, country, start_time, total_seats, category)
           VALUES ('Eras', 'A tour', 'Garden', 'New York', 'US', now() + interval '9 days', 500, 'concert')
           RETURNING id"""
    )
    query = "select title, name, capacity, total_seats, status, is_active, available_seats from events where id = %s"
    assert office.all(query, first) == [("Eras", "Eras", 500, 500, "on_sale", True, 0)]
    office.do("UPDATE events SET name = 'Eras Tour', total_seats = 600, is_active = false WHERE id = %s", first)
    assert office.all(query, first) == [("Eras Tour", "Eras Tour", 600, 600, "off_sale", False, 0)]
    second = office.one(
        """INSERT INTO events (title, venue, start_time, end_time, doors_open_time, capacity, status)
           VALUES ('Final', 'Arena', now() + interval '3 h', now() + interval '5 h', now() + interval '2 h', 50,
                   'draft')
           RETURNING id"""
    )
    office.do("UPDATE events SET title = 'The Final', status = 'on_sale' WHERE id = %s", second)
    assert office.all(query, second) == [("The Final", "The Final", 50, 50, "on_sale", True, 0)]
    assert office.one("select slug from events where id = %s", second) == f"final-{second}"
    assert office.one("select id from events where search @@ to_tsquery('simple', 'tour') and id = %s", first) == first


def test_names_are_one_fact(office: BoxOffice) -> None:
    number = office.user()
    names = "select first_name, last_name, full_name from users where id = %s"
    office.do("update users set full_name = 'Ada Byron King' where id = %s", number)
    assert office.all(names, number) == [("Ada", "Byron King", "Ada Byron King")]
    office.do("update users set last_name = 'Lovelace' where id = %s", number)
    assert office.all(names, number) == [("Ada", "Lovelace", "Ada Lovelace")]


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("update events set end_time = start_time where id = %(event)s", "events_end_after_start"),
        ("update events set doors_open_time = start_time + interval '1 s' where id = %(event)s", "doors_before_start"),
        ("update events set capacity = 0 where id = %(event)s", "capacity_check"),
        ("update ticket_tiers set min_purchase = 11 where id = %(tier)s", "tiers_min_most_max"),
        ("update ticket_tiers set sale_start_time = now(), sale_end_time = now() where id = %(tier)s", "sale_end"),
        ("update ticket_tiers set price = -1 where id = %(tier)s", "price_check"),
        ("update ticket_tiers set sold = sold + 11 where id = %(tier)s", "10 of Standing are left"),
        ("update ticket_tiers set reserved = reserved + 11 where id = %(tier)s", "10 of Standing are left"),
        ("update ticket_tiers set sold = sold - 1 where id = %(tier)s", "belongs to tickets or orders"),
        ("update orders set tax = 1 where id = %(order)s", "orders_total"),
        ("update orders set total_amount = -1, subtotal = -1 where id = %(order)s", "check"),
        ("delete from users where id = %(user)s", "(orders|promoters)_user_id_fkey"),
        ("delete from orders where id = %(order)s", "tickets_order_id_fkey"),
        ("delete from promoters where id = %(promoter)s", "stored_events_promoter_id_fkey"),
        ("insert into seat_views (event_id, view_quality_score) values (%(event)s, 11)", "view_quality_score"),
    ],
)
def test_the_rules_hold_whoever_writes(office: BoxOffice, statement: str, constraint: str) -> None:
    user = office.user()
    promoter = office.one("insert into promoters (user_id, company) values (%s, 'A company') returning id", user)
    event = office.event(promoter_id=promoter)
    tier = office.tier(event, 11)
    order = purchase(office.connection, user, event, {tier: 1})
    given = {"event": event, "tier": tier, "order": order, "user": user, "promoter": promoter}
    with pytest.raises(psycopg.Error, match=constraint):
        office.connection.execute(statement.encode(), given)


def test_what_is_deleted_with_what(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    tier = office.tier(event, 5)
    office.seats(event)
    office.do("insert into waitlist (event_id, user_id, tier_id) values (%s, %s, %s)", event, user, tier)
    order = office.one("insert into orders (user_id, event_id) values (%s, %s) returning id", user, event)
    office.do("insert into order_items (order_id, tier_id, quantity) values (%s, %s, 1)", order, tier)
    office.do("delete from orders where id = %s", order)
    assert office.one("select count(*) from order_items where order_id = %s", order) == 0
    office.do("delete from events where id = %s", event)
    for relation in ("ticket_tiers", "waitlist", "event_seats"):
        assert office.one(f"select count(*) from {relation} where event_id = %s", event) == 0
    assert office.one("select count(*) from tier_stock where tier_id = %s", tier) == 0


def test_the_vendors_queries(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    tier = office.tier(event, 10)
    purchase(office.connection, user, event, {tier: 2})
    reserve(office.connection, user, event, {tier: 3})
    (row,) = office.all(AVAILABILITY, event)
    assert row == (tier, "Standing", Decimal("10.00"), 10, 2, 3, 5)
    assert len(office.all(UPCOMING, user)) == 2
    office.do("update stored_events set start_time = now() + interval '1 minute' where id = %s", event)
    assert event in [row[0] for row in office.all(BROWSE)]
    assert office.one("select tickets_available from active_events_with_availability where id = %s", event) == 5


def test_the_bookings_queries(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    seats = office.seats(event)
    booking = hold(office.connection, user, event, seats[:3])
    query = "SELECT es.* FROM event_seats es JOIN booking_seats bs ON es.id = bs.seat_id WHERE bs.booking_id = %s"
    assert len(office.all(query, booking)) == 3
    expired = "SELECT id, event_id FROM bookings WHERE status = 'HOLD' AND hold_expires_at < NOW()"
    assert (booking, event) not in office.all(expired)
    office.expire(booking=booking)
    assert (booking, event) in office.all(expired)
    other = hold(office.connection, user, event, seats[3:4])
    confirm(office.connection, other)
    assert office.one("select hold_expires_at is null and confirmed_at is not null from bookings where id = %s", other)


def test_a_column_is_added_renamed_and_removed_on_a_table_beside(office: BoxOffice) -> None:
    office.do("create table scratch_events as select id, title, venue from stored_events")
    try:
        for step in (
            "ALTER TABLE scratch_events ADD COLUMN new_field VARCHAR(255)",
            "UPDATE scratch_events SET new_field = 'default_value' WHERE new_field IS NULL",
            "ALTER TABLE scratch_events ALTER COLUMN new_field SET NOT NULL",
            "ALTER TABLE scratch_events RENAME COLUMN venue TO place",
            "ALTER TABLE scratch_events ADD COLUMN headline varchar(500)",
            "UPDATE scratch_events SET headline = title",
            "ALTER TABLE scratch_events DROP COLUMN title",
        ):
            office.do(step)
    finally:
        office.do("drop table scratch_events")


def test_the_audit_log_is_only_appended_to_and_holds_no_person(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    purchase(office.connection, user, event, {office.tier(event, 5): 1})
    (logged,) = office.all("select action, changed from audit_log where relation = 'users' and row_id = %s", user)
    assert logged[0] == "INSERT"
    assert not {"email", "full_name", "first_name", "password_hash"} & logged[1].keys()
    assert office.one("select count(*) from audit_log where relation = 'stored_events' and row_id = %s", event) == 1
    for statement in ("update audit_log set actor = 'nobody'", "delete from audit_log", "truncate audit_log"):
        with pytest.raises(psycopg.Error, match="only appended to"):
            office.do(statement)


def test_a_typed_price_and_its_multiplier_agree(office: BoxOffice) -> None:
    event = office.event()
    (seat, *_) = office.seats(event, price=100)
    price = "select price, base_price, dynamic_multiplier from event_seats where id = %s"
    office.do("update event_seats set dynamic_multiplier = 1.25 where id = %s", seat)
    assert [str(one) for one in office.all(price, seat)[0]] == ["125.00", "100.00", "1.25"]
    office.do("update event_seats set price = 80 where id = %s", seat)
    assert [str(one) for one in office.all(price, seat)[0]] == ["80.00", "80.00", "1.00"]


def test_a_seat_that_another_has_locked_is_refused_at_once(office: BoxOffice) -> None:
    event = office.event()
    seats = office.seats(event)
    locking = "SELECT * FROM event_seats WHERE id = ANY(%s) AND status = 'AVAILABLE' FOR UPDATE NOWAIT"
    other: Connection = office.connect()
    with other.transaction():
        other.execute(locking, [seats[:2]])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            office.all(locking, seats[1:3])


def test_the_search_uses_its_index(office: BoxOffice) -> None:
    with office.connection.transaction():
        office.do("set local enable_seqscan = off")
        query = "explain select id from events where search @@ to_tsquery('simple', 'tour')"
        assert "idx_events_search" in str(office.all(query))


def test_a_booking_is_typed_from_hold_to_confirmed_or_expired(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    seats = office.seats(event)

    def typed_hold(wanted: list[int]) -> int:
        with office.connection.transaction():
            office.all(
                "SELECT * FROM event_seats WHERE id = ANY(%s) AND status = 'AVAILABLE' FOR UPDATE NOWAIT", wanted
            )
            booking = office.one(
                """INSERT INTO bookings (user_id, event_id, total_amount, hold_expires_at)
                   VALUES (%s, %s, 20, now() + interval '5 minutes') RETURNING id""",
                user,
                event,
            )
            office.do(
                "INSERT INTO booking_seats (booking_id, seat_id, price_at_booking) SELECT %s, unnest(%s), 10",
                booking,
                wanted,
            )
            office.do(
                "UPDATE event_seats SET status = 'HOLD', current_booking_id = %s WHERE id = ANY(%s)", booking, wanted
            )
        return int(booking)

    confirmed, expired = typed_hold(seats[:2]), typed_hold(seats[2:4])
    available = "select available_seats from events where id = %s"
    assert office.one(available, event) == 6
    office.do(
        """UPDATE bookings SET status = 'CONFIRMED', confirmed_at = now(), hold_expires_at = NULL, payment_id = 'pi_1'
           WHERE id = %s""",
        confirmed,
    )
    assert office.do("UPDATE event_seats SET status = 'BOOKED' WHERE current_booking_id = %s", confirmed) == 2
    office.do("UPDATE bookings SET status = 'EXPIRED' WHERE id = %s", expired)
    release = "UPDATE event_seats SET status = 'AVAILABLE', current_booking_id = NULL WHERE current_booking_id = %s"
    assert office.do(release, expired) == 0  # they are free already
    assert office.one(available, event) == 8
    with pytest.raises(psycopg.Error, match="is EXPIRED, and its seats are free"):
        office.do("UPDATE bookings SET status = 'CONFIRMED', hold_expires_at = NULL WHERE id = %s", expired)
    assert [fault for fault, *_ in office.faults()] == []


def test_an_order_that_is_typed_as_cancelled_frees_its_tickets(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 5)
    order = reserve(office.connection, office.user(), event, {tier: 3})
    office.do("UPDATE orders SET status = 'cancelled' WHERE id = %s", order)
    assert office.stock(tier) == (5, 0, 0)
    assert office.faults() == []
