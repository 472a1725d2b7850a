"""Who may do what: a buyer sees and does what is theirs, and nobody writes counters."""

import psycopg
import pytest

from tests.support.box_office import BoxOffice
from tickettape.box_office.access import check_permissions, grant_roles
from tickettape.box_office.bookings import confirm, hold
from tickettape.box_office.orders import purchase, reserve
from tickettape.box_office.refusals import RefusedError
from tickettape.database import Connection, UnavailableDatabaseError

OWN = (
    "orders",
    "order_items",
    "bookings",
    "booking_seats",
    "tickets",
    "payments",
    "waitlist",
    "notifications",
    "user_tickets_summary",
)


@pytest.fixture
def buyers(office: BoxOffice) -> tuple[int, int, int]:
    """Two people who have bought the same things, and the event."""
    event = office.event()
    tier, seats = office.tier(event, 10), office.seats(event)
    users = office.user(), office.user()
    for number, user in enumerate(users):
        purchase(office.connection, user, event, {tier: 1})
        confirm(office.connection, hold(office.connection, user, event, [seats[number]]))
        office.do("insert into waitlist (event_id, user_id) values (%s, %s)", event, user)
        office.do("insert into notifications (user_id, kind) values (%s, 'test')", user)
    return (*users, event)


def as_buyer(office: BoxOffice, user: int) -> Connection:
    connection = office.connect()
    connection.execute("set role tickettape_buyer")
    connection.execute("select set_config('box_office.user_id', %s, false)", [str(user)])
    return connection


@pytest.mark.parametrize("relation", OWN)
def test_b19_a_buyer_sees_what_is_theirs_and_nothing_of_another(
    office: BoxOffice, buyers: tuple[int, int, int], relation: str
) -> None:
    mine, other, _ = buyers
    query = f"select count(*) from {relation}".encode()
    counts = [as_buyer(office, user).execute(query).fetchone() for user in (mine, other, office.user())]
    assert counts[0] == counts[1]
    assert counts[0] != (0,)
    assert counts[2] == (0,)
    codes = "select ticket_code from tickets"
    assert not {*as_buyer(office, mine).execute(codes)} & {*as_buyer(office, other).execute(codes)}


def test_b19_control_without_the_policy_a_buyer_sees_all(office: BoxOffice, buyers: tuple[int, int, int]) -> None:
    before = as_buyer(office, buyers[0]).execute("select count(*) from tickets").fetchone()
    office.do("alter table tickets disable row level security")
    try:
        assert as_buyer(office, buyers[0]).execute("select count(*) from tickets").fetchone() != before
    finally:
        office.do("alter table tickets enable row level security")


def test_b19_a_buyer_acts_only_for_themselves_and_writes_no_table(
    office: BoxOffice, buyers: tuple[int, int, int]
) -> None:
    mine, other, event = buyers
    tier = office.one("select min(id) from ticket_tiers where event_id = %s", event)
    buyer = as_buyer(office, mine)
    order = reserve(buyer, mine, event, {tier: 1})
    assert order
    with pytest.raises(RefusedError, match="only for themselves"):
        reserve(buyer, other, event, {tier: 1})
    nobody = office.connect()
    nobody.execute("set role tickettape_buyer")
    with pytest.raises(RefusedError, match="only for themselves"):
        reserve(nobody, other, event, {tier: 1})
    theirs = reserve(office.connection, other, event, {tier: 1})
    with pytest.raises(psycopg.Error, match="only for themselves"):
        buyer.execute("select box_office.cancel_order(%s)", [theirs])
    for statement in (
        "update tier_stock set free = free + 1",
        "select box_office.write_stock(1, 1, 0, 0)",
        "update ticket_tiers set sold = 0",
        "insert into tickets (order_id, event_id) values (1, 1)",
        "select password_hash from users",
        "select * from audit_log",
        "select box_office.refund(1, null)",
        "select box_office.purchase(1, 1, '{1}', '{1}')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            buyer.execute(statement)


def test_b19_a_code_cannot_be_guessed_and_admits_once(office: BoxOffice, buyers: tuple[int, int, int]) -> None:
    mine, _, event = buyers
    codes = [code for (code,) in office.all("select new_code() from generate_series(1, 1000)")]
    assert {len(code) for code in codes} == {32}  # 128 bits
    assert len(set(codes)) == 1000
    ones = sum(int(code, 16).bit_count() for code in codes)
    assert 63_000 < ones < 65_000  # half of 128,000
    code = office.one("select ticket_code from user_tickets_summary where user_id = %s limit 1", mine)
    ticket = office.one("select scan_ticket(%s, %s)", code, event)
    assert office.one("select status from tickets where id = %s", ticket) == "used"
    for given, words in ((code, "was used at"), ("0" * 32, "no ticket with this code")):
        with pytest.raises(psycopg.Error, match=words):
            office.one("select scan_ticket(%s, %s)", given, event)
    other = office.one(
        "select ticket_code from user_tickets_summary where user_id = %s and ticket_status = 'valid'", mine
    )
    with pytest.raises(psycopg.Error, match="for another event"):
        office.one("select scan_ticket(%s, %s)", other, office.event())


def test_rights_are_as_expected_and_a_difference_is_found(office: BoxOffice) -> None:
    assert check_permissions(office.connection) == []
    office.do("grant update on tier_stock to tickettape_box_office")
    office.do("revoke select on events from tickettape_buyer")
    try:
        assert check_permissions(office.connection) == [
            "+ table tier_stock: UPDATE to tickettape_box_office",
            "- table events: SELECT to tickettape_buyer",
        ]
    finally:
        office.do("revoke update on tier_stock from tickettape_box_office")
        office.do("grant select on events to tickettape_buyer")


def test_a_user_who_may_not_make_roles_is_told_what_to_ask_for(office: BoxOffice) -> None:
    office.do("create role plain_seller")
    try:
        plain = office.connect()
        plain.execute("set role plain_seller")
        with pytest.raises(UnavailableDatabaseError, match="Let an administrator run `alter role"):
            grant_roles(plain)
    finally:
        office.do("drop role plain_seller")
