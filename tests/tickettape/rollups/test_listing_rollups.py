"""What is said of listings: what appeared, what went, what was probably sold, and how that is put right later."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from tests.support.dbt_runs import run_dbt
from tests.support.markets import NOON, TEN, add_event, observe_ranges, price_range
from tests.support.oracle import assert_exact
from tests.support.recorded_refresh import Refresh
from tickettape.catalogue import SeenZone, ensure_sections, ensure_zones
from tickettape.database import Connection, ensure_partitions
from tickettape.listing_history import OfferTermsKeys, lock_listing_history, microseconds, write_observation
from tickettape.listing_history.deltas import Observation
from tickettape.observations import undo_void, void_capture


class Offered(NamedTuple):
    """A listing as an answer shows it; sells any quantity unless told."""

    listing: str
    quantity: int = 2
    price: int = 1000
    row: str = "A"
    sells: tuple[int, ...] = ()


def show(connection: Connection, event: int, minutes: int, *offers: Offered, status: str = "ok") -> None:
    """A look at the event so many minutes after noon."""
    tick = NOON + timedelta(minutes=minutes)
    ensure_partitions(connection, [tick])
    with connection.transaction():
        connection.execute(
            "insert into market.captures (event_key, tick, status, job_id) values (%s, %s, %s, %s)",
            [event, tick, status, UUID(int=0)],
        )
        lock_listing_history(connection, tick)
        zones = ensure_zones(connection, [SeenZone(event, "Lower", "Lower", 0)])
        sections = ensure_sections(connection, {(event, zones[event, "Lower"], "101"): "Lower 101"})
        [section] = sections.values()
        sold = {one: one.sells or tuple(range(1, one.quantity + 1)) for one in offers}
        offer_terms = OfferTermsKeys(connection)
        shown = {
            (one.listing, section, one.row, offer_terms[one.quantity, sells]): (one.price, one.price + 250, -1)
            for one, sells in sold.items()
        }
        write_observation(connection, tick, event, Observation(microseconds(tick), status == "partial", shown))


def verdicts(connection: Connection, refresh: Refresh) -> dict[tuple[str, int], tuple[str, int]]:
    """(listing, minute it went at) -> (verdict, tickets), after a refresh that leaves everything exact."""
    refresh.run_until_clean(connection)
    assert_exact(connection)
    rows = connection.execute(
        'select listing_id, "timestamp", verdict, tickets from analytics.listing_departures'
    ).fetchall()
    return {
        (listing, (at - NOON) // timedelta(minutes=1)): (verdict, tickets) for listing, at, verdict, tickets in rows
    }


@pytest.fixture
def event(connection: Connection) -> int:
    return add_event(connection)


A, B = Offered("A"), Offered("B", row="B")


def test_a_listing_is_sold_when_three_ok_captures_in_a_row_did_not_show_it(
    connection: Connection, refresh: Refresh, event: int
) -> None:
    show(connection, event, 0, A, B)
    show(connection, event, 10, B)
    show(connection, event, 20, B)
    assert verdicts(connection, refresh) == {("A", 10): ("open", 2)}
    show(connection, event, 30, B, status="partial")
    assert verdicts(connection, refresh) == {("A", 10): ("open", 2)}
    show(connection, event, 70, B)
    assert verdicts(connection, refresh) == {("A", 10): ("sold", 2)}


def test_a_partial_or_a_failed_capture_proves_no_absence(connection: Connection, refresh: Refresh, event: int) -> None:
    show(connection, event, 0, A, B)
    show(connection, event, 10, B, status="partial")
    connection.execute(
        "insert into market.captures (event_key, tick, status) values (%s, %s, 'failed')", [event, NOON + 2 * TEN]
    )
    show(connection, event, 30, A, B)
    assert verdicts(connection, refresh) == {}
    assert connection.execute("select appeared, went from analytics.inventory_changes").fetchall() == []


def test_a_late_return_corrects_what_was_said_hours_ago(connection: Connection, refresh: Refresh, event: int) -> None:
    show(connection, event, 0, A, B)
    for minutes in (10, 20, 30):
        show(connection, event, minutes, B)
    assert verdicts(connection, refresh) == {("A", 10): ("sold", 2)}
    show(connection, event, 400, A, B)
    assert verdicts(connection, refresh) == {("A", 10): ("came back", 2)}
    (back,) = connection.execute("select came_back_at from analytics.listing_departures").fetchone() or (None,)
    assert back == NOON + timedelta(minutes=400)
    # the capture that showed it was wrong: it never came back
    void_capture(connection, event, NOON + timedelta(minutes=400), reason="another event's answer", by="a test")
    assert verdicts(connection, refresh) == {("A", 10): ("sold", 2)}
    undo_void(connection, event, NOON + timedelta(minutes=400))
    assert verdicts(connection, refresh) == {("A", 10): ("came back", 2)}


def test_a_capture_that_comes_late_decides_what_was_open_and_moves_when_it_went(
    connection: Connection, refresh: Refresh, event: int
) -> None:
    show(connection, event, 0, A, B)
    show(connection, event, 70, B)
    show(connection, event, 80, B)
    assert verdicts(connection, refresh) == {("A", 70): ("open", 2)}
    show(connection, event, 30, B)
    assert verdicts(connection, refresh) == {("A", 30): ("sold", 2)}


def test_a_listing_that_shrinks_by_what_one_may_buy_sold_that_many(
    connection: Connection, refresh: Refresh, event: int
) -> None:
    show(connection, event, 0, Offered("A", 6, sells=(2, 4, 6)), Offered("B", 4, row="B", sells=(4,)))
    for minutes in (10, 20, 30):
        show(connection, event, minutes, Offered("A", 4, sells=(2, 4)), Offered("B", 3, row="B", sells=(3,)))
    assert verdicts(connection, refresh) == {("A", 10): ("sold", 2), ("B", 10): ("withdrawn", 1)}
    sales = "select sales, sold_tickets, sold_value::text, withdrawn from analytics.estimated_sales"
    run_dbt("run", "--select", "sale_probabilities", "estimated_sales", "staging")
    assert connection.execute(sales).fetchall() == [(1, 2, "20.00", 1)]
    # the buyer let go of what was in the cart
    show(connection, event, 40, Offered("A", 6, sells=(2, 4, 6)), Offered("B", 3, row="B", sells=(3,)))
    assert verdicts(connection, refresh)["A", 10] == ("came back", 2)


def test_the_same_seats_under_another_id_are_relisted_and_in_parts_split(
    connection: Connection, refresh: Refresh, event: int
) -> None:
    show(connection, event, 0, A, Offered("C", 4, row="C"), Offered("D", row="D"), Offered("E", row="D"))
    after = [Offered("A2"), Offered("C1", 2, row="C"), Offered("C2", 2, row="C"), Offered("F", row="D")]
    show(connection, event, 10)
    show(connection, event, 20, *after[:1])
    for minutes in (30, 40, 50):
        show(connection, event, minutes, *after)
    assert verdicts(connection, refresh) == {
        ("A", 10): ("relisted", 2),
        ("C", 10): ("sold", 4),  # its parts came later: no proof that they are its
        ("D", 10): ("relisted", 2),
        ("E", 10): ("relisted", 2),
    }
    sure = connection.execute(
        "select listing_id, relisted_as, confidence::text from analytics.listing_departures order by 1"
    ).fetchall()
    assert sure == [("A", "A2", "0.90"), ("C", None, "0.60"), ("D", "F", "0.45"), ("E", "F", "0.45")]
    show(connection, event, 60, *after[:3], Offered("F1", 1, row="D"), Offered("F2", 1, row="D"))
    assert verdicts(connection, refresh)["F", 60] == ("split", 2)


def test_what_changed_within_an_hour_is_counted_by_zone(connection: Connection, refresh: Refresh, event: int) -> None:
    show(connection, event, 0, A, B, Offered("C", row="C"), Offered("D", 4, row="D"))
    show(connection, event, 50, A._replace(price=900), B._replace(price=1100), Offered("C", row="Z"),
         Offered("D", 3, row="D"), Offered("E", 6, row="E"))  # fmt: skip
    show(connection, event, 60, A._replace(price=800), B._replace(price=1100), Offered("D", 5, row="D"))
    refresh.run_until_clean(connection)
    assert_exact(connection)
    rows = connection.execute(
        """select extract(hour from hour)::int, appeared, appeared_tickets, repriced_up, repriced_down, shrank,
               shrank_tickets, grew, moved, went, went_tickets from analytics.inventory_changes order by 1"""
    ).fetchall()
    assert rows == [(12, 1, 6, 1, 1, 1, 1, 0, 1, 0, 0), (13, 0, 0, 0, 1, 0, 0, 1, 0, 2, 8)]


def test_medians_and_the_cheapest_way_in_are_of_the_hours_last_ok_capture(
    connection: Connection, refresh: Refresh, event: int
) -> None:
    show(connection, event, -24 * 60, Offered("A", 4, 500), Offered("B", 1, 400))
    show(connection, event, 0, Offered("A", 4, 100))
    last = [Offered("A", 4, 601), Offered("B", 1, 400), Offered("C", 2, 604, "C"), Offered("D", 2, 900, "D", (2,))]
    show(connection, event, 10, *last)
    show(connection, event, 20, Offered("A", 4, 1), status="partial")
    refresh.run_until_clean(connection)
    assert_exact(connection)
    row = connection.execute(
        """select total_listings, total_tickets, min_price::text, lower_quartile_price::text, median_price::text,
               upper_quartile_price::text, max_price::text, min_price_1ticket::text, min_price_4tickets::text,
               min_all_in_price_2tickets::text
           from analytics.price_distribution order by hour desc limit 1"""
    ).fetchone()
    assert row == (4, 9, "4.00", "5.51", "6.03", "6.78", "9.00", "4.00", "6.01", "8.51")
    # what is known of the same event by price ranges stands beside it and is not mixed with it
    days = timedelta(days=1)
    observe_ranges(
        connection,
        price_range(event, NOON - 7 * days, lowest_price_cents=1),
        price_range(event, NOON - days, lowest_price_cents=1100),
        price_range(event, NOON, lowest_price_cents=700),
        price_range(event, NOON + TEN, lowest_price_cents=1250),
        price_range(event, NOON + 2 * TEN, lowest_price_cents=None),
        price_range(event, NOON + 3 * TEN, lowest_price_cents=50, price_basis="unknown", market="primary"),
    )
    refresh.run_until_clean(connection)
    assert_exact(connection)
    run_dbt("run", "--select", "get_in_prices", "staging")
    of_ranges = connection.execute(
        """select tickets, market, price_basis, currency, timestamp, price::text, all_in_price::text,
               price_change_1day::text, all_in_price_change_1day::text, all_in_price_change_7days::text
           from analytics.get_in_prices where kind = 'price_range' order by market"""
    ).fetchall()
    assert of_ranges == [
        (None, "primary", "unknown", "USD", NOON + 3 * TEN, "0.50", None, None, None, None),
        (None, "resale", "all_in", "USD", NOON + TEN, None, "12.50", None, "1.50", "12.49"),
    ]
    get_in: Any = connection.execute(
        """select tickets, price::text, all_in_price::text, price_change_1day::text, price_change_7days
           from analytics.get_in_prices where kind = 'listings' order by 1"""
    ).fetchall()
    assert get_in == [
        (1, "4.00", "6.50", "0.00", None),
        (2, "6.01", "8.51", "1.01", None),
        (4, "6.01", "8.51", "1.01", None),
    ]
