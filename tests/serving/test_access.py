"""Who may ask, and what they see: over HTTP, over one pooled connection, and as PostgREST asks."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.support.markets import NOON
from tests.support.packed_history import packed
from tests.support.reader_questions import as_postgrest, claims_of
from tests.support.served_market import EVERYONE, LEFT, RIGHT, Ask, id_of, serving
from tickettape.api_schema import (
    SERVED_RELATIONS,
    create_key,
    revoke_key,
    unwatch_events,
    watch_events,
)
from tickettape.database import Connection
from tickettape.settings import Settings

VIEWS = SERVED_RELATIONS


def paths_of(event: object) -> list[str]:
    day = "start_date=2026-11-20&end_date=2026-11-20"
    return [
        f"/api/events/{event}",
        f"/api/events/{event}/zones",
        f"/api/events/{event}/latest",
        *(f"/api/events/{event}/{n}?{day}" for n in ("get-in", "price-distribution", "inventory-changes")),
        *(f"/api/events/{event}/{n}?{day}" for n in ("estimated-sales", "days-on-market")),
        f"/api/events/{event}/listings",
        *(f"/api/events/{event}/{n}" for n in ("across-markets", "shared-offers")),
        f"/api/events/{event}/price-spread?{day}",
        *(f"/api/analytics/{n}?event_id={event}&{day}" for n in ("price-trends", "group-prices", "ticket-counts")),
    ]


def test_without_a_valid_key_every_path_is_401_v1(service: str, connection: Connection) -> None:
    revoked = create_key(connection, EVERYONE)
    revoke_key(connection, revoked)
    event = id_of(connection, "1")
    with httpx.Client(base_url=service) as client:
        for path in [*paths_of(event), f"/api/events/{event}/stream", "/api/events", "/api/nowhere"]:
            for headers in ({}, {"x-api-key": "tt_unknown"}, {"x-api-key": revoked}, {"x-api-key": ""}):
                for verb in ("GET", "POST", "HEAD", "OPTIONS"):
                    answer = client.request(verb, path, headers=headers)
                    assert answer.status_code == 401, (verb, path, headers)
                    assert "www-authenticate" in answer.headers


def test_a_revoked_key_is_refused_at_once_though_it_was_just_in_use_v1(service: str, connection: Connection) -> None:
    key, event = create_key(connection, EVERYONE), id_of(connection, "1")
    with httpx.Client(base_url=service, headers={"authorization": f"Bearer {key}"}) as client:
        first = client.get(f"/api/events/{event}")
        assert first.status_code == 200
        revoke_key(connection, key)
        for path in paths_of(event):
            assert client.get(path, headers={"if-none-match": first.headers["etag"]}).status_code == 401


def test_a_tenant_never_sees_anothers_events_over_one_connection_and_a_cached_answer_v1(
    ask: Callable[[str], Ask], connection: Connection
) -> None:
    left, right, everyone = ask(LEFT), ask(RIGHT), ask(EVERYONE)
    one, two = id_of(connection, "1"), id_of(connection, "2")
    for mine, theirs, own, other in ((left, right, one, two), (right, left, two, one)):
        for path, foreign in zip(paths_of(own), paths_of(other), strict=True):
            seen = mine(path)
            assert seen.status_code == 200
            assert mine(foreign).status_code == 404
            # the one connection has just served the tenant that sees it, and its tag is known
            assert theirs(foreign).status_code == 200
            assert mine(foreign, {"if-none-match": theirs(foreign).headers["etag"]}).status_code == 404
            again = everyone(path, {"if-none-match": seen.headers["etag"]})
            assert again.status_code == 200
            assert again.headers["etag"] != seen.headers["etag"]
        assert [event["id"] for event in mine("/api/events").json()["data"]] == [str(own)]
    assert {event["id"] for event in everyone("/api/events").json()["data"]} == {str(one), str(two)}


def test_after_a_question_that_failed_the_connection_carries_nothing_over_v1(
    ask: Callable[[str], Ask], connection: Connection
) -> None:
    left, right, one = ask(LEFT), ask(RIGHT), id_of(connection, "1")
    for _ in range(3):
        assert left(f"/api/events/{one}").status_code == 200
        assert left(f"/api/analytics/price-trends?event_id={one}&zone=Nowhere").status_code == 404
        assert right(f"/api/events/{one}").status_code == 404


@pytest.mark.race
def test_many_at_once_over_one_connection_see_their_own_v1(ask: Callable[[str], Ask], connection: Connection) -> None:
    tenants = [(ask(LEFT), id_of(connection, "1")), (ask(RIGHT), id_of(connection, "2"))]

    def names(number: int) -> tuple[list[str], str]:
        get, own = tenants[number % 2]
        return [event["id"] for event in get("/api/events").json()["data"]], str(own)

    with ThreadPoolExecutor(8) as pool:
        assert all(seen == [own] for seen, own in pool.map(names, range(80)))


def test_answers_may_be_kept_by_their_own_client_alone(ask: Callable[[str], Ask], connection: Connection) -> None:
    answer = ask(LEFT)(paths_of(id_of(connection, "1"))[-1])
    assert answer.headers["cache-control"] == "private, max-age=300"
    assert "X-API-Key" in answer.headers["vary"]


def test_a_watch_list_holds_from_the_next_request_on(ask: Callable[[str], Ask], connection: Connection) -> None:
    left, two = ask(LEFT), id_of(connection, "2")
    assert left(f"/api/events/{two}").status_code == 404
    watch_events(connection, LEFT, [two])
    assert left(f"/api/events/{two}").status_code == 200
    unwatch_events(connection, LEFT, [two])
    assert left(f"/api/events/{two}").status_code == 404


# nothing has been gone for long enough; made of listing_departures
UNDECIDED = ("estimated_sales", "sale_probabilities", "days_on_market")
UNSAID = ("price_forecasts", "demand_forecasts", "sales_forecasts", "comparables")  # test_forecasts has them
WITHOUT_A_MIDNIGHT = ("zone_days",)  # the hours are moved to today
OF_THE_MARKET = ("forecast_skill", "base_rates", "market_trends", "price_elasticity")  # of no event
UNLINKED = ("get_in_prices_across",)  # test_across_markets has events of several sources


def test_every_view_shows_a_tenant_its_own_rows_to_postgrest_v1(connection: Connection) -> None:
    # the 30 days of price_trends end now, this market is of one day
    connection.execute("update analytics.aggregated_analytics set hour = hour + (now() - '2026-11-21')")
    one, two = id_of(connection, "1"), id_of(connection, "2")
    for view in sorted({*VIEWS} - {*OF_THE_MARKET}):
        column = "id" if view == "events" else "event_id"
        rows = f"select distinct {column} from api.{view}"
        there = {event for (event,) in connection.execute(f"select {column} from analytics.{view}").fetchall()}
        assert one in there or view in (*UNDECIDED, *UNLINKED, *UNSAID, *WITHOUT_A_MIDNIGHT), view
        for tenant, events in ((LEFT, {one}), (RIGHT, {two}), (EVERYONE, {one, two})):
            headers = json.dumps({"x-api-key": create_key(connection, tenant)})
            by_claim = as_postgrest(connection, rows, jwt_claims=claims_of(connection, tenant))
            by_key = as_postgrest(connection, rows, headers=headers)
            assert {event for (event,) in by_claim} == {event for (event,) in by_key} == events & there, view
        for nobody in ({}, {"jwt_claims": json.dumps({"tenant": str(uuid4())})}, {"headers": '{"x-api-key": "tt_no"}'}):
            assert as_postgrest(connection, rows, **nobody) == [], view


def test_the_sample_of_the_seed_and_named_arguments_answer_postgrest(connection: Connection) -> None:
    claims, one = claims_of(connection, LEFT), id_of(connection, "1")
    hours = as_postgrest(
        connection,
        f"""select * from api.aggregated_analytics where event_id = '{one}' and hour >= '2026-11-20'
            and hour <= '2026-11-21' order by hour""",
        jwt_claims=claims,
    )
    assert len(hours) == 5
    named = f"event_id => '{one}', zone => 'Upper', start_date => '2026-11-20', end_date => '2026-11-21'"
    counts = as_postgrest(connection, f"select * from api.ticket_counts({named})", jwt_claims=claims)
    assert [row[3] for row in counts] == [2, 0, 2]
    with pytest.raises(psycopg.Error) as refused:
        as_postgrest(connection, f"select * from api.price_trends({named})", jwt_claims=claims_of(connection, RIGHT))
    assert refused.value.sqlstate == "PT404"  # PostgREST answers with this HTTP status


def test_an_answer_past_the_row_cap_is_refused_and_pages_are_offered_v4(
    connection: Connection, database_url: str
) -> None:
    key, one = create_key(connection, EVERYONE), id_of(connection, "1")
    path = f"/api/analytics/price-trends?event_id={one}&start_date=2026-11-20&end_date=2026-11-20"
    with serving(database_url, Settings(row_cap=3)) as url:
        refused = httpx.get(f"{url}{path}", headers={"x-api-key": key})
        assert refused.status_code == 422
        assert "at most 3 rows" in refused.json()["detail"]
        assert len(httpx.get(f"{url}{path}&limit=3", headers={"x-api-key": key}).json()["data"]) == 3
    question = f"select * from api.price_trends('{one}', null, '2026-11-20', '2026-11-21')"
    with pytest.raises(psycopg.Error, match="more than 3 rows") as raised:
        connection.execute(f"set local tickettape.row_cap = 3; {question}")
    assert raised.value.sqlstate == "PT422"


def test_a_question_that_takes_too_long_is_stopped_and_the_service_goes_on_v4(
    connection: Connection, database_url: str
) -> None:
    key, one = create_key(connection, EVERYONE), id_of(connection, "1")
    with serving(database_url, Settings(statement_seconds=0.3)) as url, httpx.Client(base_url=url) as client:
        headers = {"x-api-key": key}
        assert client.get(f"/api/events/{one}/latest", headers=headers).status_code == 200
        with psycopg.connect(database_url) as holding:
            holding.execute("lock table analytics.latest_prices in access exclusive mode")
            slow = client.get(f"/api/events/{one}/latest", headers=headers)
        assert slow.status_code == 422
        assert "took too long" in slow.json()["detail"]
        assert client.get(f"/api/events/{one}/latest", headers=headers).status_code == 200


def test_packed_snapshots_show_a_tenant_its_own_rows(connection: Connection) -> None:
    rows = """select event_id, timestamp, zone, section, lowest_price, total_tickets
              from api.ticket_snapshots order by 1, 2, 3"""
    asked = [(tenant, claims_of(connection, tenant)) for tenant in (LEFT, RIGHT, EVERYONE)]
    before = {tenant: as_postgrest(connection, rows, jwt_claims=claims) for tenant, claims in asked}
    connection.execute("delete from market.dirty_buckets")
    keys = [key for (key,) in connection.execute("select event_key from market.events order by 1").fetchall()]
    assert packed(connection, keys, NOON.date()) == 8
    assert {tenant: as_postgrest(connection, rows, jwt_claims=claims) for tenant, claims in asked} == before
    assert len(before[EVERYONE]) == len(before[LEFT]) + len(before[RIGHT]) == 8
    assert before[RIGHT]
