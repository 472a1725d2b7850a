"""What was sold is seen by the promoter, by all where the promoter says so, and by nobody who only watches.

By SQL as the reader, over HTTP, and by a real PostgREST.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from tests.support.box_office import BoxOffice
from tests.support.databases import fresh_database, use_database
from tests.support.dbt_runs import run_dbt
from tests.support.postgrest import documented, postgrest
from tests.support.reader_questions import as_postgrest, claims_of
from tests.support.served_market import EVERYONE, LEFT, RIGHT, id_of, serving
from tests.support.tools import needs_postgrest
from tickettape.api_schema import apply_api_schema, create_key, create_tenant, watch_events
from tickettape.box_office.orders import purchase
from tickettape.catalogue import decide_link
from tickettape.database import Warehouse
from tickettape.settings import Settings

PROMOTER = "promoter"
TABLES = ("event_sales_summary", "event_sales_hours", "event_sales_days", "sales_by_hour", "sell_through")


@dataclass
class Sold:
    """A market with a box office: an event of the marketplace that is sold here too, and a key of each tenant."""

    office: BoxOffice
    url: str
    event: str
    own: int
    keys: dict[str, str]

    def get(self, path: str, tenant: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers={"x-api-key": self.keys[tenant], **headers}, timeout=60)

    def publish(self, yes: bool) -> None:
        self.office.do("update stored_events set sales_are_public = %s where id = %s", yes, self.own)


@pytest.fixture(scope="module")
def sold(server_url: str, template: str) -> Iterator[Sold]:
    """Event 1 is watched by LEFT and by its promoter's tenant. RIGHT watches another."""
    with psycopg.connect(server_url, autocommit=True) as superuser:
        superuser.execute(documented("sql", "create role authenticator"))
        superuser.execute(documented("sql", "alter role authenticator"))
        try:
            with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
                use_database(patch, url)
                with Warehouse().connection() as connection:
                    connection.execute("set search_path = box_office, public")
                    office = BoxOffice(url, connection)
                    event = str(id_of(connection, "1"))
                    tenant = create_tenant(connection, PROMOTER, sees_all=False)
                    watch_events(connection, PROMOTER, [id_of(connection, "1")])
                    user = office.user()
                    promoter = office.one(
                        "insert into promoters (user_id, company, tenant_id) values (%s, 'Co', %s) returning id",
                        user, tenant,
                    )  # fmt: skip
                    own = office.event(promoter_id=promoter)
                    purchase(connection, user, own, {office.tier(own, 100, price=35): 4})
                    source = office.one("select source from market.events where id = %s", event)
                    decide_link(connection, ("box_office", str(own)), (source, "1"), "confirmed", "a test")
                    run_dbt("run", "--select", "tag:box_office")
                    apply_api_schema(connection, Settings())
                    keys = {one: create_key(connection, one) for one in (EVERYONE, LEFT, RIGHT, PROMOTER)}
                    with serving(url) as address:
                        yield Sold(office, address, event, own, keys)
        finally:
            superuser.execute("drop role authenticator, anon")


def test_by_http_the_promoter_sees_the_sales_and_who_only_watches_does_not(sold: Sold) -> None:
    path = f"/api/sales/{sold.own}"
    for tenant in (PROMOTER, EVERYONE):
        found = sold.get(path, tenant)
        assert found.status_code == 200, found.text
        body = found.json()
        assert (body["summary"]["tickets_sold"], body["summary"]["net"]) == (4, 140.0)
        assert body["summary"]["currency"] == "USD"
        assert [(hour["tier"], hour["tickets_sold"], hour["gross"]) for hour in body["data"]] == [
            ("Standing", 4, 140.0)
        ]
        assert sold.get(path, tenant, **{"if-none-match": found.headers["etag"]}).status_code == 304
    assert [sold.get(path, tenant).status_code for tenant in (LEFT, RIGHT)] == [404, 404]
    unknown = sold.get("/api/sales/9999", PROMOTER)
    assert unknown.json()["detail"].replace("9999", str(sold.own)) == sold.get(path, LEFT).json()["detail"]
    sold.publish(True)
    assert [sold.get(path, tenant).status_code for tenant in (LEFT, RIGHT)] == [200, 200]
    sold.publish(False)
    assert sold.get(path, LEFT).status_code == 404


def test_by_http_both_markets_are_seen_by_who_may_see_both(sold: Sold) -> None:
    path = f"/api/events/{sold.event}/primary-and-resale"
    (whole, *zones) = sold.get(path, PROMOTER).json()["data"]
    assert (whole["zone"], whole["date"], whole["box_office_event_id"]) == (None, "2026-11-20", sold.own)
    assert (whole["lowest_face_value"], whole["get_in_price"], whole["get_in_premium"]) == (35.0, 20.0, -0.4286)
    assert zones == []  # the tier is named as no zone is
    assert sold.get(path, LEFT).json()["data"] == []  # it watches the event
    assert sold.get(path, RIGHT).status_code == 404
    sold.publish(True)
    assert sold.get(path, LEFT).json()["data"] == [whole]
    assert sold.get(path, RIGHT).status_code == 404  # it does not see the resale market of this event
    sold.publish(False)


def seen(sold: Sold, tenant: str) -> dict[str, int]:
    """How many rows a tenant reads of each table, as PostgREST's role in SQL."""
    claims = claims_of(sold.office.connection, tenant)
    counts = {}
    for table in (*TABLES, "primary_and_resale"):
        rows = as_postgrest(sold.office.connection, f"select count(*) from api.{table}", jwt_claims=claims)
        counts[table] = int(rows[0][0])
    return counts


def test_by_sql_the_tables_have_rows_for_the_promoter_alone(sold: Sold) -> None:
    assert seen(sold, PROMOTER) == seen(sold, EVERYONE) == {**dict.fromkeys(TABLES, 1), "primary_and_resale": 1}
    assert set(seen(sold, LEFT).values()) == set(seen(sold, RIGHT).values()) == {0}
    sold.publish(True)
    assert seen(sold, LEFT)["primary_and_resale"] == 1
    assert seen(sold, RIGHT) == {**dict.fromkeys(TABLES, 1), "primary_and_resale": 0}
    sold.publish(False)
    for hidden in ("analytics.primary_and_resale", "box_office.reported_tickets", "box_office.users"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_postgrest(
                sold.office.connection,
                f"select * from {hidden}",
                jwt_claims=claims_of(sold.office.connection, PROMOTER),
            )


def test_control_without_the_policy_who_only_watches_sees_sales(sold: Sold) -> None:
    sold.office.do("alter table analytics.sales_by_hour disable row level security")
    try:
        assert seen(sold, LEFT)["sales_by_hour"] == 1
    finally:
        sold.office.do("alter table analytics.sales_by_hour enable row level security")


@needs_postgrest
@pytest.mark.processes
def test_by_postgrest_it_is_the_same(sold: Sold) -> None:
    with postgrest(sold.office.url) as url:

        def ask(path: str, tenant: str) -> Any:
            return httpx.get(f"{url}{path}", headers={"x-api-key": sold.keys[tenant]}, timeout=60).json()

        both = f"/rpc/primary_and_resale?event_id={sold.event}"
        for table in (*TABLES, "primary_and_resale"):
            assert [len(ask(f"/{table}", one)) for one in (PROMOTER, EVERYONE, LEFT, RIGHT)] == [1, 1, 0, 0], table
        assert [len(ask(both, one)) for one in (PROMOTER, LEFT, RIGHT)] == [1, 0, 0]
        assert ask(f"/rpc/sales_summary?event_id={sold.own}", PROMOTER)[0]["tickets_sold"] == 4
        assert ask(f"/rpc/sales_summary?event_id={sold.own}", LEFT) == []
        sold.publish(True)
        assert len(ask(f"/rpc/sales_by_hour?event_id={sold.own}", LEFT)) == 1
        sold.publish(False)
