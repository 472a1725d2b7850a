"""The client of Vivid Seats, on a real HTTP server."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.support.loopback_servers import BUSY, ScriptedServer, json_reply, served
from tests.support.scripted_client import AT, ask, run
from tickettape.marketplaces import (
    MarketplaceError,
    MarketplaceEvent,
    Missing,
    Refused,
)
from tickettape.marketplaces.protocol import Blocked, Unreachable
from tickettape.marketplaces.simulator import Market, build_app
from tickettape.marketplaces.vividseats import VividSeats, client


def test_an_answer_is_handed_on_as_it_came(server: ScriptedServer) -> None:
    answer, _ = ask(server.url)
    assert (answer.external_id, answer.status, answer.http_status) == ("17", "received", 200)
    assert (answer.body, answer.note) == (b'{"ok": true}', None)
    assert abs(datetime.now(UTC) - answer.fetched_at) < timedelta(seconds=5)
    assert 0 <= answer.latency_ms < 1000


def test_the_whole_inventory_is_asked_for_in_one_honest_request(server: ScriptedServer) -> None:
    ask(server.url + "/hermes/api/v1/")
    (asked,) = server.asked
    assert asked.path == "/hermes/api/v1/listings"
    assert asked.params == {
        "productionId": "17",
        "currency": "USD",
        "localizeCurrency": "true",
        "priceGroupId": "291",
    }
    assert asked.headers["user-agent"] == "Tickettape tests"
    assert "x-simulator-time" not in asked.headers


def test_simulated_prices_are_never_filed_as_real_ones() -> None:
    market = Market(seed=1, events=3)
    with served(build_app(market, clock=lambda: AT)) as url:
        chosen = str(market.productions(AT)[0].production_id)
        answer, _ = ask(url, chosen)
        assert (answer.status, answer.body) == ("failed", None)
        assert answer.note is not None
        assert "MARKETPLACE_SOURCE=simulator" in answer.note
        with pytest.raises(MarketplaceError, match="MARKETPLACE_SOURCE=simulator"):
            run(url, lambda marketplace: marketplace.event(chosen))
        with pytest.raises(MarketplaceError, match="MARKETPLACE_SOURCE=simulator"):
            run(url, all_of)


def test_real_prices_are_never_filed_as_simulated_ones(server: ScriptedServer) -> None:
    answer, _ = ask(server.url, source="simulator", simulated=True)
    assert (answer.status, answer.body) == ("failed", None)


def item(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": number, "name": f"Event {number}", "utcDate": "2026-12-24T20:00:00Z"} | changes


def page(*items: dict[str, Any], pages: int = 1) -> Response:
    return json_reply(json.dumps({"page": 1, "numberOfPages": pages, "items": items}).encode())


async def entries(marketplace: VividSeats, **rule: str) -> list[MarketplaceEvent | Refused]:
    return [entry async for entry in marketplace.upcoming_events(**rule)]


async def all_of(marketplace: VividSeats, **rule: str) -> list[MarketplaceEvent]:
    return [one for one in await entries(marketplace, **rule) if isinstance(one, MarketplaceEvent)]


def test_details_make_a_production(server: ScriptedServer) -> None:
    server.script(json_reply(json.dumps(item(17)).encode()))
    production, _ = run(server.url, lambda marketplace: marketplace.event("17"))
    assert (production.external_id, production.date) == ("17", datetime(2026, 12, 24, 20, tzinfo=UTC))
    assert server.asked[0].path == "/productions/17/details"
    assert server.asked[0].params == {"currency": "USD"}


@pytest.mark.parametrize(("path", "page"), [
    ("/x-tickets/production/17", "/x-tickets/production/17"),
    (None, None),
    ("x-tickets", None),
    ("//elsewhere.example/x", None),
    ("https://elsewhere.example/x", None),
])  # fmt: skip
def test_the_page_for_people_is_the_stated_path_on_the_same_host(
    server: ScriptedServer, path: str | None, page: str | None
) -> None:
    server.script(json_reply(json.dumps(item(17, webPath=path)).encode()))
    production, _ = run(server.url, lambda marketplace: marketplace.event("17"))
    assert production.page_url == (page and server.url.partition("/hermes")[0] + page)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (json_reply(status=404), Missing),
        (json_reply(status=403), Blocked),
        (BUSY, Unreachable),
        (json_reply(b"[]"), Refused),
        (json_reply(json.dumps(item(18)).encode()), Refused),
        (json_reply(json.dumps(item(17, name="PARKING: Event 17")).encode()), Refused),
    ],
)
def test_a_production_that_cannot_be_had_says_why(
    server: ScriptedServer, reply: Response, error: type[MarketplaceError]
) -> None:
    server.script(reply)
    with pytest.raises(error, match="17"):
        run(server.url, lambda marketplace: marketplace.event("17"), deadline_seconds=0.2)


def test_an_id_is_never_taken_for_a_path(server: ScriptedServer) -> None:
    server.script(json_reply(status=404))
    with pytest.raises(Missing):
        run(server.url, lambda marketplace: marketplace.event("../listings?x=1"))
    assert server.asked[0].path.startswith("/productions/")


def test_all_pages_are_read_without_parking_or_hidden_ones(server: ScriptedServer) -> None:
    in_a_lot = {"venue": {"name": "Gainbridge Fieldhouse Parking Lots"}}
    server.script(
        page(item(1), item(2, hidden=True), item(3, name="PARKING: Event 1"), item(6, **in_a_lot), pages=2),
        page(item(1), item(4, dateTbd=True), item(5), pages=2),
    )
    found, _ = run(server.url, lambda marketplace: all_of(marketplace, performer_id="369", query="x"))
    assert [(one.external_id, one.date_status) for one in found] == [("1", "known"), ("4", "date_tbd"), ("5", "known")]
    assert [asked.params["page"] for asked in server.asked] == ["1", "2"]
    assert server.asked[0].params["performerId"] == "369"
    assert server.asked[0].params["excludeParking"] == "true"
    assert "venueId" not in server.asked[0].params


@pytest.mark.parametrize(
    "bad",
    [{"name": None}, {"name": 5}, {"performers": [None]}, {"venue": "The Hall"}, {"utcDate": "soon"}, {"id": "two"}],
)
def test_a_bad_item_of_a_page_costs_itself_alone_and_is_named(server: ScriptedServer, bad: dict[str, Any]) -> None:
    items = [item(number) for number in range(1, 51)]
    items[1] |= bad
    server.script(page(*items))
    found, _ = run(server.url, entries)
    refused = [one for one in found if isinstance(one, Refused)]
    assert len(found) == 50
    assert len(refused) == 1
    assert "two" in refused[0].reason if bad.get("id") else refused[0].reason.startswith("Production 2 ")


def test_a_page_of_nothing_but_a_bad_item_is_no_end_of_the_list(server: ScriptedServer) -> None:
    server.script(page(item(1, name=None), pages=2), page(item(2), pages=2))
    found, _ = run(server.url, all_of)
    assert [one.external_id for one in found] == ["2"]


def test_a_page_of_which_most_cannot_be_read_is_refused_as_its_format_has_changed(server: ScriptedServer) -> None:
    server.script(page(item(1), item(2, name=None), item(3, name=None)))
    with pytest.raises(Refused, match=r"2 of 3.*Production 2"):
        run(server.url, entries)


def test_a_list_that_repeats_itself_ends(server: ScriptedServer) -> None:
    server.script(page(item(1), pages=1_000_000))
    found, _ = run(server.url, all_of)
    assert (len(found), len(server.asked)) == (1, 2)


def test_a_list_without_an_end_is_cut_and_said_to_be(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def another(request: Request) -> Response:
        return page(item(int(request.query_params["page"])), pages=1_000_000)

    monkeypatch.setattr(client, "MOST_PAGES", 4)
    server.script(another)
    with caplog.at_level(logging.WARNING):
        found, _ = run(server.url, all_of)
    assert len(found) == 4
    assert "did not end after 4 pages" in caplog.text


def test_a_page_that_cannot_be_had_is_no_end_of_the_list(server: ScriptedServer) -> None:
    server.script(page(item(1), pages=2), json_reply(status=403))

    async def scenario(marketplace: VividSeats) -> list[str]:
        productions = marketplace.upcoming_events()
        first = await anext(productions)
        assert isinstance(first, MarketplaceEvent)
        seen = [first.external_id]
        with pytest.raises(Blocked, match="page 2"):
            await anext(productions)
        return seen

    assert run(server.url, scenario)[0] == ["1"]
