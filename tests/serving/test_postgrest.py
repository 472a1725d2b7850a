"""What schema `api` promises, asked of a real PostgREST with the settings of docs/supabase.md, and by supabase-js."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from tests.serving.test_access import OF_THE_MARKET, UNSAID
from tests.support.databases import fresh_database, use_database
from tests.support.postgrest import documented, postgrest, token
from tests.support.served_market import EVERYONE, LEFT, RIGHT, id_of
from tests.support.tools import NODE_FOLDER, needs_postgrest, needs_supabase_js
from tickettape.api_schema import SERVED_RELATIONS, apply_api_schema, create_key, list_tenants, revoke_key
from tickettape.api_schema.apply import OF_THE_BOX_OFFICE
from tickettape.database import Connection, Warehouse
from tickettape.settings import Settings

pytestmark = needs_postgrest

DAY = "start_date=2026-11-20&end_date=2026-11-21"
UNDECIDED = ("estimated_sales", "sale_probabilities", "days_on_market")  # nothing has been gone for long enough
UNLINKED = ("get_in_prices_across",)  # test_across_markets has events of several sources
OF_ALERTS = ("alert_rules", "alert_destinations", "alert_history")


class Api:
    """PostgREST on the served market, the market itself, and a key of each tenant."""

    def __init__(self, url: str, connection: Connection) -> None:
        self.client = httpx.Client(base_url=url, timeout=60)
        self.connection = connection
        self.keys = {tenant: create_key(connection, tenant) for tenant in (LEFT, RIGHT, EVERYONE)}
        self.tenants = {one.name: str(one.tenant_id) for one in list_tenants(connection)}
        self.one, self.two = id_of(connection, "1"), id_of(connection, "2")

    def get(self, path: str, tenant: str | None = None, **headers: str) -> httpx.Response:
        """GET a path, with the key of a tenant."""
        key = {"x-api-key": self.keys[tenant]} if tenant else {}
        return self.client.get(path, headers=key | {name.replace("_", "-"): value for name, value in headers.items()})

    def claim(self, path: str, **claims: object) -> httpx.Response:
        """GET a path with a token that has these claims."""
        return self.get(path, authorization=f"Bearer {token(**claims)}")

    def sql(self, question: str, *values: object) -> list[dict[str, Any]]:
        """The rows that SQL answers, as JSON has them."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(f"select to_jsonb(asked) as answer from ({question}) as asked", values)
            return [row["answer"] for row in cursor]


@pytest.fixture(scope="module")
def database(server_url: str, template: str) -> Iterator[str]:
    """The served market, PostgREST's documented roles and settings, Supabase's other roles, and schema api."""
    with psycopg.connect(server_url, autocommit=True) as superuser:
        superuser.execute(documented("sql", "create role authenticator"))
        superuser.execute("create role authenticated; create role service_role bypassrls")
        superuser.execute("grant authenticated, service_role to authenticator")
        superuser.execute(documented("sql", "alter role authenticator"))
        try:
            with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
                use_database(patch, url)
                with Warehouse().connection() as connection:
                    apply_api_schema(connection, Settings())
                yield url
        finally:
            superuser.execute("drop role authenticator, anon, authenticated, service_role")


@pytest.fixture(scope="module")
def api(database: str) -> Iterator[Api]:
    """PostgREST on that market; tests leave both as they find them."""
    with postgrest(database) as url, psycopg.connect(database, autocommit=True) as connection:
        yield Api(url, connection)


def test_every_view_shows_a_tenant_its_own_rows_by_key_and_by_token_v1(api: Api) -> None:
    # the 30 days of price_trends end now, this market is of one day
    days = "interval '1 day' * (current_date - date '2026-11-21')"
    api.connection.execute(f"update analytics.aggregated_analytics set hour = hour + {days}")
    try:
        for view in sorted({*SERVED_RELATIONS} - {*OF_THE_MARKET}):
            column = "id" if view == "events" else "event_id"
            there = {UUID(row[column]) for row in api.sql(f"select {column} from analytics.{view}")}
            assert api.one in there or view in (*UNDECIDED, *UNLINKED, *UNSAID), view
            path = f"/{view}?select={column}"
            for tenant, events in ((LEFT, {api.one}), (RIGHT, {api.two}), (EVERYONE, {api.one, api.two})):
                claims = {"role": "tickettape_reader", "tenant": api.tenants[tenant]}
                for answer in (api.get(path, tenant), api.claim(path, **claims)):
                    assert {UUID(row[column]) for row in answer.json()} == events & there, view
            for nobody in (api.get(path), api.claim(path, role="tickettape_reader", tenant=str(uuid4()))):
                assert (nobody.status_code, nobody.json()) == (200, []), view
    finally:
        api.connection.execute(f"update analytics.aggregated_analytics set hour = hour - {days}")


def test_every_function_answers_as_in_sql_by_get_and_by_post(api: Api) -> None:
    series = {"event_id": str(api.one), "start_date": "2026-11-20", "end_date": "2026-11-21", "fill": True}
    questions: dict[str, dict[str, Any]] = {
        "price_trends": series | {"basis": "all_in", "granularity": "day"},
        "group_prices": series | {"zone": "Upper"},
        "ticket_counts": series | {"max_rows": 3},
        "get_in": series | {"granularity": "day"},
        "price_distribution": series | {"max_rows": 3},
        "inventory_changes": series | {"zone": "Upper"},
        "estimated_sales": series,
        "listings": {"event_id": str(api.one), "at": "2026-11-20T12:05:00Z", "zone": "Lower", "tickets": 2},
        "listing_history": {"event_id": str(api.one), "listing_id": "101-0"},
        "board": {"search": "EVENING", "sort": "-price"},
        "events": {"search": "EVENING", "city": "chicago"},
        "event": {"id": str(api.one)},
        "zones": {"event_id": str(api.one)},
        "latest_prices": {"event_id": str(api.one)},
    }
    for function, arguments in questions.items():
        named = ", ".join(f"{name} => %s" for name in arguments)
        expected = api.sql(f"select * from api.{function}({named})", *arguments.values())
        assert expected, function
        as_text = {name: str(value).lower() if value is True else str(value) for name, value in arguments.items()}
        headers = {"x-api-key": api.keys[LEFT]}
        by_get = api.client.get(f"/rpc/{function}", params=as_text, headers=headers)
        by_post = api.client.post(f"/rpc/{function}", json=arguments, headers=headers)
        assert by_get.json() == by_post.json() == expected, function
    version = api.get(f"/rpc/data_version?event_id={api.one}", LEFT).json()
    assert [{"data_version": version}] == api.sql("select api.data_version(%s)", api.one)


def test_filters_order_ranges_counts_and_embedded_rows(api: Api) -> None:
    path = f"/aggregated_analytics?select=zone,hour&event_id=eq.{api.one}&order=hour.desc,zone"
    rows = api.get(path, LEFT).json()
    assert len(rows) == 5
    assert rows == sorted(sorted(rows, key=lambda row: row["zone"]), key=lambda row: row["hour"], reverse=True)
    page = api.get(path, LEFT, range_unit="items", range="1-2", prefer="count=exact")
    assert (page.status_code, page.headers["content-range"], page.json()) == (206, "1-2/5", rows[1:3])
    assert api.get(f"{path}&limit=2&offset=1", LEFT).json() == rows[1:3]
    assert api.get(f"{path}&offset=9", LEFT, prefer="count=exact").status_code == 416
    counted = api.get("/aggregated_analytics?limit=1", prefer="count=exact")
    assert (counted.headers["content-range"], counted.json()) == ("*/0", [])
    csv = api.get("/events?select=name", LEFT, accept="text/csv")
    assert csv.text.splitlines() == ["name", '"An evening"']
    embedded = api.get("/events?select=name,latest_prices(zone)", LEFT).json()
    assert embedded == [{"name": "An evening", "latest_prices": [{"zone": "Lower"}, {"zone": "Upper"}]}]


def test_what_cannot_be_answered_is_a_4xx_that_says_why(api: Api) -> None:
    trends = f"/rpc/price_trends?event_id={api.one}"
    for path, status, code in (
        (f"/rpc/price_trends?event_id={api.two}&{DAY}", 404, "PT404"),
        (f"{trends}&{DAY}&zone=Nowhere", 404, "PT404"),
        (f"{trends}&start_date=2026-11-21&end_date=2026-11-20", 422, "PT422"),
        (f"{trends}&{DAY}&granularity=week", 422, "PT422"),
        (f"{trends}&{DAY}&basis=net", 422, "PT422"),
        (f"{trends}&{DAY}&max_rows=10001", 422, "PT422"),
        (f"{trends}&start_date=2024-01-01&end_date=2026-11-21&granularity=hour&zone=Upper&fill=true", 422, "PT422"),
        ("/rpc/price_trends?event_id=5", 400, "22P02"),
        (f"{trends}&colour=red", 404, "PGRST202"),
        ("/events?select=colour", 400, "42703"),
        ("/api_keys", 404, "42P01"),
        ("/rpc/enter", 404, "PGRST202"),
        ("/rpc/check_request", 404, "PGRST202"),
    ):
        answer = api.get(path, LEFT)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
        assert answer.json()["message"], path
    assert api.get("/tenants", EVERYONE, accept_profile="access").status_code == 406
    assert api.get("/events", EVERYONE, accept="application/vnd.pgrst.plan").status_code == 415


def test_nobody_writes(api: Api) -> None:
    before = api.sql("select * from market.events order by id")
    reader = {"authorization": f"Bearer {token(role='tickettape_reader', tenant=api.tenants[EVERYONE])}"}
    for headers, status in (({"x-api-key": api.keys[EVERYONE]}, 401), (reader, 403)):
        for verb, body in (("POST", {"name": "x"}), ("PATCH", {"name": "x"}), ("DELETE", None)):
            answer = api.client.request(verb, f"/events?id=eq.{api.one}", json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (status, "42501"), verb
    assert api.sql("select * from market.events order by id") == before


def test_a_key_that_is_unknown_or_revoked_is_401_v1(api: Api) -> None:
    key = create_key(api.connection, LEFT)
    for path in ("/events", f"/rpc/latest_prices?event_id={api.one}", "/"):
        assert api.get(path, x_api_key=key).status_code == 200
        assert api.get(path, x_api_key="tt_unknown").status_code == 401
    revoke_key(api.connection, key)
    refused = api.get("/events", x_api_key=key)
    assert refused.status_code == 401
    assert "revoked" in refused.json()["message"]


def test_a_token_counts_for_what_it_says_and_only_when_signed_v1(api: Api) -> None:
    mine, anon = api.tenants[LEFT], {"role": "anon"}
    assert len(api.claim("/events", **anon, tenant=mine).json()) == 1
    assert len(api.claim("/events", role="authenticated", tenant=mine).json()) == 1
    for other in ("acme", 5, {"id": mine}, None, ""):  # a tenant of somebody else's
        answer = api.claim("/events", **anon, tenant=other)
        assert (answer.status_code, answer.json()) == (200, []), other
        both = api.get("/events", LEFT, authorization=f"Bearer {token(**anon, tenant=other)}")
        assert [row["id"] for row in both.json()] == [str(api.one)], other
    forged = token(role="tickettape_reader", tenant=mine)[:-4] + "AAAA"
    assert api.get("/events", authorization=f"Bearer {forged}").status_code == 401
    assert api.claim("/events", role="postgres").status_code == 403


def test_supabases_service_role_sees_every_event(api: Api) -> None:
    assert len(api.claim("/events", role="service_role").json()) == 2
    assert api.claim(f"/rpc/ticket_counts?event_id={api.two}&{DAY}", role="service_role").json()


def test_the_planners_estimate_of_hidden_rows_is_refused_whatever_the_headers_and_settings(
    api: Api, database: str
) -> None:
    refused = (400, "Ask for count=exact.")
    planned, key = ("prefer", "count=planned"), ("x-api-key", api.keys[LEFT])
    with (
        postgrest(database, db_config="false", db_max_rows="1", db_plan_enabled="true") as url,
        httpx.Client(base_url=url) as careless,
    ):
        for view in SERVED_RELATIONS:
            # PostgREST obeys the first header, and SQL sees the last
            for headers in ([planned], [planned, key], [planned, ("prefer", "count=exact")]):
                for client in (api.client, careless):
                    answer = client.get(f"/{view}?limit=1", headers=headers)
                    assert (answer.status_code, answer.json()["hint"]) == refused, (view, headers)
                    assert "content-range" not in answer.headers
            plan = careless.get(f"/{view}", headers={"accept": "application/vnd.pgrst.plan+json"})
            assert (plan.status_code, plan.json().get("hint")) == refused, view
        beyond = careless.get("/aggregated_analytics", headers=[("prefer", "count=estimated"), key])
        assert (beyond.status_code, beyond.json()["hint"]) == refused
    assert api.get("/rpc/events", LEFT, prefer="count=planned").headers["content-range"] == "0-0/*"
    # up to the maximum number of rows this is exact, and so about visible rows
    for tenant, seen in ((None, 0), (LEFT, 5)):
        estimated = api.get("/aggregated_analytics?limit=1", tenant, prefer="count=estimated")
        assert estimated.headers["content-range"].endswith(f"/{seen}")


def test_a_statement_that_takes_too_long_is_stopped_whoever_asks_v4(api: Api, database: str) -> None:
    claims = {"tenant": api.tenants[LEFT]}
    apply_api_schema(api.connection, Settings(statement_seconds=0.3))
    try:
        with psycopg.connect(database) as holding:
            holding.execute("lock table analytics.latest_prices in access exclusive mode")
            for role in ("anon", "authenticated", "tickettape_reader"):
                slow = api.claim("/latest_prices", role=role, **claims)
                assert (slow.status_code, slow.json()["code"]) == (500, "57014"), role
            slow = api.get("/latest_prices", LEFT)
            assert (slow.status_code, slow.json()["code"]) == (500, "57014")
        assert api.claim("/latest_prices", role="anon", **claims).status_code == 200
    finally:
        apply_api_schema(api.connection, Settings())
    assert api.claim("/latest_prices", role="anon", **claims).status_code == 200


def test_openapi_names_what_is_served_and_nothing_else(api: Api) -> None:
    root = api.get("/").json()
    functions = {
        row["proname"] for row in api.sql("select proname from pg_proc where pronamespace = 'api'::regnamespace")
    }
    assert set(root["paths"]) == {
        "/",
        *(f"/{view}" for view in (*SERVED_RELATIONS, *OF_THE_BOX_OFFICE, *OF_ALERTS)),
        *(f"/rpc/{one}" for one in functions),
    }
    assert root["info"]["title"] == "Tickettape"
    assert root["paths"]["/rpc/zones"]["get"]["summary"].startswith("The zones of an event")
    (argument,) = [one for one in root["paths"]["/rpc/zones"]["get"]["parameters"] if one.get("name") == "event_id"]
    assert (argument["required"], argument["format"]) == (True, "uuid")


@pytest.fixture
def unconfigured(api: Api) -> Iterator[None]:
    """A database in which the documented settings of PostgREST are not set yet."""
    api.connection.execute("alter role authenticator reset all")
    yield
    api.connection.execute(documented("sql", "alter role authenticator"))


@pytest.mark.usefixtures("unconfigured")
def test_on_supabase_the_documented_statements_turn_the_check_on_and_raise_the_cap(api: Api, database: str) -> None:
    path, mine, unknown = "/aggregated_analytics", {"x-api-key": api.keys[LEFT]}, {"x-api-key": "tt_unknown"}
    with postgrest(database, db_max_rows="3") as url, httpx.Client(base_url=url) as client:
        assert client.get(path, headers=unknown).json() == []
        assert len(client.get(path, headers=mine).json()) == 3
        api.connection.execute(documented("sql", "alter role authenticator"))
        deadline = time.monotonic() + 10
        while client.get(path, headers=unknown).status_code != 401:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert len(client.get(path, headers=mine).json()) == 5


@pytest.fixture
def long_history(api: Api) -> Iterator[int]:
    """2500 rows of an event in a view; how many."""
    rows = "analytics.aggregated_analytics where event_id = %s and hour < '2026-11-01'"
    api.connection.execute(
        """insert into analytics.aggregated_analytics
           select (jsonb_populate_record(known, jsonb_build_object('hour', hours.at))).*
           from analytics.aggregated_analytics as known,
               generate_series(timestamptz '2026-11-01' - interval '2500 hours', '2026-10-31 23:00', '1 hour')
                   as hours (at)
           where known.event_id = %s and known.zone = 'Lower' and known.hour = '2026-11-20 12:00Z'""",
        [api.one],
    )
    yield len(api.sql(f"select * from {rows}", api.one))
    api.connection.execute(f"delete from {rows}".encode(), [api.one])


@needs_supabase_js
@pytest.mark.usefixtures("unconfigured")
def test_where_supabase_cuts_at_1000_rows_the_documented_loop_reads_all_and_others_are_told(
    api: Api, database: str, long_history: int
) -> None:
    assert long_history == 2500
    with postgrest(database, db_max_rows="1000") as url:
        capped = {"SUPABASE_URL": url}
        rows = json.loads(
            _sample(api, documented("js", "async function readAll") + "console.log(JSON.stringify(hours))", **capped)
        )
        expected = "select * from analytics.aggregated_analytics where event_id = %s order by hour, zone"
        assert rows == api.sql(expected, api.one)
        with pytest.raises(AssertionError, match="Only 1000 of 2505 rows"):
            _sample(api, "", start="2026-01-01", **capped)
        with httpx.Client(base_url=url, headers={"x-api-key": api.keys[LEFT]}) as client:
            path = f"/aggregated_analytics?event_id=eq.{api.one}"
            part = client.get(path, headers={"prefer": "count=exact"})
            assert (part.status_code, part.headers["content-range"]) == (206, "0-999/2505")
            assert client.get(path).headers["content-range"] == "0-999/*"
            trends = f"/rpc/price_trends?event_id={api.one}&zone=Lower&start_date=2026-01-01&granularity=hour"
            refused = client.get(trends)
            assert (refused.status_code, refused.json()["code"]) == (422, "PT422")
            assert "more than 1000 rows" in refused.json()["message"]
            assert client.get(f"{trends}&max_rows=1001").status_code == 422
            assert len(client.get(f"{trends}&max_rows=1000").json()) == 1000


def test_functions_return_as_many_rows_as_the_databases_setting_lets_postgrest(api: Api, long_history: int) -> None:
    question = f"/rpc/price_trends?event_id={api.one}&start_date=2026-01-01&granularity=hour"
    assert len(api.get(question, LEFT).json()) == long_history + 5
    name = api.connection.info.dbname
    api.connection.execute(f"alter role authenticator in database {name} set pgrst.db_max_rows = '2504'".encode())
    try:
        assert "more than 2504 rows" in api.get(question, LEFT).json()["message"]
    finally:
        api.connection.execute(f"alter role authenticator in database {name} reset all".encode())


@needs_supabase_js
def test_supabase_js_reads_what_sql_reads(api: Api) -> None:
    answers = json.loads(_node("read_market.js", api, EVENT_ID=str(api.one)))
    data = {name: answer["data"] for name, answer in answers.items()}
    event = "where event_id = %s"
    assert data["events"] == api.sql("select id, name, currency from analytics.events where id = %s", api.one)
    assert data["latest_prices"] == api.sql(
        f"select zone, lowest_price, total_tickets from analytics.latest_prices {event} order by lowest_price", api.one
    )
    hours = api.sql(
        f"select zone, hour, min_price from analytics.aggregated_analytics {event} order by hour desc, zone", api.one
    )
    assert (data["second_page"], answers["second_page"]["count"]) == (hours[2:4], len(hours))
    assert answers["cheap_hours"]["count"] == len([hour for hour in hours if hour["min_price"] < 45]) > 0
    assert data["event_and_its_zones"] == {
        "name": "An evening", "latest_prices": [{"zone": "Lower"}, {"zone": "Upper"}]
    }  # fmt: skip
    assert data["price_trends"] == api.sql(
        """select * from api.price_trends(%s, 'Upper', '2026-11-20', '2026-11-21') order by "timestamp" desc""", api.one
    )
    assert len(data["price_trends"]) == 2
    refused = answers["no_such_event"]
    assert (refused["status"], refused["data"]) == (404, None)
    assert refused["hint"]
    assert (answers["an_estimate"]["status"], answers["an_estimate"]["hint"]) == (400, "Ask for count=exact.")


@needs_supabase_js
def test_the_documented_sample_runs_as_it_stands(api: Api) -> None:
    hours, error, trends = json.loads(_sample(api, "console.log(JSON.stringify([data, error, trends.data]));"))
    assert error is None
    assert [hour["hour"] for hour in hours] == sorted(hour["hour"] for hour in hours)
    assert len(hours) == 5
    assert {trend["zone"] for trend in trends} == {"Lower"}


def _sample(api: Api, then: str, start: str = "2026-11-20", **more: str) -> str:
    """What the documented sample prints, with more code after it."""
    sample = f"""
        const [eventId, startDate, endDate] = ['{api.one}', '{start}', '2026-11-21'];
        const direct = fetch;  // Supabase's gateway has PostgREST under /rest/v1
        globalThis.fetch = (url, options) => direct(String(url).replace('/rest/v1', ''), options);
        {documented("js", "import").replace("Lower Bowl", "Lower")}
        {then}"""
    return _node("--input-type=module", api, sample, **more)


def _node(script: str, api: Api, source: str | None = None, **more: str) -> str:
    """What a script prints, in the folder that has supabase-js."""
    url, anon, key = str(api.client.base_url), token(role="anon"), api.keys[LEFT]
    environment = {"POSTGREST_URL": url, "ANON_KEY": anon, "TICKETTAPE_KEY": key}
    environment |= {"SUPABASE_URL": url, "SUPABASE_ANON_KEY": anon, "PATH": os.environ["PATH"]} | more
    done = subprocess.run(
        ["node", script], cwd=NODE_FOLDER, input=source, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_price_alerts_are_read_and_written_by_their_tenant_alone(api: Api) -> None:
    rule = {"name": "x", "scope": "event", "event_id": str(api.one), "condition": "below", "price": 100}
    reader = {
        tenant: {"authorization": f"Bearer {token(role='tickettape_reader', tenant=api.tenants[tenant])}"}
        for tenant in (LEFT, RIGHT)
    }
    made = api.client.post("/alert_rules", json=rule, headers=reader[LEFT] | {"prefer": "return=representation"})
    assert made.status_code == 201, made.text
    (stored,) = made.json()
    try:
        path = f"/alert_rules?rule_id=eq.{stored['rule_id']}"
        assert [one["rule_id"] for one in api.get("/alert_rules", LEFT).json()] == [stored["rule_id"]]
        assert api.get("/alert_rules", RIGHT).json() == []
        for verb, body in (("PATCH", {"paused": True}), ("DELETE", None)):
            headers = reader[RIGHT] | {"prefer": "return=representation"}
            assert api.client.request(verb, path, json=body, headers=headers).json() == []
        refused = api.client.post("/alert_rules", json=rule, headers=reader[RIGHT])
        assert (refused.status_code, refused.json()["message"]) == (422, "There is no such event.")
        moved = api.client.patch(path, json={"tenant_id": api.tenants[RIGHT]}, headers=reader[LEFT])
        assert moved.status_code == 400
        for view in ("alert_history", "alert_destinations"):
            assert api.get(f"/{view}", LEFT).json() == []
        changed = api.client.patch(path, json={"paused": True}, headers=reader[LEFT])
        assert changed.status_code == 204
        assert api.get(path, LEFT).json()[0]["paused"] is True
    finally:
        api.connection.execute("delete from price_alerts.rules")
