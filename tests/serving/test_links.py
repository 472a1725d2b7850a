"""Links over HTTP: whoever may see both events reads them, and only an operator's key decides."""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from serving.routes import links
from tests.support.databases import fresh_database, use_database
from tests.support.markets import add_event
from tests.support.reader_questions import as_postgrest, claims_of
from tests.support.served_market import EVERYONE, LEFT, RIGHT, id_of, serving
from tickettape.api_schema import create_key, revoke_key, watch_events
from tickettape.catalogue import decide_link, event_links, match_sources
from tickettape.database import Warehouse

OPERATOR, RIGHT_OPERATOR = "operator", "operator of the right"
NOW = "2027-05-01"


class Market:
    """A client of the service. LEFT sees both events of the link of 1 and 9, RIGHT only 9."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=60)
        with Warehouse().connection() as connection:
            self.keys = {tenant: create_key(connection, tenant) for tenant in (EVERYONE, LEFT, RIGHT)}
            self.keys[OPERATOR] = create_key(connection, EVERYONE, label="ann", operator=True)
            self.keys[RIGHT_OPERATOR] = create_key(connection, RIGHT, operator=True)

    def links(self, key: str = EVERYONE, **asked: Any) -> list[dict[str, Any]]:
        answer = self.client.get("/api/links", params=asked, headers={"x-api-key": self.keys[key]})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    def decide(self, link: int, decision: str, key: str = OPERATOR) -> httpx.Response:
        return self.client.post(f"/api/links/{link}/{decision}", headers={"x-api-key": self.keys[key]})


@pytest.fixture(scope="module")
def market(server_url: str, template: str) -> Iterator[Market]:
    """Event 1 and 9 are linked by a rule, 2 and 8 by hand; 8 is not in the catalogue."""
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        use_database(patch, url)
        with Warehouse().connection() as connection:
            add_event(connection, "9", source="vividseats")
            watch_events(connection, LEFT, [id_of(connection, "9")])
            watch_events(connection, RIGHT, [id_of(connection, "9")])
            match_sources(connection, _now(connection))
            decide_link(connection, ("simulator", "2"), ("vividseats", "8"), "confirmed", "somebody")
        with serving(url) as address:
            yield Market(address)


def _now(connection: Any) -> Any:
    return connection.execute("select %s::timestamptz", [NOW]).fetchone()[0]


def link_of(market: Market, external_id: str = "1") -> dict[str, Any]:
    return next(row for row in market.links() if row["external_id"] == external_id)


def test_a_link_has_both_sides_its_rule_its_evidence_and_its_confidence(market: Market) -> None:
    link = link_of(market)
    expected = {
        "state": "automatic", "rule": "venue by name and city", "confidence": 0.93, "day": "2027-06-01",
        "km_apart": None, "source": "simulator", "name": "An evening", "venue": "The Hall", "city": "Chicago",
        "start_time": "14:00", "other_source": "vividseats", "other_external_id": "9", "other_name": "An evening",
        "other_start_time": "14:00",
    }  # fmt: skip
    assert {name: link[name] for name in expected} == expected
    by_hand = link_of(market, "2")
    assert (by_hand["state"], by_hand["rule"], by_hand["day"], by_hand["other_event_id"], by_hand["other_name"]) == (
        "confirmed", "by hand", None, None, None
    )  # fmt: skip
    assert [row["external_id"] for row in market.links(state="confirmed")] == ["2"]
    assert market.client.get("/api/links?state=true", headers={"x-api-key": market.keys[LEFT]}).status_code == 422


def test_pages_make_up_the_whole(market: Market) -> None:
    headers = {"x-api-key": market.keys[EVERYONE]}
    first = market.client.get("/api/links?limit=1", headers=headers).json()
    second = market.client.get(
        "/api/links", params={"limit": 1, "cursor": first["next_cursor"]}, headers=headers
    ).json()
    assert [*first["data"], *second["data"]] == market.links()
    assert market.client.get("/api/links?cursor=WyJ4Il0", headers=headers).status_code == 422


def test_a_tenant_sees_the_links_whose_events_it_may_both_see_v1(market: Market) -> None:
    assert [row["external_id"] for row in market.links(LEFT)] == ["1"]
    assert market.links(RIGHT) == []
    with Warehouse().connection() as connection:
        asked = "select external_id from api.links()"
        for tenant, seen in ((LEFT, ["1"]), (RIGHT, [])):
            claims = claims_of(connection, tenant)
            assert [one for (one,) in as_postgrest(connection, asked, jwt_claims=claims)] == seen
        with pytest.raises(psycopg.errors.InsufficientPrivilege):  # who decided is for operators
            as_postgrest(connection, "select decided_by from market.event_links", jwt_claims=claims)


def test_an_operator_refuses_what_no_rule_links_again_and_takes_it_back(market: Market) -> None:
    link = link_of(market)["link_id"]
    assert market.decide(link, "refuse").json() == {"link_id": link, "state": "refused"}
    with Warehouse().connection() as connection:
        assert match_sources(connection, _now(connection)) == {}
        (refused,) = event_links(connection, state="refused")
        assert refused.decided_by == f"key {market.keys[OPERATOR][:11]} (ann)"
    assert link_of(market)["state"] == "refused"
    assert market.decide(link, "undo").json()["state"] == "automatic"
    assert market.decide(link, "confirm").json()["state"] == "confirmed"
    assert market.decide(link, "undo").json()["state"] == "automatic"


def test_only_an_operators_key_decides_and_only_what_it_may_see(market: Market) -> None:
    link = link_of(market)["link_id"]
    refused = market.decide(link, "confirm", EVERYONE)
    assert refused.status_code == 403
    assert "--operator" in refused.json()["detail"]
    assert market.decide(link, "confirm", RIGHT_OPERATOR).status_code == 404
    assert market.client.post(f"/api/links/{link}/confirm").status_code == 401
    with Warehouse().connection() as connection:
        market.keys["gone"] = create_key(connection, EVERYONE, operator=True)
        revoke_key(connection, market.keys["gone"])
    assert market.decide(link, "confirm", "gone").status_code == 401
    assert link_of(market)["state"] == "automatic"
    headers = {"x-api-key": market.keys[OPERATOR]}
    assert market.client.get("/api/links", headers=headers).json()["may_decide"] is True
    headers = {"x-api-key": market.keys[EVERYONE]}
    assert market.client.get("/api/links", headers=headers).json()["may_decide"] is False


def test_what_cannot_be_decided_is_a_clear_4xx(market: Market) -> None:
    link = link_of(market)["link_id"]
    with Warehouse().connection() as connection:
        add_event(connection, "10", source="vividseats", name="Another name")
        decide_link(connection, ("simulator", "1"), ("vividseats", "10"), "confirmed", "somebody")
    conflict = market.decide(link, "confirm")
    assert conflict.status_code == 409
    assert "Refuse that link first" in conflict.json()["detail"]
    assert market.decide(999_999, "confirm").status_code == 404
    assert market.decide(link, "delete").status_code == 422
    headers = {"x-api-key": market.keys[OPERATOR]}
    asked = market.client.get(f"/api/links/{link}/confirm", headers=headers)
    assert (asked.status_code, asked.headers["allow"]) == (405, "POST")
    assert "Use POST" in asked.json()["detail"]
    assert market.client.post("/api/events", headers=headers).headers["allow"] == "GET, HEAD"


def test_a_decision_waits_for_no_long_match(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "LOCK_SECONDS", 0.1)
    link = link_of(market, "2")["link_id"]
    with Warehouse().connect_to() as matching:
        matching.execute("select pg_advisory_xact_lock(hashtextextended('event links', 0))")
        busy = market.decide(link, "refuse")
        matching.rollback()
    assert (busy.status_code, busy.headers.get("retry-after")) == (503, "5")
    assert market.decide(link, "refuse").json()["state"] == "refused"
