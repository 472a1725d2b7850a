"""Orders by quantity: nothing is sold twice, whoever writes and whenever they commit."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.support.box_office import (
    BoxOffice,
    Work,
    at_once,
    outcome,
    race,
    typed,
    waits_for_lock,
    without_guard,
    without_stock_locks,
)
from tickettape.box_office.orders import cancel_order, change_capacity, purchase, reserve
from tickettape.box_office.refusals import RefusedError
from tickettape.database import Connection


def buy(user: int, event: int, tier: int, number: int = 1) -> Work:
    return lambda connection: purchase(connection, user, event, {tier: number})


@pytest.mark.race
@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_b1_the_last_ticket_has_one_buyer_of_two(office: BoxOffice, isolation: str) -> None:
    event = office.event()
    tier, users = office.tier(event, 1), (office.user(), office.user())
    won, lost = race(office, *(buy(user, event, tier) for user in users), isolation=isolation)
    assert isinstance(won, int)
    assert isinstance(lost, Exception)
    assert office.stock(tier) == (1, 1, 0)
    assert office.one("select count(*) from tickets where tier_id = %s", tier) == 1


def test_b1_control_without_the_lock_both_buy_the_last_ticket(office: BoxOffice) -> None:
    event = office.event()
    tier, users = office.tier(event, 1), (office.user(), office.user())
    with without_stock_locks(office, tier):
        sold = race(office, *(buy(user, event, tier) for user in users))
        assert [type(order) for order in sold] == [int, int]
    office.do("delete from tickets where tier_id = %s", tier)


def test_b3_nothing_is_oversold_by_64_clients_and_people_who_type_sql(office: BoxOffice) -> None:
    event = office.event()
    tiers = [office.tier(event, 120), office.tier(event, 90)]
    users = [office.user() for _ in range(192)]  # one each: the typed SQL finds its order by its user
    chance = random.Random(3)

    def one(user: int) -> Work:
        lines = {tier: chance.choice((1, 2, 4, 7)) for tier in chance.sample(tiers, chance.choice((1, 1, 2)))}
        what = chance.choice(("purchase", "cancel", "expire", "typed"))

        def work(connection: Connection) -> None:
            if what == "typed":
                tier = next(iter(lines))
                typed(user, event, tier, lines[tier])(connection)
            elif what == "purchase":
                purchase(connection, user, event, lines)
            else:
                order = reserve(connection, user, event, lines)
                if what == "cancel":
                    assert cancel_order(connection, order)
                else:
                    connection.execute("update orders set expires_at = now() where id = %s", [order])

        return work

    results = at_once(office, [one(user) for user in users])
    failures = [result for result in results if result is not None]
    assert {type(failure).__name__ for failure in failures} <= {"RefusedError", "ProgrammingError"}, failures
    assert all("left" in str(failure) for failure in failures)
    while office.one("select expire_orders()"):  # in steps
        pass
    for tier in tiers:
        quantity, sold, reserved = office.stock(tier)
        left = office.left(tier)
        assert reserved == 0
        assert sold == office.one("select count(*) from tickets where tier_id = %s", tier)
        assert sold + left == quantity
        # to the last ticket: what is left can be bought, and no more
        office.do("update stored_tiers set max_purchase = 1000 where id = %s", tier)
        if left:
            purchase(office.connection, users[0], event, {tier: left})
        with pytest.raises(RefusedError, match="0 of Standing are left"):
            purchase(office.connection, users[0], event, {tier: 1})
    assert office.faults() == []


def test_b3_stock_that_lies_in_many_rows_is_gathered_by_two_at_once(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 512, max_purchase=512)  # 32 rows of 16
    users = [office.user() for _ in range(8)]
    results = at_once(office, [buy(user, event, tier, 100) for user in users], clients=8)
    assert sum(isinstance(result, int) for result in results) == 5
    assert office.stock(tier) == (512, 500, 0)


@contextmanager
def waiting_before_a_row_is_locked(office: BoxOffice) -> Iterator[Connection]:
    """A connection whose orders find a row of stock, the last first, and wait for the advisory lock 3 to lock it."""
    office.do(
        """create function box_office.wait_here() returns integer language plpgsql as $$ begin
               if current_setting('box_office.waits', true) = 'on' then
                   perform pg_advisory_lock_shared(3);
                   perform pg_advisory_unlock_shared(3);
               end if;
               return 0;
           end $$"""
    )
    slow = office.connect()
    slow.execute("set box_office.waits = 'on'")
    try:
        with without_guard(
            office, "write_stock", "random() limit 1 for update", "-slot + box_office.wait_here() limit 1 for update"
        ):
            yield slow
    finally:
        office.do("drop function box_office.wait_here()")


def gather_beside_one_who_waits(office: BoxOffice) -> tuple[Any, Any]:
    """Two buyers of a tier of two rows of 16 tickets: what the first one, who gathers both rows, and the other get.

    The other finds the last row, which then has one ticket less than needed, and goes on to wait for the first row. The
    one who gathers has locked the first row, and now locks the last.
    """
    event = office.event()
    tier = office.tier(event, 32, max_purchase=32)
    gathers = office.connect()
    with waiting_before_a_row_is_locked(office) as slow, ThreadPoolExecutor(1) as pool:
        for one in (gathers, slow):
            one.execute("set deadlock_timeout = '50ms'")
        office.do("select pg_advisory_lock(3)")
        other = pool.submit(outcome, buy(office.user(), event, tier, 16), slow)
        assert waits_for_lock(office, slow)
        purchase(office.connection, office.user(), event, {tier: 1})  # of the last row
        with gathers.transaction():
            gathers.execute("select from tier_stock where tier_id = %s and slot = 1 for update", [tier])
            office.do("select pg_advisory_unlock(3)")
            assert waits_for_lock(office, slow, event="transactionid")
            first = outcome(buy(office.user(), event, tier, 31), gathers)
        return first, other.result(timeout=60)


@pytest.mark.race
def test_b3_one_who_found_a_row_too_late_keeps_no_lock_on_it(office: BoxOffice) -> None:
    gathered, other = gather_beside_one_who_waits(office)
    assert isinstance(gathered, int)
    assert "0 of Standing are left, and 16 were asked for" in str(other)
    assert office.faults() == []


def test_b3_control_if_the_lock_is_kept_the_two_deadlock(office: BoxOffice) -> None:
    with without_guard(office, "write_stock", "raise sqlstate 'BO000'", "null"):
        found = gather_beside_one_who_waits(office)
    assert "deadlock detected" in f"{found[0]} {found[1]}"


def raise_sold(connection: Connection, tier: int, number: int) -> None:
    connection.execute("update ticket_tiers set sold = sold + %s where id = %s", [number, tier])


@pytest.mark.race
def test_b3_an_order_and_a_written_difference_at_once_do_not_share_tickets(office: BoxOffice) -> None:
    event = office.event()
    tier, other = office.tier(event, 10), office.tier(event, 10)
    bought, typed_later = race(
        office, buy(office.user(), event, tier, 6), lambda connection: raise_sold(connection, tier, 6)
    )
    assert isinstance(bought, int)
    assert "4 of Standing are left, and 6 were asked for" in str(typed_later)
    typed_first, refused = race(
        office, lambda connection: raise_sold(connection, other, 6), buy(office.user(), event, other, 6)
    )
    assert typed_first is None
    assert "4 of Standing are left" in str(refused)
    office.do("delete from ticket_tiers where id = %s", other)  # sold by hand, without tickets
    assert office.faults() == []


def test_b3_control_without_the_lock_they_do(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 10)
    with without_stock_locks(office, tier):
        race(office, buy(office.user(), event, tier, 6), lambda connection: raise_sold(connection, tier, 6))
        assert office.stock(tier) == (10, 12, 0)


def test_b6_the_same_key_from_two_connections_is_one_order(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    tier = office.tier(event, 10)
    orders = race(office, *[lambda connection: reserve(connection, user, event, {tier: 2}, key="click")] * 2)
    assert orders[0] == orders[1]
    assert office.stock(tier) == (10, 0, 2)
    with pytest.raises(RefusedError) as refused:
        reserve(office.connection, user, event, {tier: 3}, key="click")
    assert refused.value.kind == "key"
    assert reserve(office.connection, office.user(), event, {tier: 2}, key="click") != orders[0]  # each user's own


def test_b6_control_without_the_claim_two_clicks_are_two_orders(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    tier = office.tier(event, 10)
    with without_guard(office, "reserve", "the_key is not null", "false"):
        orders = race(office, *[lambda connection: reserve(connection, user, event, {tier: 2}, key="click")] * 2)
    assert orders[0] != orders[1]


def test_b8_expired_orders_sell_though_the_worker_is_dead(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 4)
    order = reserve(office.connection, office.user(), event, {tier: 4})
    with pytest.raises(RefusedError, match="0 of Standing are left, and 1 were asked for"):
        reserve(office.connection, office.user(), event, {tier: 1})
    office.expire(order=order)
    assert office.left(tier) == 4
    purchase(office.connection, office.user(), event, {tier: 3})
    assert office.stock(tier) == (4, 3, 0)
    assert office.one("select status from orders where id = %s", order) == "expired"


def test_b8_control_without_the_release_expired_orders_block(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 4)
    office.expire(order=reserve(office.connection, office.user(), event, {tier: 4}))
    with (
        without_guard(office, "write_stock", "perform release_expired(the_tier)", "null"),
        pytest.raises(RefusedError),
    ):
        purchase(office.connection, office.user(), event, {tier: 3})


def test_b9_ten_lines_of_one_pass_no_limit_of_nine(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    tier = office.tier(event, 100, max_purchase=9, min_purchase=2)
    with pytest.raises(psycopg.Error, match="sold in orders of 2 to 9"):
        office.one("select reserve(%s, %s, %s::bigint[], %s::integer[])", user, event, [tier] * 10, [1] * 10)
    order = office.one("select reserve(%s, %s, %s::bigint[], %s::integer[])", user, event, [tier] * 9, [1] * 9)
    assert office.one("select sum(quantity) from order_items where order_id = %s", order) == 9
    with pytest.raises(RefusedError, match="2 to 9"):
        reserve(office.connection, user, event, {tier: 1})


ITEM = "insert into order_items (order_id, tier_id, quantity) values (%s, %s, 5)"


@pytest.mark.race
def test_b9_a_limit_is_checked_under_the_lock(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    tier = office.tier(event, 100, max_purchase=9)
    order = office.one("insert into orders (user_id, event_id) values (%s, %s) returning id", user, event)
    won, lost = race(office, *[lambda connection: connection.execute(ITEM, [order, tier])] * 2)
    assert not isinstance(won, Exception)
    assert "at most 9 of Standing, and this one has 10" in str(lost)


def test_b9_control_without_the_lock_two_writers_pass_the_limit(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    tier = office.tier(event, 100, max_purchase=9)
    order = office.one("insert into orders (user_id, event_id) values (%s, %s) returning id", user, event)
    with without_guard(office, "check_items", "for no key update"):
        results = race(office, *[lambda connection: connection.execute(ITEM, [order, tier])] * 2)
    assert not any(isinstance(result, Exception) for result in results)


def test_b10_a_tier_that_is_reserved_to_its_end_does_not_block_another(office: BoxOffice) -> None:
    event = office.event()
    full, other = office.tier(event, 5), office.tier(event, 5)
    reserve(office.connection, office.user(), event, {full: 5})
    office.do("update tier_stock set reserved = reserved + 3 where tier_id = %s", full)  # more than it has
    with pytest.raises(RefusedError):
        purchase(office.connection, office.user(), event, {full: 1})
    purchase(office.connection, office.user(), event, {other: 5})
    assert office.stock(other) == (5, 5, 0)
    office.do("update tier_stock set reserved = reserved - 3 where tier_id = %s", full)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
def test_b15_a_session_time_zone_moves_no_hold(office: BoxOffice, zone: str) -> None:
    event = office.event()
    tier, seats = office.tier(event, 5), office.seats(event)
    abroad = office.connect()
    abroad.execute(f"set timezone = '{zone}'".encode())
    order = reserve(abroad, office.user(), event, {tier: 5})
    booking = abroad.execute("select hold(%s, %s, %s)", [office.user(), event, seats[:2]]).fetchone()
    assert booking is not None
    seconds = "select extract(epoch from {} - clock_timestamp()) from {} where id = %s"
    assert 890 < office.one(seconds.format("expires_at", "orders"), order) <= 900
    assert 290 < office.one(seconds.format("hold_expires_at", "bookings"), booking[0]) <= 300
    office.expire(order=order, booking=booking[0])
    assert abroad.execute("select quantity - sold - reserved from ticket_tiers where id = %s", [tier]).fetchone() == (
        5,
    )
    assert abroad.execute("select available_seats from events where id = %s", [event]).fetchone() == (10,)


def test_b16_capacity_is_not_lowered_below_what_is_sold_and_a_tier_with_tickets_stays(office: BoxOffice) -> None:
    event = office.event(capacity=600)
    tier = office.tier(event, 500)
    purchase(office.connection, office.user(), event, {tier: 7})
    reserve(office.connection, office.user(), event, {tier: 3})
    with pytest.raises(RefusedError, match="10 tickets of Standing are sold or reserved"):
        change_capacity(office.connection, tier, 9)
    change_capacity(office.connection, tier, 10)
    assert office.stock(tier) == (10, 7, 3)
    with pytest.raises(RefusedError):
        purchase(office.connection, office.user(), event, {tier: 1})
    change_capacity(office.connection, tier, 600)
    assert office.left(tier) == 590
    with pytest.raises(Exception, match="add up to 601, and its capacity is 600"):
        change_capacity(office.connection, tier, 601)
    with pytest.raises(Exception, match="its capacity would be 599"):
        office.do("update events set capacity = 599 where id = %s", event)
    with pytest.raises(Exception, match="order_items_tier_id_fkey"):
        office.do("delete from ticket_tiers where id = %s", tier)
    assert office.faults() == []


@pytest.mark.race
def test_b16_a_capacity_that_is_lowered_beside_a_sale_counts_it(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    tier = office.tier(event, 100)
    won, lost = race(office, buy(user, event, tier, 6), lambda connection: change_capacity(connection, tier, 5))
    assert isinstance(won, int)
    assert isinstance(lost, RefusedError)
    assert office.stock(tier) == (100, 6, 0)
    lowered, sold_out = race(office, lambda connection: change_capacity(connection, tier, 7), buy(user, event, tier, 2))
    assert lowered is None
    assert isinstance(sold_out, RefusedError)


def test_a_cancel_frees_once_and_only_its_own(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 10)
    first = reserve(office.connection, office.user(), event, {tier: 3})
    reserve(office.connection, office.user(), event, {tier: 4})
    assert [cancel_order(office.connection, first), cancel_order(office.connection, first)] == [True, False]
    assert office.stock(tier) == (10, 0, 4)
    paid = purchase(office.connection, office.user(), event, {tier: 1})
    with pytest.raises(RefusedError, match="Refund it instead"):
        cancel_order(office.connection, paid)


def test_what_is_not_on_sale_is_refused_and_says_why(office: BoxOffice) -> None:
    event, user = office.event(), office.user()
    tier, other = office.tier(event, 10), office.tier(office.event(), 10)
    for lines, kind in (({other: 1}, "unknown"), ({}, "limit"), ({tier: 0}, "limit"), ({tier: 11}, "limit")):
        with pytest.raises(RefusedError) as refused:
            reserve(office.connection, user, event, lines)
        assert refused.value.kind == kind
    office.do("update ticket_tiers set sale_end_time = now() - interval '1 second' where id = %s", tier)
    with pytest.raises(RefusedError, match="Standing is not on sale now"):
        reserve(office.connection, user, event, {tier: 1})
    office.do("update ticket_tiers set sale_end_time = null where id = %s", tier)
    office.do("update events set is_active = false where id = %s", event)
    with pytest.raises(RefusedError, match="A concert is not on sale"):
        reserve(office.connection, user, event, {tier: 1})
    with pytest.raises(RefusedError, match="There is no event"):
        reserve(office.connection, user, -1, {tier: 1})
    assert office.stock(tier) == (10, 0, 0)


def test_an_order_of_two_tiers_takes_both_or_none(office: BoxOffice) -> None:
    event = office.event()
    plenty, scarce = office.tier(event, 100), office.tier(event, 1)
    with pytest.raises(RefusedError):
        reserve(office.connection, office.user(), event, {plenty: 2, scarce: 2})
    assert office.stock(plenty) == (100, 0, 0)
    order = reserve(office.connection, office.user(), event, {plenty: 2, scarce: 1})
    assert office.one("select total_amount from orders where id = %s", order) == 30


def test_fees_and_tax_are_part_of_the_total(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 10, price=33)
    office.do("update settings set service_fee_rate = 0.125, tax_rate = 0.19")
    try:
        order = purchase(office.connection, office.user(), event, {tier: 1})
    finally:
        office.do("update settings set service_fee_rate = 0, tax_rate = 0")
    found = office.all("select subtotal, service_fee, tax, total_amount from orders where id = %s", order)
    assert [str(amount) for amount in found[0]] == ["33.00", "4.13", "7.05", "44.18"]
    with pytest.raises(Exception, match="orders_total"):
        office.do("update orders set tax = 0 where id = %s", order)


def test_rows_that_were_added_while_all_were_locked_are_folded(office: BoxOffice) -> None:
    event = office.event()
    tier = office.tier(event, 2)
    order = reserve(office.connection, office.user(), event, {tier: 2})
    with office.connect().transaction():
        holder = office.opened[-1]
        holder.execute("select from tier_stock where tier_id = %s for update", [tier])
        assert cancel_order(office.connection, order)  # it does not wait
        assert office.left(tier) == 2
    assert office.one("select count(*) from tier_stock where tier_id = %s", tier) == 2
    office.one("select fold()")
    assert office.one("select count(*) from tier_stock where tier_id = %s", tier) == 1
    assert office.stock(tier) == (2, 0, 0)


def test_b3_whoever_releases_what_has_expired_waits_for_nobody(office: BoxOffice) -> None:
    event = office.event()
    wanted, other = office.tier(event, 3), office.tier(event, 3)
    office.expire(order=reserve(office.connection, office.user(), event, {wanted: 3, other: 3}))
    holder = office.connect()
    with holder.transaction():
        holder.execute("select from stored_tiers where id = %s for update", [other])
        holder.execute("select from tier_stock where tier_id = %s for update", [other])
        office.do("set lock_timeout = '2s'")
        try:
            purchase(office.connection, office.user(), event, {wanted: 2})
        finally:
            office.do("reset lock_timeout")
    assert office.left(other) == 3
    assert office.faults() == []
