"""What the three analytics answer: prices, counts, gaps and zeros, by hour and day, in three formats."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from tests.support.markets import NOON, add_event
from tests.support.served_market import EVERYONE, HOUR, Ask, id_of
from tickettape.database import Connection

DAY = {"start_date": "2026-11-20", "end_date": "2026-11-20"}


@pytest.fixture
def series(ask: Callable[[str], Ask], connection: Connection) -> Callable[..., Any]:
    get, event = ask(EVERYONE), id_of(connection, "1")

    def of(name: str, **more: Any) -> Any:
        answer = get(f"/api/analytics/{name}", **({"event_id": event, "granularity": "hour"} | DAY | more))
        assert answer.status_code == 200, answer.text
        return answer.json()

    return of


def at(row: dict[str, Any]) -> tuple[int, str]:
    return int(row["timestamp"][11:13]), row["zone"]


def test_prices_by_hour_are_the_rollups_and_hours_without_a_price_are_absent(series: Callable[..., Any]) -> None:
    answer = series("price-trends")
    assert (answer["granularity"], answer["basis"], answer["currency"]) == ("hour", "before_fees", "USD")
    assert {at(row): (row["min_price"], row["avg_price"], row["max_price"]) for row in answer["data"]} == {
        (12, "Lower"): (40.0, 53.33, 70.0),
        (12, "Upper"): (20.0, 20.0, 20.0),
        (14, "Lower"): (50.0, 60.0, 70.0),
        (15, "Lower"): (50.0, 60.0, 70.0),
        (15, "Upper"): (20.0, 20.0, 20.0),
    }


def test_a_sold_out_hour_has_no_tickets_and_an_unobserved_one_is_a_gap(series: Callable[..., Any]) -> None:
    counts = {at(row)[0]: row["total_tickets"] for row in series("ticket-counts", zone="Upper")["data"]}
    assert counts == {12: 2, 14: 0, 15: 2}
    filled = {at(row)[0]: row for row in series("ticket-counts", zone="Upper", fill=True)["data"]}
    assert set(filled) == set(range(24))
    assert (filled[13]["observed"], filled[13]["total_tickets"]) == (False, None)
    assert (filled[14]["observed"], filled[14]["total_tickets"]) == (True, 0)
    prices = {at(row)[0]: row for row in series("price-trends", zone="Upper", fill=True)["data"]}
    assert (prices[13]["observed"], prices[13]["min_price"]) == (False, None)
    assert (prices[14]["observed"], prices[14]["min_price"]) == (True, None)


def test_group_prices_are_those_for_exactly_so_many(series: Callable[..., Any]) -> None:
    first = series("group-prices", zone="Lower")["data"][0]
    assert (first["price_1"], first["price_2"], first["price_4"]) == (None, 40.0, None)


def test_a_long_range_comes_by_day_and_says_so(series: Callable[..., Any]) -> None:
    answer = series("ticket-counts", zone="Upper", granularity="auto", start_date="2026-11-01")
    assert answer["granularity"] == "day"
    (day,) = answer["data"]
    assert day["timestamp"] == "2026-11-20T00:00:00+00:00"
    assert (day["peak_tickets"], day["min_tickets"], day["avg_tickets"]) == (2, 0, 1.33)
    assert series("ticket-counts", granularity="auto")["granularity"] == "hour"


def test_with_fees_only_the_lowest_price_is_known(series: Callable[..., Any], connection: Connection) -> None:
    connection.execute("update analytics.aggregated_analytics set min_all_in_price = min_price * 1.25")
    answer = series("price-trends", zone="Upper", basis="all_in")
    assert [(r["min_price"], r["avg_price"], r["max_price"]) for r in answer["data"]] == [(25.0, None, None)] * 2


def test_both_ends_belong_to_the_range(series: Callable[..., Any]) -> None:
    ends = {"start_date": NOON.isoformat(), "end_date": (NOON + 2 * HOUR).isoformat()}
    assert {at(row)[0] for row in series("price-trends", zone="Lower", **ends)["data"]} == {12, 14}


def test_pages_follow_each_other_and_make_up_the_whole(series: Callable[..., Any]) -> None:
    whole = series("price-trends")["data"]
    page = series("price-trends", limit=2)
    rows = page["data"]
    while page["next_cursor"]:
        page = series("price-trends", limit=2, cursor=page["next_cursor"])
        rows += page["data"]
    assert rows == whole


@pytest.mark.parametrize("granularity", ["hour", "day"])
@pytest.mark.parametrize("fill", [True, False])
def test_pages_of_every_length_and_range_make_up_the_whole(
    series: Callable[..., Any], connection: Connection, granularity: str, fill: bool
) -> None:
    for name in ("price-trends", "ticket-counts"):
        for start, end in (
            ("2026-11-20T11:30:00Z", "2026-11-20T23:15:00Z"),
            ("2026-11-20T12:00:00Z", "2026-11-22"),
            ("2026-11-13T23:59:59Z", "2026-11-21T00:00:00Z"),
        ):
            question = {"fill": fill, "granularity": granularity, "start_date": start, "end_date": end}
            whole = series(name, limit=10_000, **question)["data"]  # in one window
            assert len({(row["timestamp"], row["zone"]) for row in whole}) == len(whole) > 0
            for limit in (len(whole) // 5 + 1, len(whole)):
                page = series(name, limit=limit, **question)
                rows = page["data"]
                while page["next_cursor"]:
                    page = series(name, limit=limit, cursor=page["next_cursor"], **question)
                    rows += page["data"]
                assert rows == whole


def test_a_range_without_an_end_costs_what_its_page_holds(series: Callable[..., Any], connection: Connection) -> None:
    whole = series("ticket-counts")["data"]
    ever = {"start_date": "0001-01-01", "end_date": "9999-12-31"}
    assert series("ticket-counts", **ever)["data"] == whole
    assert series("ticket-counts", limit=2, **ever)["data"] == whole[:2]
    ever_in_sql = connection.execute(
        """select count(*) from api.ticket_counts(%s, start_date => '-infinity', end_date => 'infinity',
               granularity => 'hour')""",
        [id_of(connection, "1")],
    )
    assert ever_in_sql.fetchone() == (len(whole),)


@pytest.mark.parametrize("granularity", ["hour", "day"])
def test_gaps_since_the_year_1_cost_what_their_page_holds(series: Callable[..., Any], granularity: str) -> None:
    question = {"fill": True, "granularity": granularity, "start_date": "0001-01-01"}
    for name in ("price-trends", "group-prices", "ticket-counts"):
        rows = series(name, **question)["data"]  # with all 17 million hours made first it took 5 s, and was cancelled
        assert len(rows) == 1000
        assert not any(row["observed"] for row in rows)
        assert len(series(name, limit=10_000, **question)["data"]) == 10_000


@pytest.mark.parametrize("granularity", ["hour", "day"])
def test_gaps_since_ever_begin_in_the_year_1(connection: Connection, series: object, granularity: str) -> None:
    """As a PostgREST client can ask: generated without a beginning, they would never end."""
    connection.execute("set statement_timeout = '5s'")
    for name in (
        *("price_trends", "group_prices", "ticket_counts"),
        *("get_in", "price_distribution", "inventory_changes", "estimated_sales"),
    ):
        found = connection.execute(
            f"""select count(*), min("timestamp") from api.{name}(
                    %s, start_date => '-infinity', granularity => %s, fill => true, max_rows => 100)""",
            [id_of(connection, "1"), granularity],
        ).fetchone()
        assert found == (100, datetime(1, 1, 1, tzinfo=UTC))


def test_gaps_of_an_event_without_zones_cost_nothing(series: Callable[..., Any], connection: Connection) -> None:
    add_event(connection, "9")
    question = {"event_id": id_of(connection, "9"), "fill": True, "start_date": "0001-01-01"}
    assert series("price-trends", **question)["data"] == []


def test_csv_and_parquet_hold_the_same_as_json(
    series: Callable[..., Any], ask: Callable[[str], Ask], connection: Connection
) -> None:
    wanted = [(row["timestamp"], row["zone"], row["min_price"]) for row in series("price-trends")["data"]]
    get, path = ask(EVERYONE), "/api/analytics/price-trends"
    params: dict[str, Any] = {"event_id": id_of(connection, "1"), "granularity": "hour"} | DAY
    text = get(path, {"accept": "text/csv"}, **params)
    assert text.headers["content-type"].startswith("text/csv")
    read = csv.DictReader(io.StringIO(text.text))
    assert [(row["timestamp"], row["zone"], float(row["min_price"])) for row in read] == wanted
    table = pq.read_table(io.BytesIO(get(path, {"accept": "application/vnd.apache.parquet"}, **params).content))
    found = table.to_pylist()
    assert [(row["timestamp"].isoformat(), row["zone"], float(row["min_price"])) for row in found] == wanted
    assert get(path, {"accept": "image/png"}, **params).status_code == 406


def test_answers_are_compressed_where_the_client_can_read_that(
    series: Callable[..., Any], ask: Callable[[str], Ask], connection: Connection
) -> None:
    get = ask(EVERYONE)
    params: dict[str, Any] = {"event_id": id_of(connection, "1"), "fill": True, "granularity": "hour"} | DAY
    packed = get("/api/analytics/price-trends", {"accept-encoding": "gzip"}, **params)
    plain = get("/api/analytics/price-trends", {"accept-encoding": "identity"}, **params)
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()


@pytest.mark.parametrize(
    ("path", "params", "status", "says"),
    [
        ("price-trends", {"zone": "Nowhere"}, 404, "no zone"),
        ("price-trends", {"event_id": "00000000-0000-0000-0000-000000000000"}, 404, "no event"),
        ("price-trends", {"event_id": "one"}, 422, "event_id"),
        ("price-trends", {"basis": "gross"}, 422, "before_fees"),
        ("group-prices", {"basis": "all_in"}, 422, "basis"),
        ("ticket-counts", {"granularity": "minute"}, 422, "granularity"),
        ("ticket-counts", {"start_date": "yesterday"}, 422, "ISO 8601"),
        ("ticket-counts", {"start_date": "2026-11-21", "end_date": "2026-11-20"}, 422, "after end_date"),
        ("ticket-counts", {"cursor": "nonsense"}, 422, "cursor"),
        ("ticket-counts", {"limit": 0}, 422, "limit"),
        ("ticket-counts", {"limit": 10_001}, 422, "at most 10000"),
        ("ticket-counts", {"zones": "Upper"}, 422, "zones"),
    ],
)
def test_a_question_that_cannot_be_is_a_clear_4xx_v4(
    ask: Callable[[str], Ask], connection: Connection, path: str, params: dict[str, Any], status: int, says: str
) -> None:
    answer: httpx.Response = ask(EVERYONE)(
        f"/api/analytics/{path}", **({"event_id": id_of(connection, "1")} | DAY | params)
    )
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]


@pytest.mark.parametrize("sort", ["date", "-date"])
def test_events_without_a_date_come_after_all_others_and_pages_hold_them_too(
    ask: Callable[[str], Ask], connection: Connection, sort: str
) -> None:
    get = ask(EVERYONE)
    add_event(connection, "7", date=None, date_status="date_tbd")
    add_event(connection, "8", date=None, date_status="postponed")
    found, path = [], f"/api/events?sort={sort}&limit=1"
    while path:
        page = get(path).json()
        found += [(event["date"] is None, event["date_status"], event["external_id"]) for event in page["data"]]
        path = f"/api/events?sort={sort}&limit=1&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert len(found) == len(set(found)) == 4
    undated_last = found if sort == "date" else found[::-1]
    assert [undated for undated, _, _ in undated_last] == [False, False, True, True]
    assert {status for _, status, _ in undated_last[2:]} == {"date_tbd", "postponed"}
    assert get(f"/api/events/{id_of(connection, '7')}").json()["date_status"] == "date_tbd"
