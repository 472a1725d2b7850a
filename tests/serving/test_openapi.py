"""OpenAPI is valid, says something about everything, and has the real answers' fields: no more, no fewer."""

import copy
import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from serving.app import build_app
from serving.middleware import SELLING
from serving.routes.alerts import PREFIX as ALERTS
from tests.support.api_promise import breaks, promise
from tests.support.described_answers import Answer, Document, errors, faults, operations, schema_of, success
from tests.support.markets import add_event
from tests.support.said_forecasts import add_comparables, keep_record, say_forecasts, say_last_price, say_zones_forecast
from tests.support.served_market import (
    ADD_PAST,
    ADD_SALE,
    EVERYONE,
    Ask,
    add_a_match,
    add_another_source,
    add_links,
    id_of,
)
from tests.support.sold_events import ADD_SOLD
from tickettape.database import Connection
from tickettape.settings import ROOT, Settings

PROMISED = Path(__file__).with_name("api_promise.json")
FORMATS = ["application/json", "text/csv", "application/vnd.apache.parquet"]
DAY = {"start_date": "2026-11-20", "end_date": "2026-11-20"}

# what the small market lacks: a picture, prices of one and four, prices with fees, a zone that is sold out now
_MORE = """
    update market.events
        set image_url = 'https://example.com/1.jpg', page_url = 'https://example.com/1', last_scraped = now()
        where external_id = '1';
    update analytics.aggregated_analytics
        set min_price_1ticket = min_price, min_price_4tickets = min_price, min_price_2tickets = null
        where zone = 'Lower';
    update analytics.latest_prices
        set lowest_price_1ticket = 50, lowest_price_4tickets = 50, lowest_all_in_price = 60 where zone = 'Lower';
    update analytics.latest_prices
        set available = false, section = null, lowest_price = null, average_price = null, highest_price = null,
            lowest_price_2tickets = null, total_tickets = 0, total_listings = 0
        where zone = 'Upper';
    update analytics.price_distribution
        set min_price_1ticket = 50, min_price_4tickets = 50, min_all_in_price_1ticket = 60,
            min_all_in_price_2tickets = 60, min_all_in_price_4tickets = 60
        where zone = 'Lower';
    update analytics.get_in_hours
        set min_price_1ticket = 50, min_price_4tickets = 50, min_all_in_price_1ticket = 60,
            min_all_in_price_2tickets = 60, min_all_in_price_4tickets = 60;
    update analytics.event_board
        set min_price_1ticket = 50, min_price_4tickets = 50, min_all_in_price_1ticket = 60,
            min_all_in_price_2tickets = 60, min_all_in_price_4tickets = 60;
    update market.events set currency = null, date = null, date_status = 'date_tbd' where external_id = '2';
    update market.listing_changes set deal_scores = '{-1}' from market.events
        where events.event_key = listing_changes.event_key and external_id = '2'"""
# event 8, of which only price ranges are known
_OF_RANGES = """
    insert into analytics.event_board
    select (jsonb_populate_record(board, jsonb_build_object(
        'event_id', eight.id, 'kind', 'price_range', 'market', 'resale', 'price_basis', 'before_fees'))).*
    from analytics.event_board as board
        inner join market.events as one on one.id = board.event_id and one.external_id = '1'
        inner join market.events as eight on eight.external_id = '8'"""
_OF_ZONES = {
    "get_get_in_prices": "get-in",
    "get_price_distribution": "price-distribution",
    "get_inventory_changes": "inventory-changes",
    "get_estimated_sales": "estimated-sales",
    "get_days_on_market": "days-on-market",
}
_NOTHING: dict[str, Any] = dict.fromkeys(
    ("city", "state", "country", "venue_time_zone", "date", "category", "performer_id", "performer_name")
)


@pytest.fixture(scope="module")
def document() -> Document:
    """The document, of which no test may change anything."""
    return build_app(Settings(), "").openapi()


@pytest.fixture
def answered(ask: Callable[[str], Ask], connection: Connection) -> list[Answer]:
    """What every path answers, with all there is and with nothing."""
    connection.execute(f"{ADD_PAST};{ADD_SALE};{_MORE};{ADD_SOLD}")
    add_event(connection, "7", date_status="date_tbd", **_NOTHING)
    add_event(connection, "8")
    connection.execute(_OF_RANGES)
    add_another_source(connection)
    add_links(connection)
    add_a_match(connection)
    add_comparables(connection)
    today = datetime(2026, 11, 20, tzinfo=UTC)
    keys: dict[str, int] = dict(connection.execute("select external_id, event_key from market.events").fetchall())
    say_forecasts(connection, keys["1"], today)
    say_zones_forecast(connection, keys["1"], "Lower", today)
    say_last_price(connection, keys["2"], today)
    keep_record(connection, today)
    one, two, seven, new = (id_of(connection, event) for event in ("1", "2", "7", "new"))
    get = ask(EVERYONE)
    found = [
        *_answered(get, one, seven),
        *_listed(get, one, two),
        *_of_all(get),
        *_across(get, one, seven),
        *_links(get),
        *_sold(get, one, two),
        *_forecast(get, one, two, new),
    ]
    connection.execute("update market.events set currency = null where external_id in ('1', '9')")
    return [*found, *_across(get, one, seven)]


def _forecast(get: Ask, one: object, two: object, new: object) -> Iterator[Answer]:
    for event in (one, two):
        yield "get_forecast", get(f"/api/events/{event}/forecast").json()
    yield "get_forecast", get(f"/api/events/{one}/forecast", zone="Lower").json()
    yield "list_comparables", get(f"/api/events/{new}/comparables").json()
    yield "list_market_trends", get("/api/market/trends").json()
    yield "get_forecast_skill", get("/api/forecast-skill").json()


def _answered(get: Ask, full: object, bare: object) -> Iterator[Answer]:
    def json(path: str, **parameters: Any) -> Any:
        answer = get(path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    for limit in (1, 50):
        yield "list_events", json("/api/events", limit=limit)
    for event in (full, bare):
        yield "get_event", json(f"/api/events/{event}")
        yield "list_zones", json(f"/api/events/{event}/zones")
        yield "get_latest_prices", json(f"/api/events/{event}/latest")
        for name in ("price-trends", "group-prices", "ticket-counts"):
            for more in ({"fill": True}, {"granularity": "day", "limit": 1}):
                yield f"get_{name.replace('-', '_')}", json(f"/api/analytics/{name}", event_id=event, **DAY, **more)
        for operation, name in _OF_ZONES.items():
            for asked in ({"limit": 1}, {} if name == "days-on-market" else {"fill": True}):
                yield operation, json(f"/api/events/{event}/{name}", **DAY, **asked)
    yield "get_price_trends", json("/api/analytics/price-trends", event_id=full, zone="Lower", basis="all_in", **DAY)
    for operation, name in _OF_ZONES.items():
        yield operation, json(f"/api/events/{full}/{name}", zone="Lower", **DAY)
    for name in ("group-prices", "ticket-counts"):
        yield f"get_{name.replace('-', '_')}", json(f"/api/analytics/{name}", event_id=full, zone="Lower", **DAY)


def _listed(get: Ask, one: object, two: object) -> Iterator[Answer]:
    for path in (f"{one}/listings?zone=Lower&tickets=2", f"{one}/listings?limit=1", f"{two}/listings"):
        yield "list_listings", get(f"/api/events/{path}").json()
    for path in (
        f"{one}/listings/101-0/history?limit=1",
        f"{one}/listings/101-1/history",
        f"{two}/listings/1-0/history",
    ):
        yield "get_listing_history", get(f"/api/events/{path}").json()
    # the one with an all-in price
    yield "get_listing_history", get(f"/api/events/{one}/listings/101-0/history").json()


def _across(get: Ask, one: object, seven: object) -> Iterator[Answer]:
    for event in (one, seven):
        yield "list_across_markets", get(f"/api/events/{event}/across-markets").json()
        for asked in ({"fill": True}, {"limit": 1, "fill": True}):
            yield "get_price_spread", get(f"/api/events/{event}/price-spread", **DAY, **asked).json()
        yield "list_shared_offers", get(f"/api/events/{event}/shared-offers").json()


def _links(get: Ask) -> Iterator[Answer]:
    for asked in ({}, {"limit": 1}, {"state": "ended"}):
        yield "list_links", get("/api/links", **asked).json()


def _of_all(get: Ask) -> Iterator[Answer]:
    for asked in ({"limit": 1}, {"sort": "name"}, {"sort": "-name", "tickets": 1}):
        yield "list_board", get("/api/board", **asked).json()
    for asked in ({"limit": 1}, {"days": 1}):
        yield "list_movers", get("/api/movers", **asked).json()


def _sold(get: Ask, *events: object) -> Iterator[Answer]:
    for event in events:
        yield "get_primary_and_resale", get(f"/api/events/{event}/primary-and-resale").json()
    for event in (7, 8):
        yield "get_event_sales", get(f"/api/sales/{event}").json()


def test_the_document_is_valid_openapi(document: Document) -> None:
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    broken = copy.deepcopy(document)
    broken["paths"]["/api/events"]["get"]["parameters"][0]["in"] = "nowhere"
    assert list(OpenAPIV31SpecValidator(broken).iter_errors())


def test_every_answer_has_the_fields_that_are_described_and_null_where_it_may_be(
    document: Document, answered: list[Answer]
) -> None:
    assert faults(document, answered) == []
    asked = {operation_id for operation_id, _ in answered}
    described = {name for name, (path, _) in operations(document).items() if path.startswith("/api/")}
    described -= {name for name, (path, _) in operations(document).items() if path.startswith(SELLING)}
    described -= {name for name, (path, _) in operations(document).items() if path.startswith(ALERTS)}
    assert described - asked == {"stream_latest_prices"}  # its data is that of get_latest_prices


@pytest.mark.parametrize(
    ("breaking", "fault"),
    [
        (lambda row, fields: row.update(price=row.pop("lowest_price")), "EventDetail.price is answered and not"),
        (lambda row, fields: fields.update(price=fields.pop("lowest_price")), "EventDetail.price is described and not"),
        (lambda row, fields: row.update(zones="6"), "is not of type"),
        (lambda row, fields: row.update(id="one"), "uuid"),
        (lambda row, fields: row.update(last_ok_at="noon"), "not valid under any"),
        (lambda row, fields: row.update(name=None), "is not of type"),
        (lambda row, fields: fields.update(name={"anyOf": [{"type": "string"}, {"type": "null"}]}), "never a null"),
        (lambda row, fields: fields.update(city={"type": "string"}), "is not of type"),
    ],
)
def test_control_a_field_renamed_or_changed_in_the_answer_or_in_the_schema_is_found(
    document: Document, breaking: Callable[[Any, Any], None], fault: str
) -> None:
    changed = copy.deepcopy(document)
    example = operations(changed)["get_event"][1]["responses"]["200"]["content"]["application/json"]["example"]
    bare = example | dict.fromkeys(name for name, of in _fields(document, "EventDetail").items() if "anyOf" in of)
    assert faults(document, [("get_event", example), ("get_event", bare)]) == []
    breaking(example, _fields(changed, "EventDetail"))
    assert fault in "\n".join(faults(changed, [("get_event", example), ("get_event", bare)]))


def _fields(document: Document, name: str) -> dict[str, Any]:
    return dict.__getitem__(document["components"]["schemas"][name], "properties")


def test_csv_and_parquet_have_the_same_fields_in_the_same_order(
    document: Document, ask: Callable[[str], Ask], connection: Connection
) -> None:
    connection.execute(ADD_SOLD)
    get, event = ask(EVERYONE), id_of(connection, "1")
    for name, (path, operation) in operations(document).items():
        if list(success(operation)) == FORMATS:
            asks = operation.get("parameters", [])
            needed = {one["name"]: event for one in asks if one["required"] and one["in"] == "query"}
            of_event = 7 if path.startswith("/api/sales/") else event
            at = path.format(event_id=of_event, listing_id="101-0")
            answers = [get(at, {"accept": kind}, **needed) for kind in FORMATS[1:]]
            header = next(csv.reader(io.StringIO(answers[0].text)))
            assert answers[1].status_code == 200, (at, answers[1].text)
            columns = pq.read_schema(io.BytesIO(answers[1].content)).names
            of = schema_of(document, name)
            row = _fields(document, of).get("data", {}).get("items", {"$ref": of})["$ref"].rpartition("/")[2]
            assert header == columns == list(_fields(document, row)), name


def test_everything_is_named_and_described_with_an_example(document: Document) -> None:
    for name, (path, operation) in operations(document).items():
        if path.startswith(SELLING):
            continue  # box_office/test_openapi
        if path.startswith(ALERTS):
            assert re.fullmatch(r"(list|get|add|change|remove|verify|preview|test)_alerts?(_[a-z]+)?", name)
            continue  # test_alerts compares its answers
        assert re.fullmatch(r"(list|get|stream)_[a-z_]+", name)
        assert operation["description"]
        for parameter in operation.get("parameters", ()):
            schema = parameter["schema"]
            assert parameter["description"], (name, parameter["name"])
            assert {"type": "null"} not in schema.get("anyOf", ()), "a query has no null"
            assert schema.keys() & {"examples", "default", "enum"} or parameter["name"] == "cursor", parameter
        if path.startswith("/api/"):
            assert operation["security"] == [{"key": []}, {"bearer": []}]
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                if status >= "400":
                    (problem,) = content.items()
                    assert problem[0] == "application/problem+json"
                    assert errors(document, "Problem", problem[1]["example"]) == []
                elif status == "200" and name != "stream_latest_prices":
                    assert list(content) == FORMATS
                    assert errors(document, schema_of(document, name), content[FORMATS[0]]["example"]) == []
                    assert all(content[kind]["schema"]["description"] for kind in FORMATS[1:])
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name
        for field, described in schema["properties"].items():
            assert field in ("data", "errors") or described["description"], (name, field)


def test_every_refusal_is_a_problem_as_described(
    document: Document, ask: Callable[[str], Ask], connection: Connection, service: str
) -> None:
    get, event = ask(EVERYONE), id_of(connection, "1")
    refused: list[httpx.Response] = [
        httpx.get(f"{service}/api/events"),
        get("/api/events/00000000-0000-0000-0000-000000000000"),
        get("/api/events", {"accept": "image/png"}),
        get("/api/events", limit=0),
        get("/api/analytics/price-trends", event_id=event, zone="Nowhere"),
    ]
    assert [answer.status_code for answer in refused] == [401, 404, 406, 422, 404]
    for answer in refused:
        assert answer.headers["content-type"] == "application/problem+json"
        assert errors(document, "Problem", answer.json()) == []
        assert answer.json().keys() <= _fields(document, "Problem").keys()
    assert refused[3].json()["errors"][0].keys() == _fields(document, "InvalidParameter").keys()


def test_what_the_version_promises_is_kept_and_what_is_new_is_written_down(document: Document) -> None:
    promised = json.loads(PROMISED.read_text())
    now = promise(document)
    assert breaks(promised, now) == [], "This breaks programs: it needs the next version, and 90 days before it."
    assert now == promised, (
        "Something is new. Raise VERSION's second number in serving/openapi/__init__.py, add a line to the changes in "
        f"docs/api.md, and run: python -m tests.support.api_promise > {PROMISED.relative_to(ROOT)}"
    )
    changes = (ROOT / "docs" / "api.md").read_text().partition("| version | changes |")[2]
    assert changes.splitlines()[2].startswith(f"| {document['info']['version']} |")


@pytest.mark.parametrize(
    ("breaking", "told"),
    [
        (lambda to: to["paths"].pop("/health"), "get_health /health: application/json is no longer Health"),
        (lambda to: _parameter(to, "limit").update(name="most"), "limit is no longer integer"),
        (lambda to: _parameter(to, "limit")["schema"].update(default=10), "limit is no longer default 50"),
        (lambda to: _parameter(to, "city").update(required=True), "city is now required"),
        (lambda to: _parameter(to, "sort")["schema"]["enum"].remove("name"), "sort is no longer 'name'"),
        (lambda to: _fields(to, "EventZone").pop("sections"), "EventZone: sections is no longer list of string"),
        (lambda to: _fields(to, "EventZone").update(zone={"type": "integer"}), "EventZone: zone is no longer string"),
        (lambda to: _fields(to, "Event").update(name=_fields(to, "Event")["city"]), "Event: name is now null"),
        (lambda to: _parameter(to, "limit")["schema"].update(enum=[1, 2]), "limit is no longer integer"),
    ],
)
def test_control_what_breaks_the_promise_is_told(
    document: Document, breaking: Callable[[Any], None], told: str
) -> None:
    broken = copy.deepcopy(document)
    breaking(broken)
    assert told in "\n".join(breaks(promise(document), promise(broken)))


def test_control_what_is_new_breaks_nothing(document: Document) -> None:
    more = copy.deepcopy(document)
    more["paths"]["/api/new"] = {"get": {**more["paths"]["/health"]["get"], "operationId": "list_new"}}
    _parameter(more, "sort")["schema"]["enum"].append("venue")
    _fields(more, "Event")["colour"] = {"type": "string"}
    assert breaks(promise(document), promise(more)) == []
    assert promise(document) != promise(more)


def _parameter(document: Document, name: str) -> Any:
    return next(one for one in document["paths"]["/api/events"]["get"]["parameters"] if one["name"] == name)
