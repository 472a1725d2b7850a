"""The series that are made from the listing history: get-in, distribution, changes, sales, days on market."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from tests.support.databases import fresh_database, use_database
from tests.support.dbt_runs import run_dbt
from tests.support.markets import NOON, TEN, Section, add_event, observe
from tests.support.served_market import EVERYONE, HOUR, LEFT, RIGHT, id_of, serving
from tickettape.api_schema import create_key, watch_events
from tickettape.database import Warehouse

DAY = {"start_date": "2026-11-20", "end_date": "2026-11-20"}
NAMES = ("get-in", "price-distribution", "inventory-changes", "estimated-sales", "days-on-market")


class Market:
    """A client of the service, with a key of each tenant; the event is on one tenant's list."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=60)
        with Warehouse().connection() as connection:
            self.event = str(id_of(connection, "3"))
            self.keys = {tenant: create_key(connection, tenant) for tenant in (EVERYONE, LEFT, RIGHT)}

    def get(self, name: str, tenant: str = LEFT, accept: str = "application/json", **more: Any) -> httpx.Response:
        headers = {"x-api-key": self.keys[tenant], "accept": accept} | more.pop("headers", {})
        return self.client.get(f"/api/events/{self.event}/{name}", params=DAY | more, headers=headers)

    def rows(self, name: str, **more: Any) -> dict[tuple[int, str | None], dict[str, Any]]:
        """The rows by their hour and zone, in order."""
        answer = self.get(name, **more)
        assert answer.status_code == 200, answer.text
        return {(int(row["timestamp"][11:13]), row["zone"]): row for row in answer.json()["data"]}


@pytest.fixture(scope="module")
def market(server_url: str, template: str) -> Iterator[Market]:
    """Floor: one of three is repriced at 12:10, and the dearest goes at 13:00 and is not seen in four captures.

    Balcony: one appears at 13:00, and all have gone at 15:00, the last capture. Nobody looked in hour 14.
    """
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        use_database(patch, url)
        with Warehouse().connection() as connection:
            three = add_event(connection, "3", name="A long night")
            watch_events(connection, LEFT, [id_of(connection, "3")])
            one, two = Section("Balcony", "2", [5000]), Section("Balcony", "2", [5000, 6000])
            observe(connection, three, NOON, Section("Floor", "1", [10000, 12000, 20000]), one)
            observe(connection, three, NOON + TEN, Section("Floor", "1", [10000, 11000, 20000]), one)
            for tick in range(4):
                observe(connection, three, NOON + HOUR + tick * TEN, Section("Floor", "1", [10000, 11000]), two)
            observe(connection, three, NOON + 3 * HOUR, Section("Floor", "1", [10000, 11000]))
        run_dbt("run")
        with serving(url) as address:
            yield Market(address)


def values(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def test_get_in_is_the_lowest_of_all_zones_on_both_bases(market: Market) -> None:
    prices = ("price_1", "price_2", "price_4", "all_in_price_2")
    assert {at: values(row, *prices) for at, row in market.rows("get-in").items()} == {
        (12, None): (None, 50.0, None, 112.5),
        (13, None): (None, 50.0, None, 62.5),
        (15, None): (None, 100.0, None, 112.5),
    }
    floor = market.rows("get-in", zone="Floor")
    assert {at: row["price_2"] for at, row in floor.items()} == {(h, "Floor"): 100.0 for h in (12, 13, 15)}
    (day,) = market.rows("get-in", granularity="day").values()
    assert values(day, *prices) == (None, 50.0, None, 62.5)


def test_the_distribution_is_that_of_the_hours_last_capture_and_of_the_days_last_hour(market: Market) -> None:
    names = ("total_listings", "min_price", "lower_quartile_price", "median_price", "upper_quartile_price", "max_price")
    hours = market.rows("price-distribution")
    assert values(hours[12, "Floor"], *names) == (3, 100.0, 105.0, 110.0, 155.0, 200.0)
    assert values(hours[15, "Floor"], *names) == (2, 100.0, 102.5, 105.0, 107.5, 110.0)
    assert list(hours) == [(12, "Balcony"), (12, "Floor"), (13, "Balcony"), (13, "Floor"), (15, "Floor")]
    days = market.rows("price-distribution", granularity="day")
    assert values(days[0, "Floor"], *names) == (2, 100.0, 102.5, 105.0, 107.5, 110.0)
    assert values(days[0, "Balcony"], *names)[:2] == (2, 50.0)  # its last hour with listings is 13


def test_changes_are_counted_by_hour_and_added_up_by_day(market: Market) -> None:
    names = ("appeared_tickets", "repriced_up", "repriced_down", "went", "went_tickets")
    hours = market.rows("inventory-changes")
    assert {at: values(row, *names) for at, row in hours.items() if at[0] > 12} == {
        (13, "Balcony"): (2, 0, 0, 0, 0),
        (13, "Floor"): (0, 0, 0, 1, 2),
        (15, "Balcony"): (0, 0, 0, 2, 4),
    }
    assert values(hours[12, "Floor"], *names)[1:] == (0, 1, 0, 0)
    (balcony, floor) = market.rows("inventory-changes", granularity="day").values()
    assert values(balcony, *names)[1:] == (0, 0, 2, 4)
    assert values(floor, *names)[1:] == (0, 1, 1, 2)


def test_what_is_gone_for_long_enough_counts_as_sold(market: Market) -> None:
    names = ("sales", "sold_tickets", "sold_value", "median_sold_price", "avg_confidence", "withdrawn", "open")
    expected = {"Balcony": (0, 0, 0.0, None, None, 0, 2), "Floor": (1, 2, 400.0, 200.0, 0.6, 0, 0)}
    assert {at: values(row, *names) for at, row in market.rows("estimated-sales").items()} == {
        (13, "Floor"): expected["Floor"],
        (15, "Balcony"): expected["Balcony"],
    }
    days = market.rows("estimated-sales", granularity="day")
    assert {zone: values(row, *names) for (_, zone), row in days.items()} == expected


def test_how_long_listings_had_stood_by_what_became_of_them(market: Market) -> None:
    days = ("verdict", "listings", "min_days", "median_days", "max_days")
    sold, still_open = market.rows("days-on-market"), market.rows("days-on-market", verdict="open")
    assert {at: values(row, *days) for at, row in sold.items()} == {(0, "Floor"): ("sold", 1, 0.04, 0.04, 0.04)}
    assert {at: values(row, *days) for at, row in still_open.items()} == {
        (0, "Balcony"): ("open", 2, 0.08, 0.1, 0.13)  # 2 and 3 hours
    }
    answer = market.get("days-on-market", verdict="open").json()
    assert (answer["verdict"], answer["granularity"]) == ("open", "day")


def test_with_fill_nothing_happened_and_nobody_looked_differ(market: Market) -> None:
    for name, field in (("inventory-changes", "went"), ("estimated-sales", "sales")):
        filled = market.rows(name, fill=True, zone="Floor")
        assert len(filled) == 24
        assert values(filled[15, "Floor"], "observed", field) == (True, 0)
        assert values(filled[14, "Floor"], "observed", field) == (False, None)
    spread = market.rows("price-distribution", fill=True, zone="Balcony")
    assert values(spread[15, "Balcony"], "observed", "total_listings", "median_price") == (True, 0, None)
    assert values(spread[14, "Balcony"], "observed", "total_listings", "median_price") == (False, None, None)
    assert values(market.rows("get-in", fill=True)[14, None], "observed", "price_2") == (False, None)
    days = market.get("get-in", fill=True, granularity="day", start_date="2026-11-18").json()["data"]
    assert [row["observed"] for row in days] == [False, False, True]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("more", [{}, {"fill": True}, {"granularity": "day"}])
def test_pages_make_up_the_whole_in_every_format(market: Market, name: str, more: dict[str, Any]) -> None:
    more = {} if name == "days-on-market" else more
    whole = market.get(name, **more).json()
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] | None = {}
    while cursor is not None:
        page = market.get(name, limit=7 if "fill" in more else 1, **more, **cursor).json()
        rows += page["data"]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert rows == whole["data"] != []
    text = list(csv.DictReader(io.StringIO(market.get(name, accept="text/csv", **more).text)))
    table = pq.read_table(io.BytesIO(market.get(name, accept="application/vnd.apache.parquet", **more).content))
    places = [(row["timestamp"], row["zone"]) for row in whole["data"]]
    assert [(row["timestamp"], row["zone"] or None) for row in text] == places
    assert [(row["timestamp"].isoformat(), row["zone"]) for row in table.to_pylist()] == places


@pytest.mark.parametrize("name", NAMES)
def test_a_tenant_without_the_event_gets_404_even_with_a_known_etag_v1(market: Market, name: str) -> None:
    seen = market.get(name)
    assert seen.headers["cache-control"] == "private, max-age=300"
    etag: dict[str, Any] = {"headers": {"if-none-match": seen.headers["etag"]}}
    assert market.get(name, LEFT, **etag).status_code == 304
    assert market.get(name, EVERYONE, **etag).status_code == 200
    for more in ({}, etag):
        refused = market.get(name, RIGHT, **more)
        assert (refused.status_code, refused.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("name", "params", "status", "says"),
    [
        ("get-in", {"zone": "Nowhere"}, 404, "no zone"),
        ("get-in", {"event_id": "1"}, 422, "event_id"),
        ("price-distribution", {"start_date": "2026-11-21"}, 422, "after end_date"),
        ("inventory-changes", {"granularity": "minute"}, 422, "granularity"),
        ("estimated-sales", {"limit": 10_001}, 422, "at most 10000"),
        ("days-on-market", {"verdict": "eaten"}, 422, "verdict"),
        ("days-on-market", {"fill": True}, 422, "fill"),
    ],
)
def test_what_cannot_be_answered_is_a_clear_4xx(
    market: Market, name: str, params: dict[str, Any], status: int, says: str
) -> None:
    refused = market.get(name, **params)
    assert (refused.status_code, says in refused.json()["detail"]) == (status, True), refused.text


def test_sales_by_hour_are_those_of_the_table(market: Market) -> None:
    with Warehouse().connection() as connection:
        of_function = connection.execute(
            """select events.id, found."timestamp", found.zone, found.sales, found.sold_tickets, found.sold_value,
                   found.median_sold_price, found.avg_confidence, found.withdrawn, found.withdrawn_tickets,
                   found.relisted, found.came_back, found.open, found.sales_low, found.sales_mid, found.sales_high,
                   found.sold_tickets_low, found.sold_tickets_mid, found.sold_tickets_high
               from market.events, api.estimated_sales(
                   events.id, start_date => '2026-11-20', end_date => '2026-11-23') as found
               order by 1, 2, 3"""
        ).fetchall()
        of_table = connection.execute(
            """select event_id, hour, zone, sales, sold_tickets, sold_value, median_sold_price, avg_confidence,
                   withdrawn, withdrawn_tickets, relisted, came_back, open, sales_low, sales_mid, sales_high,
                   sold_tickets_low, sold_tickets_mid, sold_tickets_high
               from analytics.estimated_sales order by 1, 2, 3"""
        ).fetchall()
        assert of_function == of_table
        assert len(of_table) == 4
