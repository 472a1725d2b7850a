"""The board and the movers: what they say of a small market, their orders and pages, and who sees which events."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from tests.support.databases import fresh_database, use_database
from tests.support.dbt_runs import run_dbt
from tests.support.markets import NOON, TEN, Section, add_event, observe, observe_ranges, price_range
from tests.support.served_market import EVERYONE, HOUR, LEFT, RIGHT, id_of, serving
from tickettape.api_schema import create_key, watch_events
from tickettape.database import Warehouse
from tickettape.settings import Settings

NOW = NOON + timedelta(days=30)
EVENTS = ("3", "4", "5", "6")
OTHERS = ("7", "8")
RENAMED: dict[str, Any] = {
    "marketplace_source": "our market",
    "marketplace_format": "simulator",
    "marketplace_url": "http://[::1]:9",
}


class Market:
    """A client of the service with keys of tenants. LEFT sees events 1 and 3 to 8; RIGHT sees 2."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=60)
        with Warehouse().connection() as connection:
            self.ids = {str(id_of(connection, event)): event for event in ("1", "2", *EVENTS, *OTHERS)}
            self.keys = {tenant: create_key(connection, tenant) for tenant in (EVERYONE, LEFT, RIGHT)}

    def get(self, path: str, tenant: str = LEFT, headers: dict[str, str] | None = None, **asked: Any) -> httpx.Response:
        return self.client.get(f"/api/{path}", params=asked, headers={"x-api-key": self.keys[tenant]} | (headers or {}))

    def order(self, **asked: Any) -> str:
        """The events of the board in their order."""
        answer = self.get("board", **({"date_from": "2027-01-01"} | asked))
        assert answer.status_code == 200, answer.text
        return "".join(self.ids[row["id"]] for row in answer.json()["data"])

    def row(self, event: str, **asked: Any) -> dict[str, Any]:
        rows: list[dict[str, Any]] = self.get("board", **asked).json()["data"]
        return next(row for row in rows if self.ids[row["id"]] == event)


@pytest.fixture(scope="module")
def market(server_url: str, template: str) -> Iterator[Market]:
    """Event 3 fell from 100 to 80 in a week and to 75 in a day, 4 rose from 50 to 65, 5 stayed, nobody looked at 6.

    Of 7, from a simulator of another name, only price ranges are known; 8 is of a real marketplace.
    """
    begin = datetime(2027, 6, 2, 1, tzinfo=UTC)
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        use_database(patch, url)
        with Warehouse().connection() as connection:
            performers = {"3": "The Tour", "4": "The Tour", "5": "Another", "6": None}
            keys = {
                event: add_event(connection, event, name=f"Night {event}", performer_name=performers[event],
                                 date=begin - int(event) * HOUR)
                for event in EVENTS
            }  # fmt: skip
            ranges = add_event(connection, "7", source="our market", name="Ranges", city="Boston")
            add_event(connection, "8", source="vividseats", name="Elsewhere")
            watch_events(connection, LEFT, [id_of(connection, event) for event in (*EVENTS, *OTHERS)])
            prices = {
                timedelta(days=30): ([9000], [5000], [7000]), timedelta(days=7): ([10000], [5000], [7000]),
                timedelta(days=1): ([7500, 8500, 9500], [5500], [7000]), timedelta(0): ([8000, 8500], [6500], [7000]),
            }  # fmt: skip
            for ago, of_events in prices.items():
                for event, found in zip(("3", "4", "5"), of_events, strict=True):
                    observe(connection, keys[event], NOW - ago, Section("Floor", "1", found))
            for at in (NOW - 6 * HOUR, NOW - 6 * HOUR + TEN):
                observe(connection, keys["3"], at, Section("Floor", "1", [7700, 8500]))
            observe_ranges(
                connection,
                price_range(ranges, NOW - timedelta(days=7), lowest_price_cents=2000, price_basis="before_fees"),
                price_range(ranges, NOW, lowest_price_cents=1600, price_basis="before_fees"),
            )
        run_dbt("run")
        with serving(url, Settings(**RENAMED)) as address:
            yield Market(address)


def test_a_row_has_the_price_now_its_changes_and_what_is_left(market: Market) -> None:
    row = market.row("3")
    expected = {
        "name": "Night 3", "simulated": True, "date": "2027-06-01T22:00:00+00:00", "local_date": "2027-06-01",
        "price": 80.0, "change_1day": 5.0, "change_7days": -20.0, "change_30days": -10.0, "share_1day": 0.0667,
        "share_7days": -0.2, "share_30days": -0.1111, "price_1": None, "price_2": 80.0, "price_4": None,
        "all_in_price_2": 87.5, "total_tickets": 4, "total_listings": 2, "last_ok_at": NOW.isoformat(),
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    # at noon, 6 and 24 hours ago, which are 0, 2 and 8 times 3 hours
    assert len(row["sparkline"]) == 56
    assert {n: price for n, price in enumerate(reversed(row["sparkline"])) if price} == {0: 80.0, 2: 77.0, 8: 75.0}
    all_in = market.row("3", basis="all_in")
    assert (all_in["price"], all_in["change_1day"], all_in["change_7days"]) == (87.5, 0.0, None)
    assert (market.row("3", tickets=4)["price"], market.row("6")["sparkline"]) == (None, [])


def test_an_event_that_has_only_price_ranges_has_their_prices_and_says_so(market: Market) -> None:
    row = market.row("7")
    expected = {
        "kind": "price_range", "market": "resale", "price_basis": "before_fees", "price": 16.0, "change_7days": -4.0,
        "share_7days": -0.2, "change_1day": None, "price_1": None, "price_2": None, "all_in_price_2": None,
        "total_tickets": 30, "total_listings": 12, "sold_tickets_1day": 0, "last_ok_at": NOW.isoformat(),
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert row["sparkline"][-1] == 16.0
    # their price does not say for how many it is, and an all-in price is never shown as one before fees
    assert [market.row("7", tickets=tickets)["price"] for tickets in (1, 4)] == [16.0, 16.0]
    assert market.row("7", basis="all_in")["price"] is None
    assert [market.row(event)[name] for event in "36" for name in ("kind", "market")] == ["listings", None, None, None]
    assert market.order(sort="price", search="r")[0] == "7"


def test_an_event_is_simulated_if_its_source_is_whatever_its_name(market: Market) -> None:
    assert [(market.row(event)["source"], market.row(event)["simulated"]) for event in "378"] == [
        ("simulator", True), ("our market", True), ("vividseats", False)
    ]  # fmt: skip


def test_the_age_of_the_last_capture(market: Market) -> None:
    assert market.row("6")["age_minutes"] is None
    with Warehouse().connection() as connection, connection.transaction(force_rollback=True):
        for ago, minutes in (("1 hour 59 s", 60), ("-1 hour", 0)):  # a clock may be behind
            connection.execute("update analytics.event_board set timestamp = now() - %s::interval", [ago])
            ages = connection.execute("select distinct age_minutes from api.board() where last_ok_at is not null")
            assert ages.fetchall() == [(minutes,)]
    captured = {"1": NOON + 3 * HOUR, "2": NOON, "3": NOW, "4": NOW, "5": NOW}
    for sort, older in (("age_minutes", False), ("-last_ok_at", False), ("-age_minutes", True), ("last_ok_at", True)):
        found = [captured[event] for event in _ordered(market, sort) if event in captured]
        assert found == sorted(captured.values(), reverse=not older)
        assert set(_ordered(market, sort)[-2:]) == {"6", "8"}


def _ordered(market: Market, sort: str) -> str:
    return "".join(market.ids[row["id"]] for row in market.get("board", EVERYONE, sort=sort).json()["data"])


def test_what_was_sold_in_a_day_is_that_of_the_estimated_sales(market: Market) -> None:
    # the third listing of a day ago was absent from three ok captures since
    with Warehouse().connection() as connection:
        sold = "select sum(sold_tickets) from analytics.estimated_sales where hour > %s"
        found = connection.execute(sold, [NOW - 10 * HOUR]).fetchone()
        assert found == (market.row("3")["sold_tickets_1day"],) == (2,)
    assert market.order(sort="-sold_tickets_1day")[0] == "3"


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("movers", "43"), ("price", "45"), ("-price", "35"), ("change_7days", "354"), ("-change_7days", "453"),
        ("share_7days", "354"), ("-name", "6543"), ("name", "3456"), ("date", "6543"), ("-date", "3456"),
        ("performer", "5"), ("-total_tickets", "3"),
    ],
)  # fmt: skip
def test_the_orders_and_their_pages(market: Market, sort: str, expected: str) -> None:
    whole = market.order(sort=sort, search="night")
    assert whole.startswith(expected)
    assert len(whole) == 4
    found, more = "", dict[str, Any]()
    while not found or more["cursor"]:
        page = market.get("board", sort=sort, search="night", limit=1, **more).json()
        found += "".join(market.ids[row["id"]] for row in page["data"])
        more = {"cursor": page["next_cursor"]}
    assert found == whole


def test_filters_and_the_cheapest_date_of_a_tour(market: Market) -> None:
    assert market.order(group="performer", sort="price", search="night") == "6543"
    assert market.order(performer="tour", sort="price") == "43"
    assert market.order(search="NIGHT 4") == "4"
    assert market.order(city="nowhere") == ""
    refused = market.get("board", cursor=market.get("board", limit=1).json()["next_cursor"], sort="price")
    assert (refused.status_code, "sorted by" in refused.json()["detail"]) == (422, True)


def test_movers_are_zones_by_their_share(market: Market) -> None:
    def movers(**asked: Any) -> list[tuple[Any, ...]]:
        rows = market.get("movers", **asked).json()["data"]
        return [
            (market.ids[row["event_id"]], row["zone"], row["previous_price"], row["price"], row["share"])
            for row in rows
        ]

    fell, rose = ("3", "Floor", 100.0, 80.0, -0.2), ("4", "Floor", 50.0, 65.0, 0.3)
    assert movers() == [rose, fell]
    assert movers(direction="down") == [fell]
    assert movers(direction="up") == [rose]
    assert movers(performer="tour", city="chicago", category="concerts", date_from="2027-06-01") == [rose, fell]
    assert movers(search="night 3") == movers(date_from="2027-06-01T21:30:00Z") == [fell]
    for nobody in (
        {"city": "Boston"},
        {"performer": "Another"},
        {"category": "NBA"},
        {"venue": "x"},
        {"active": False},
    ):
        assert movers(**nobody) == []
    assert movers(days=1) == [("4", "Floor", 55.0, 65.0, 0.1818), ("3", "Floor", 75.0, 80.0, 0.0667)]
    page = market.get("movers", limit=1).json()
    assert [*movers(limit=1), *movers(limit=1, cursor=page["next_cursor"])] == movers()


@pytest.mark.parametrize("path", ["board", "movers"])
def test_csv_parquet_and_the_etag(market: Market, path: str) -> None:
    wanted = market.get(path).json()["data"]
    text = list(csv.DictReader(io.StringIO(market.get(path, headers={"accept": "text/csv"}).text)))
    table = pq.read_table(
        io.BytesIO(market.get(path, headers={"accept": "application/vnd.apache.parquet"}).content)
    ).to_pylist()
    assert [row["name"] for row in text] == [row["name"] for row in table] == [row["name"] for row in wanted] != []
    if path == "board":
        assert text[0]["sparkline"].split() == [
            "null" if price is None else f"{price:.2f}" for price in wanted[0]["sparkline"]
        ]
        assert [None if price is None else float(price) for price in table[0]["sparkline"]] == wanted[0]["sparkline"]
    etag = {"if-none-match": market.get(path).headers["etag"]}
    assert market.get(path, headers=etag).status_code == 304
    assert market.get(path, EVERYONE, headers=etag).status_code == 200


def test_a_tenant_sees_its_own_events_alone_v1(market: Market) -> None:
    def seen(path: str, tenant: str, column: str) -> set[str]:
        return {market.ids[row[column]] for row in market.get(path, tenant).json()["data"]}

    assert seen("board", LEFT, "id") == {"1", *EVENTS, *OTHERS}
    assert seen("board", RIGHT, "id") == {"2"}
    assert seen("board", EVERYONE, "id") == {"1", "2", *EVENTS, *OTHERS}
    assert (seen("movers", LEFT, "event_id"), seen("movers", RIGHT, "event_id")) == ({"3", "4"}, set())


@pytest.mark.parametrize(
    ("path", "asked", "says"),
    [
        ("board", {"sort": "colour"}, "sort"), ("board", {"tickets": 3}, "tickets"), ("board", {"limit": 201}, "limit"),
        ("board", {"basis": "net"}, "basis"), ("board", {"group": "venue"}, "group"), ("board", {"blue": 1}, "blue"),
        ("movers", {"days": 2}, "days"), ("movers", {"direction": "left"}, "direction"),
        ("movers", {"cursor": "x"}, "cursor"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_a_clear_422(market: Market, path: str, asked: dict[str, Any], says: str) -> None:
    refused = market.get(path, **asked)
    assert (refused.status_code, says in refused.json()["detail"]) == (422, True), refused.text
