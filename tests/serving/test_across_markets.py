"""One event at three sources, over HTTP and in SQL: for a tenant that sees all of it, and for others."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.databases import fresh_database, use_database
from tests.support.dbt_runs import run_dbt
from tests.support.markets import NOON, TEN, Section, add_event, observe
from tests.support.packed_history import packed
from tests.support.reader_questions import as_postgrest, claims_of
from tests.support.served_market import EVERYONE, HOUR, LEFT, RIGHT, id_of, serving
from tickettape.api_schema import create_key, watch_events
from tickettape.catalogue import decide_link
from tickettape.database import Warehouse
from tickettape.observations import unpack_days

DAY: dict[str, Any] = {"start_date": "2026-11-20", "end_date": "2026-11-20"}
VIVID, GAME, OLD = ("vividseats", "v"), ("gametime", "g"), ("tevo", "t")


class Market:
    """A client of the service. LEFT sees the event at two sources, RIGHT at one, EVERYONE at all three."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=60)
        with Warehouse().connection() as connection:
            self.ids = {event: str(id_of(connection, event)) for event in ("v", "g", "t", "1")}
            self.keys = {tenant: create_key(connection, tenant) for tenant in (EVERYONE, LEFT, RIGHT)}

    def get(
        self, path: str, tenant: str = EVERYONE, headers: dict[str, str] | None = None, **asked: Any
    ) -> httpx.Response:
        return self.client.get(f"/api/{path}", params=asked, headers={"x-api-key": self.keys[tenant]} | (headers or {}))

    def rows(self, event: str, name: str, tenant: str = EVERYONE, **asked: Any) -> list[dict[str, Any]]:
        answer = self.get(f"events/{self.ids[event]}/{name}", tenant, **asked)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found


@pytest.fixture(scope="module")
def market(server_url: str, template: str) -> Iterator[Market]:
    """At 15:00 and 15:10 two sources were captured, the third at noon alone; it was the cheapest then.

    Section 101 has one listing that both offer, and one that the prices tell apart. In 102 nothing tells them apart.
    """
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        use_database(patch, url)
        with Warehouse().connection() as connection:
            keys = {
                one: add_event(connection, one[1], source=one[0], name="A long night") for one in (VIVID, GAME, OLD)
            }
            for side in (GAME, OLD):
                decide_link(connection, VIVID, side, "confirmed", "ann")
            watch_events(connection, LEFT, [id_of(connection, event) for event in ("v", "g")])
            watch_events(connection, RIGHT, [id_of(connection, "g")])
            twins = [Section("Lower", "102", [9000, 9100])]
            at_three = NOON + 3 * HOUR
            observe(connection, keys[VIVID], NOON, Section("Lower", "101", [7000, 7500]))
            observe(connection, keys[OLD], NOON, Section("Lower", "101", [2000, 3000, 4000]))
            observe(connection, keys[VIVID], at_three, Section("Lower", "101", [8000, 12000]), *twins)
            game = Section("Bowl", "Section 101", [8100, 8100 + 5700]), Section("Bowl", "Level 102", [9000, 9050])
            observe(connection, keys[GAME], at_three + TEN, *game)
        run_dbt("run")
        with Warehouse().connection() as connection:
            connection.execute("update market.events set currency = 'USD'")
        with serving(url) as address:
            yield Market(address)


def test_each_source_has_its_prices_their_age_and_its_share_and_the_cheapest_is_fresh(market: Market) -> None:
    game, old, vivid = market.rows("v", "across-markets")
    assert [one["source"] for one in (game, old, vivid)] == ["gametime", "tevo", "vividseats"]
    expected = {
        "event_id": market.ids["g"], "external_id": "g", "last_ok_at": (NOON + 3 * HOUR + TEN).isoformat(),
        "fresh": True, "currency": "USD", "price_1": None, "price_2": 81.0, "all_in_price_2": 93.0,
        "cheapest_2": True, "cheapest_1": False, "total_tickets": 8, "total_listings": 4, "ticket_share": 0.3636,
    }  # fmt: skip
    assert {name: game[name] for name in expected} == expected
    assert game["age_minutes"] > 7 * 24 * 60
    assert (vivid["price_2"], vivid["all_in_price_2"], vivid["cheapest_2"]) == (80.0, 93.5, False)
    assert (old["fresh"], old["cheapest_2"], old["all_in_price_2"], old["ticket_share"]) == (False, False, 32.5, 0.2727)
    # every side is the same event, and says so
    assert [market.rows(event, "across-markets") for event in "gt"] == [[game, old, vivid]] * 2
    catalogue = [market.get(f"events/{market.ids[event]}").json()["catalogue_event_id"] for event in "vgt1"]
    assert catalogue == [market.ids[event] for event in "vvv1"]
    # the id of an event that a tenant may not see is not told either
    assert market.get(f"events/{market.ids['g']}", RIGHT).json()["catalogue_event_id"] == market.ids["g"]


def test_an_event_of_one_source_has_one_row(market: Market) -> None:
    (row,) = market.rows("1", "across-markets")
    assert (row["source"], row["ticket_share"], row["fresh"], row["cheapest_2"]) == ("simulator", 1.0, True, True)
    assert market.rows("1", "shared-offers") == []


def test_the_view_and_the_board_say_the_same_of_the_cheapest(market: Market) -> None:
    rows = market.rows("v", "across-markets")
    with Warehouse().connection() as connection:
        view = connection.execute(
            """select tickets, source, fresh, cheapest, all_in_price::float8 from analytics.get_in_prices_across
               where event_id = %s order by tickets, source""",
            [market.ids["v"]],
        ).fetchall()
    told = [
        (n, row["source"], row["fresh"], row[f"cheapest_{n}"], row[f"all_in_price_{n}"])
        for n in (1, 2, 4)
        for row in rows
    ]
    assert view == told
    for tickets in (1, 2, 4):
        (row,) = market.get("board", search="long night", sides="one", tickets=tickets).json()["data"]
        cheapest = [side["source"] for side in rows if side[f"cheapest_{tickets}"]] or [None]
        assert cheapest == [row["cheapest_source"]]


def test_the_spread_has_the_cheapest_and_the_dearest_source_of_each_hour(market: Market) -> None:
    noon, three = market.rows("g", "price-spread", **DAY)
    assert noon == {
        "timestamp": NOON.isoformat(), "observed": True, "markets": 2, "lowest_price": 32.5, "lowest_source": "tevo",
        "highest_price": 77.5, "highest_source": "vividseats", "spread": 45.0,
    }  # fmt: skip
    assert (three["lowest_source"], three["highest_source"], three["spread"]) == ("gametime", "vividseats", 0.5)
    before_fees = market.rows("v", "price-spread", basis="before_fees", **DAY)
    assert [(row["lowest_price"], row["highest_price"]) for row in before_fees] == [(20.0, 70.0), (80.0, 81.0)]
    (day,) = market.rows("v", "price-spread", granularity="day", **DAY)
    assert (day["lowest_price"], day["highest_price"], day["markets"]) == (32.5, 93.0, 3)
    assert market.rows("v", "price-spread", tickets=4, **DAY) == []


def test_the_spread_says_which_hours_nobody_observed_and_comes_in_pages(market: Market) -> None:
    filled = market.rows("v", "price-spread", fill=True, **DAY)
    assert [n for n, row in enumerate(filled) if row["observed"]] == [12, 15]
    assert len(filled) == 24
    pages: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        asked: dict[str, Any] = {"cursor": cursor} if cursor else {}
        answer = market.get(f"events/{market.ids['v']}/price-spread", fill=True, limit=7, **DAY, **asked).json()
        pages += answer["data"]
        cursor = answer["next_cursor"]
    assert pages == filled
    head = {name: answer[name] for name in ("tickets", "basis", "granularity", "fill", "currency")}
    assert head == {"tickets": 2, "basis": "all_in", "granularity": "hour", "fill": True, "currency": "USD"}
    asked_as_csv = market.get(f"events/{market.ids['v']}/price-spread", headers={"accept": "text/csv"}, limit=1, **DAY)
    (row,) = csv.DictReader(io.StringIO(asked_as_csv.text))
    assert (row["lowest_source"], row["spread"]) == ("tevo", "45.00")
    assert 'rel="next"' in asked_as_csv.headers["link"]


def test_what_two_sources_offer_alike_is_an_estimate_with_its_rule_and_a_tie_is_none(market: Market) -> None:
    answer = market.get(f"events/{market.ids['v']}/shared-offers").json()
    assert "at most 10% apart" in answer["rule"]
    assert answer["data"] == [
        {
            "section": "Section 101", "seat_row": "A", "quantity": 2, "currency": "USD", "source": "gametime",
            "event_id": market.ids["g"], "listing_id": "Section 101-0", "price": 81.0, "all_in_price": None,
            "other_source": "vividseats", "other_event_id": market.ids["v"], "other_listing_id": "101-0",
            "other_section": "101", "other_price": 80.0, "other_all_in_price": None, "section_rule": "exact",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["across-markets", "price-spread", "shared-offers"])
def test_packed_days_answer_the_same(market: Market, name: str) -> None:
    asked = DAY if name == "price-spread" else {}
    with Warehouse().connection() as connection:
        keys = [key for (key,) in connection.execute("select event_key from market.captures group by 1").fetchall()]
        unpack_days(connection, keys, [NOON] * len(keys))
        as_rows = market.rows("v", name, **asked)
        assert packed(connection, keys, NOON.date()) > 0
    assert market.rows("v", name, **asked) == as_rows != []


def test_a_tenant_sees_only_the_sources_whose_event_it_may_see_v1(market: Market) -> None:
    assert [row["source"] for row in market.rows("v", "across-markets", LEFT)] == ["gametime", "vividseats"]
    (alone,) = market.rows("g", "across-markets", RIGHT)
    assert (alone["ticket_share"], alone["cheapest_2"]) == (1.0, True)
    assert [row["markets"] for row in market.rows("v", "price-spread", LEFT, **DAY)] == [1, 2]
    assert [row["markets"] for row in market.rows("g", "price-spread", RIGHT, **DAY)] == [1]
    assert len(market.rows("g", "shared-offers", LEFT)) == 1
    assert market.rows("g", "shared-offers", RIGHT) == []
    for name in ("across-markets", "price-spread", "shared-offers"):
        refused = market.get(f"events/{market.ids['v']}/{name}", RIGHT)
        assert refused.status_code == 404
        assert market.ids["v"] in refused.json()["detail"]


def test_in_sql_a_tenant_sees_the_same_v1(market: Market) -> None:
    asked = {
        "sides": f"select source from api.across_markets('{market.ids['g']}')",
        "view": f"select distinct source from api.get_in_prices_across where event_id = '{market.ids['g']}' order by 1",
        "links": "select distinct other_source from market.event_links order by 1",
        "groups": "select count(*) from market.event_sides",
    }
    seen = {
        EVERYONE: (["gametime", "tevo", "vividseats"], ["gametime", "tevo", "vividseats"], ["vividseats"], [3]),
        LEFT: (["gametime", "vividseats"], ["gametime", "vividseats"], ["vividseats"], [2]),
        RIGHT: (["gametime"], ["gametime"], [], [1]),
    }
    with Warehouse().connection() as connection:
        for tenant, expected in seen.items():
            claims = claims_of(connection, tenant)
            found = [
                [one for (one,) in as_postgrest(connection, question, jwt_claims=claims)] for question in asked.values()
            ]
            assert found == list(expected), tenant


def test_the_board_has_one_row_for_all_sides_and_says_where_it_is_cheapest(market: Market) -> None:
    every = market.get("board", search="long night").json()["data"]
    assert len(every) == 3
    (row,) = market.get("board", search="long night", sides="one").json()["data"]
    assert (row["id"], row["source"], row["sources"]) == (market.ids["v"], "vividseats", 3)
    cheapest = (row["cheapest_source"], row["cheapest_event_id"], row["cheapest_all_in_price"])
    assert cheapest == ("gametime", market.ids["g"], 93.0)
    assert {one["cheapest_source"] for one in every} == {"gametime"}
    assert [one["source"] for one in market.get("board", RIGHT, search="long", sides="one").json()["data"]] == [
        "gametime"
    ]
    single = next(one for one in market.get("board").json()["data"] if one["source"] == "simulator")
    assert (single["sources"], single["cheapest_source"]) == (1, None)
    assert market.get("board", sides="two").status_code == 422
    # of four together nothing is for sale anywhere
    assert market.get("board", search="long night", tickets=4).json()["data"][0]["cheapest_source"] is None


def test_an_etag_changes_with_what_any_side_knows(market: Market) -> None:
    path = f"events/{market.ids['v']}/price-spread"
    etag = market.get(path, **DAY).headers["etag"]
    assert market.get(path, headers={"if-none-match": etag}, **DAY).status_code == 304
    with Warehouse().connection() as connection:
        connection.execute("update market.event_versions set changed_at = now() where event_id = %s", [market.ids["t"]])
    assert market.get(path, headers={"if-none-match": etag}, **DAY).status_code == 200
    # RIGHT does not see that side: its answer has not changed
    path = f"events/{market.ids['g']}/price-spread"
    etag = market.get(path, RIGHT, **DAY).headers["etag"]
    with Warehouse().connection() as connection:
        connection.execute("update market.event_versions set changed_at = now() where event_id = %s", [market.ids["t"]])
    assert market.get(path, RIGHT, headers={"if-none-match": etag}, **DAY).status_code == 304
    rows = market.get(f"events/{market.ids['v']}/across-markets")
    again = market.get(f"events/{market.ids['v']}/across-markets", headers={"if-none-match": rows.headers["etag"]})
    assert again.status_code == 304
