"""The marts of the box office are exact at every quiet point, whatever happened before."""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.box_office import BoxOffice
from tests.support.databases import fresh_database, use_database
from tests.support.oracle import differences
from tests.support.over_events import archive, over_event, restore
from tests.support.profiles import LONG
from tests.support.recorded_refresh import Refresh
from tests.support.sales_refresh import assert_sales_are_exact, record_sales, refresh_sales
from tickettape.box_office.bookings import cancel, confirm, extend, hold_best_available
from tickettape.box_office.orders import cancel_order, change_capacity, purchase, reserve
from tickettape.box_office.payments import refund
from tickettape.box_office.refusals import RefusedError, refusals
from tickettape.rollups.registry import SALES_ROLLUPS

Sold = tuple[BoxOffice, Refresh]


@pytest.fixture(scope="module")
def sold(server_url: str, template: str) -> Iterator[Sold]:
    """A box office, and one refresh of its rollups as dbt runs it."""
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        use_database(patch, url)
        refresh = record_sales()
        with psycopg.connect(
            url, autocommit=True, options="-c timezone=UTC -c search_path=box_office,public -c lock_timeout=1s"
        ) as connection:
            yield BoxOffice(url, connection), refresh


class History:
    """Random sales and what may become of them."""

    def __init__(self, office: BoxOffice, refresh: Refresh, seed: int) -> None:
        self.office, self.refresh, self.chance = office, refresh, random.Random(seed)
        self.user = office.user()
        self.events = [office.event() for _ in range(2)]
        self.tiers = {
            event: [office.tier(event, 40, price=7), office.tier(event, 12, price=31)] for event in self.events
        }
        for event in self.events:
            office.seats(event, rows=2, in_a_row=6, price=50)

    def step(self) -> str:
        """One thing that may happen; its name."""
        steps: list[Callable[[], Any]] = [
            *(self.buys, self.buys, self.reserves, self.holds, self.holds, self.pays, self.confirms, self.refunds),
            *(self.cancels, self.time_passes, self.tidies, self.scans, self.types, self.corrects, self.moves),
            *(self.changes_the_house, self.a_refund_fails, self.refreshes, self.buys_while_it_is_refreshed, self.dies),
        ]
        step = self.chance.choice(steps)
        try:
            step()
        except (RefusedError, psycopg.errors.RaiseException):
            return f"{step.__name__} (refused)"
        return step.__name__

    def some(self, query: str) -> Any:
        found = self.office.all(f"{query} order by id")
        return self.chance.choice(found)[0] if found else None

    def buys(self) -> None:
        event = self.chance.choice(self.events)
        lines = {
            tier: self.chance.randint(1, 3) for tier in self.chance.sample(self.tiers[event], self.chance.randint(1, 2))
        }
        purchase(self.office.connection, self.user, event, lines)

    def reserves(self) -> None:
        event = self.chance.choice(self.events)
        reserve(self.office.connection, self.user, event, {self.chance.choice(self.tiers[event]): 2})

    def holds(self) -> None:
        hold_best_available(self.office.connection, self.user, self.chance.choice(self.events), 2)

    def pays(self) -> None:
        order = self.some("select id from orders where status in ('pending', 'expired')")
        if order:
            payment = self.office.one("select id from start_payment(%s, null, 'simulated')", order)
            self.office.one("select payment_succeeded(id, amount, currency) from payments where id = %s", payment)

    def confirms(self) -> None:
        booking = self.some("select id from bookings where status = 'HOLD'")
        if booking and self.chance.random() < 0.3:
            extend(self.office.connection, booking)
        elif booking:
            confirm(self.office.connection, booking)

    def refunds(self) -> None:
        ticket = self.some("select id from tickets where status = 'valid'")
        if ticket:
            ((order, booking),) = self.office.all("select order_id, booking_id from tickets where id = %s", ticket)
            some = self.chance.choice(([ticket], None))
            refund(self.office.connection, order_id=order, booking_id=booking, tickets=some)

    def cancels(self) -> None:
        order = self.some("select id from orders where status = 'pending'")
        booking = self.some("select id from bookings where status = 'HOLD'")
        if order:
            cancel_order(self.office.connection, order)
        if booking:
            cancel(self.office.connection, booking)

    def time_passes(self) -> None:
        order, booking = (self.some(f"select id from {one}") for one in ("orders", "bookings where status = 'HOLD'"))
        self.office.expire(order=order, booking=booking)

    def tidies(self) -> None:
        for query in ("select expire_orders()", "select expire_bookings()", "select fold()"):
            self.office.one(query)

    def scans(self) -> None:
        self.office.do(
            "update tickets set status = 'used' where id = %s",
            self.some("select id from tickets where status = 'valid'"),
        )

    def types(self) -> None:
        """People write tickets, or take one out, as no function does."""
        event = self.chance.choice(self.events)
        order = self.some(f"select id from orders where event_id = {event}")
        if order:
            self.office.do(
                "insert into tickets (order_id, tier_id, price) values (%s, %s, 3)", order, self.tiers[event][0]
            )
        self.office.do("update tickets set status = 'void' where id = %s", self.some("select id from tickets"))
        if self.chance.random() < 0.3:
            self.office.do("delete from tickets where id = %s", self.some("select id from tickets"))
        with refusals():  # if nothing is left
            self.office.do("update ticket_tiers set sold = sold + 1 where id = %s", self.tiers[event][0])

    def corrects(self) -> None:
        """Sales, money and returns move to other hours."""
        for relation, at in (
            ("tickets", "created_at"),
            ("tickets", "returned_at"),
            ("orders", "paid_at"),
            ("bookings", "confirmed_at"),
            ("refunds", "created_at"),
        ):
            self.office.do(
                f"update {relation} set {at} = {at} - %s * interval '1 hour' where id %% 3 = %s and {at} < 'infinity'",
                self.chance.randint(1, 30),
                self.chance.randint(0, 2),
            )

    def moves(self) -> None:
        self.office.do(
            "update events set start_time = start_time + %s * interval '1 day', title = title || '!' where id = %s",
            self.chance.randint(1, 40), self.chance.choice(self.events),
        )  # fmt: skip

    def changes_the_house(self) -> None:
        event = self.chance.choice(self.events)
        tier = self.chance.choice(self.tiers[event])
        change_capacity(self.office.connection, tier, self.chance.randint(10, 60))
        self.office.seats(event, in_a_row=2, section=f"S{self.chance.randint(1, 10**9)}")
        self.tiers[event].append(self.office.tier(event, 5))
        gone = self.office.event()
        self.office.seats(gone)
        if self.chance.random() < 0.5:
            refresh_sales(self.office.connection, self.refresh)
        self.office.do("delete from stored_seats where event_id = %s", gone)
        self.office.do("delete from events where id = %s", gone)

    def a_refund_fails(self) -> None:
        self.office.do("update refunds set status = 'failed' where id = %s", self.some("select id from refunds"))

    def refreshes(self) -> None:
        refresh_sales(self.office.connection, self.refresh)

    def buys_while_it_is_refreshed(self) -> None:
        """A sale is committed at each point of a refresh; one has begun before it and is committed after it."""
        event = self.events[0]
        other = self.office.connect()

        def buy(_: str) -> None:
            if self.chance.random() < 0.1:
                with suppress(psycopg.errors.LockNotAvailable):  # nearly sold out: the other one has the last row
                    purchase(self.office.connection, self.user, event, {self.tiers[event][0]: 1})

        refresher = self.office.connect()
        with other.transaction():
            purchase(other, self.user, event, {self.tiers[event][0]: 1})
            for rollup in SALES_ROLLUPS:
                self.refresh.run(refresher, rollup, buy)

    def dies(self) -> None:
        rollup = self.chance.choice(SALES_ROLLUPS)
        at = self.chance.randint(0, len(self.refresh.statements[rollup]))

        class KilledError(Exception):
            pass

        steps = iter(range(10**6))

        def die(_: str) -> None:
            if next(steps) == at:
                raise KilledError

        with pytest.raises(KilledError):
            self.refresh.run(self.office.connection, rollup, die)


def settle(office: BoxOffice, refresh: Refresh) -> None:
    """A quiet point: nothing is overdue, and every mark is worked off."""
    while office.one("select expire_orders() + expire_bookings()"):
        pass
    refresh_sales(office.connection, refresh)


@pytest.mark.parametrize("seed", range(40 if LONG else 4))
def test_whatever_happens_the_sales_are_exact_at_a_quiet_point(sold: Sold, seed: int) -> None:
    office, refresh = sold
    history = History(office, refresh, seed)
    for _ in range(3):
        happened = [history.step() for _ in range(25)]
        settle(office, refresh)
        assert differences(office.connection, SALES_ROLLUPS) == dict.fromkeys(SALES_ROLLUPS, 0), happened
    assert_sales_are_exact(office.connection)
    office.close()


@pytest.mark.parametrize(
    ("relation", "rollup", "change"),
    [
        ("tickets", "sales_by_hour", "update tickets set price = price + 1"),
        ("orders", "event_sales_hours", "update orders set paid_at = paid_at - interval '2 hours'"),
        ("refunds", "event_sales_hours", "update refunds set status = 'failed' where kind = 'refund'"),
        ("stored_events", "event_sales_summary", "update stored_events set title = title || '!'"),
        ("stored_tiers", "sell_through", "select change_capacity(id, quantity + 1) from stored_tiers"),
    ],
)
def test_control_without_its_trigger_a_change_is_missed(sold: Sold, relation: str, rollup: str, change: str) -> None:
    office, refresh = sold
    event, user = office.event(), office.user()
    tier = office.tier(event, 10)
    refund(office.connection, order_id=purchase(office.connection, user, event, {tier: 1}))
    purchase(office.connection, user, event, {tier: 1})
    settle(office, refresh)
    triggers = office.all(
        "select tgname from pg_trigger where tgrelid = %s::regclass and tgname like 'mark%%'", relation
    )
    with office.connection.transaction(force_rollback=True):
        office.do(change)
        refresh_sales(office.connection, refresh)
        assert differences(office.connection, SALES_ROLLUPS)[rollup] == 0
    with office.connection.transaction(force_rollback=True):
        for (trigger,) in triggers:
            office.do(f"alter table {relation} disable trigger {trigger}")
        office.do(change)
        refresh_sales(office.connection, refresh)
        assert differences(office.connection, SALES_ROLLUPS)[rollup] > 0


def test_no_column_of_a_person_leads_into_a_report(sold: Sold) -> None:
    """dbt reads only views, and no view reads the people, what they hold, or how they paid."""
    office, refresh = sold
    user = office.user()
    office.do("update users set full_name = 'Nomen Nescio', email = 'nescio@example.com' where id = %s", user)
    purchase(office.connection, user, event := office.event(), {office.tier(event, 10): 1})
    settle(office, refresh)
    used = office.all(
        """select view_name, table_name, column_name from information_schema.view_column_usage
           where view_schema = 'box_office' and view_name like 'reported%%'"""
    )
    assert {view for view, *_ in used} >= {"reported_events", "reported_tickets", "reported_payments"}
    personal = {"user_id", "email", "full_name", "first_name", "last_name", "ticket_code", "qr_code", "provider_id"}
    assert [one for one in used if one[1] in ("users", "waitlist", "notifications") or one[2] in personal] == []
    read = office.all(
        """select distinct table_name from information_schema.view_table_usage
           where view_schema = 'staging' and table_schema = 'box_office'"""
    )
    assert {name for (name,) in read} - {"zone_links"} == {name for (name,) in read if name.startswith("reported_")}
    for rollup in SALES_ROLLUPS:
        assert office.one(f"select count(*) from analytics.{rollup} as r where r::text ~* 'nescio'") == 0


def test_an_archived_event_keeps_its_rollups_and_a_restored_one_catches_up(sold: Sold, tmp_path: Path) -> None:
    office, refresh = sold
    event = over_event(office)
    office.one("select mark_event(%s)", event)
    settle(office, refresh)
    rows = {
        rollup: office.all(f"select * from analytics.{rollup} where event_id = %s order by 1, 2", event)
        for rollup in SALES_ROLLUPS
    }
    assert all(rows.values())
    archive(office, tmp_path, event)
    payment = "select payments.id from payments inner join tickets using (booking_id) where event_id = %s limit 1"
    assert office.one(f"select payment_refunded(({payment}), 20)", event) == "refunded"
    office.do("update stored_events set title = title || '!' where id = %s", event)
    settle(office, refresh)
    assert rows == {
        rollup: office.all(f"select * from analytics.{rollup} where event_id = %s order by 1, 2", event)
        for rollup in SALES_ROLLUPS
    }
    refunds = "select refunds from analytics.event_sales_summary where event_id = %s"
    before = office.one(refunds, event)
    restore(office, tmp_path, event)
    settle(office, refresh)
    assert_sales_are_exact(office.connection)
    assert office.one(refunds, event) == before + 20
