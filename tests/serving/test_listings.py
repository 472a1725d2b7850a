"""Single listings: those of an event now and at any earlier tick, the cheapest first, and the history of one."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from tests.support.databases import fresh_database, use_database
from tests.support.markets import NOON, TEN, Section, add_event, observe
from tests.support.served_market import EVERYONE, HOUR, LEFT, RIGHT, id_of, serving
from tickettape.api_schema import create_key, watch_events
from tickettape.database import Warehouse

DAY = timedelta(days=1)


class Market:
    """A client of the service with keys of tenants; the event is on one tenant's list."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=60)
        with Warehouse().connection() as connection:
            self.event = str(id_of(connection, "3"))
            self.keys = {tenant: create_key(connection, tenant) for tenant in (EVERYONE, LEFT, RIGHT)}

    def get(self, path: str = "", tenant: str = LEFT, headers: dict[str, str] | None = None, **asked: Any) -> Any:
        headers = {"x-api-key": self.keys[tenant]} | (headers or {})
        return self.client.get(f"/api/events/{self.event}/listings{path}", params=asked, headers=headers)

    def found(self, **asked: Any) -> list[tuple[Any, ...]]:
        """The listings, as id, price and all-in price."""
        answer = self.get(**asked)
        assert answer.status_code == 200, answer.text
        return [(row["listing_id"], row["price"], row["all_in_price"]) for row in answer.json()["data"]]


@pytest.fixture(scope="module")
def market(server_url: str, template: str) -> Iterator[Market]:
    """Floor and Balcony at noon; a partial answer; 1-1 is repriced at 12:20 and next day at noon; then 1-2 has gone."""
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        use_database(patch, url)
        with Warehouse().connection() as connection:
            three = add_event(connection, "3", name="A long night")
            add_event(connection, "4", name="Nobody looked")
            watch_events(connection, LEFT, [id_of(connection, "3")])
            balcony = Section("Balcony", "2", [5000])
            observe(connection, three, NOON, Section("Floor", "1", [10000, 12000, 20000]), balcony)
            observe(connection, three, NOON + TEN, balcony, status="partial")
            observe(connection, three, NOON + 2 * TEN, Section("Floor", "1", [10000, 11000, 20000]), balcony)
            observe(connection, three, NOON + DAY, Section("Floor", "1", [10000, 9000]), balcony)
            connection.execute("update market.events set currency = 'USD' where external_id = '3'")
        with serving(url) as address:
            yield Market(address)


def test_the_newest_capture_is_shown_the_cheapest_first(market: Market) -> None:
    assert market.found() == [("2-0", 50.0, None), ("1-1", 90.0, 92.5), ("1-0", 100.0, None)]
    assert market.found(basis="all_in") == [("1-1", 90.0, 92.5), ("1-0", 100.0, None), ("2-0", 50.0, None)]
    assert market.found(zone="Floor", tickets=2) == [("1-1", 90.0, 92.5), ("1-0", 100.0, None)]
    assert market.found(tickets=1) == []
    answer = market.get(zone="Floor", tickets=2).json()
    assert (answer["timestamp"], answer["currency"]) == ((NOON + DAY).isoformat(), "USD")
    assert answer["data"][0] == {
        "listing_id": "1-1", "zone": "Floor", "section": "1", "seat_row": "A", "quantity": 2, "buyable": [2],
        "price": 90.0, "all_in_price": 92.5, "deal_score": 7.0, "first_seen_at": NOON.isoformat(),
        "price_changes_7days": 2, "last_repriced_at": (NOON + DAY).isoformat(), "timestamp": (NOON + DAY).isoformat(),
    }  # fmt: skip


def test_an_earlier_tick_shows_what_was_for_sale_then(market: Market) -> None:
    first = [("2-0", 50.0, None), ("1-0", 100.0, None), ("1-1", 120.0, 122.5), ("1-2", 200.0, 202.5)]
    repriced = [("2-0", 50.0, None), ("1-0", 100.0, None), ("1-1", 110.0, 112.5), ("1-2", 200.0, 202.5)]
    assert market.found(at=NOON.isoformat()) == first
    assert market.found(at=(NOON + TEN).isoformat()) == first, "a partial answer does not show everything"
    assert market.found(at="2026-11-20") == market.found(at=(NOON + HOUR).isoformat()) == repriced
    rows = market.get(at="2026-11-20").json()["data"]
    assert [row["price_changes_7days"] for row in rows] == [0, 0, 1, 0]
    assert {row["timestamp"] for row in rows} == {(NOON + 2 * TEN).isoformat()}


def test_pages_are_those_of_one_tick_and_make_up_the_whole_in_every_format(market: Market) -> None:
    for asked in ({"at": "2026-11-20"}, {"basis": "all_in"}, {"basis": "all_in", "at": "2026-11-20"}):
        whole = market.get("", LEFT, None, **asked).json()["data"]
        rows: list[Any] = []
        cursor: dict[str, str] | None = {}
        while cursor is not None:
            page = market.get("", LEFT, None, limit=1, **asked, **cursor).json()
            rows += page["data"]
            cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
        assert rows == whole != []
    text = list(csv.DictReader(io.StringIO(market.get(headers={"accept": "text/csv"}).text)))
    table = pq.read_table(io.BytesIO(market.get(headers={"accept": "application/vnd.apache.parquet"}).content))
    places = [(listing, [2]) for listing, *_ in market.found()]
    assert [(row["listing_id"], [int(row["buyable"])]) for row in text] == places
    assert [(row["listing_id"], row["buyable"]) for row in table.to_pylist()] == places


def test_the_history_of_a_listing_has_each_state_and_its_end(market: Market) -> None:
    def states(listing: str, **asked: Any) -> list[tuple[Any, ...]]:
        rows = market.get(f"/{listing}/history", **asked).json()["data"]
        return [(row["from_tick"], row["until_tick"], row["price"]) for row in rows]

    first, second, third = NOON.isoformat(), (NOON + 2 * TEN).isoformat(), (NOON + DAY).isoformat()
    assert states("1-1") == [(first, second, 120.0), (second, third, 110.0), (third, None, 90.0)]
    assert states("1-2") == [(first, third, 200.0)]
    page = market.get("/1-1/history", limit=2).json()
    assert states("1-1", limit=2, cursor=page["next_cursor"]) == [(third, None, 90.0)]


def test_a_tenant_without_the_event_sees_no_listing_even_with_a_known_etag_v1(market: Market) -> None:
    for path in ("", "/1-1/history"):
        seen = market.get(path)
        etag = {"if-none-match": seen.headers["etag"]}
        assert market.get(path, headers=etag).status_code == 304
        assert market.get(path, EVERYONE, headers=etag).status_code == 200
        assert market.get(path, RIGHT).status_code == market.get(path, RIGHT, headers=etag).status_code == 404


@pytest.mark.parametrize(
    ("path", "asked", "status", "says"),
    [
        ("", {"at": "2026-11-19"}, 404, "are not known at 2026-11-19"),
        ("", {"at": "2026-11-23T12:00:01Z"}, 404, "are not known"),
        ("", {"zone": "Nowhere"}, 404, "no zone"),
        ("", {"tickets": 0}, 422, "tickets"),
        ("", {"limit": 1001}, 422, "limit"),
        ("", {"basis": "net"}, 422, "basis"),
        ("", {"cursor": "nonsense"}, 422, "cursor"),
        ("/none/history", {}, 404, "no listing 'none'"),
    ],
)
def test_what_cannot_be_answered_is_a_clear_4xx(
    market: Market, path: str, asked: dict[str, Any], status: int, says: str
) -> None:
    refused = market.get(path, **asked)
    assert (refused.status_code, says in refused.json()["detail"]) == (status, True), refused.text


def test_the_listings_of_an_event_that_nobody_captured_are_not_known(market: Market) -> None:
    with Warehouse().connection() as connection:
        four = id_of(connection, "4")
    refused = market.client.get(f"/api/events/{four}/listings", headers={"x-api-key": market.keys[EVERYONE]})
    assert (refused.status_code, "are not known" in refused.json()["detail"]) == (404, True)
