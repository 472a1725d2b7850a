"""The client of Ticketmaster: its key, and lists that are longer than a search may be."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.loopback_servers import ScriptedServer, json_reply, served
from tickettape.marketplaces import MarketplaceError, MarketplaceEvent, Refused
from tickettape.marketplaces.simulator import Market
from tickettape.marketplaces.simulator import ticketmaster as simulator
from tickettape.marketplaces.ticketmaster import Ticketmaster

KEY = "key-of-an-account"


async def listed(catalogue: Ticketmaster, **rule: str) -> list[MarketplaceEvent | Refused]:
    async with catalogue:
        return [one async for one in catalogue.upcoming_events(**rule)]


def client(url: str, key: str = KEY, **options: Any) -> Ticketmaster:
    return Ticketmaster(url, "tests", key=key, source="ticketmaster", **options)


def test_a_list_longer_than_a_search_may_be_is_cut_into_windows_and_comes_whole_and_once() -> None:
    market = Market(events=1_300)
    at = datetime.now(UTC) + timedelta(hours=1)  # later than the search begins: no event starts in between
    with served(simulator.build_app(market, lambda: at)) as url:
        catalogue = client(url, simulator.KEY, simulated=True)
        found = asyncio.run(listed(catalogue, query="simulated"))
    ids = [one.external_id for one in found if isinstance(one, MarketplaceEvent)]
    assert len(ids) == len(set(ids)) == len(found)
    assert set(ids) == {str(one.production_id) for one in market.productions(at)}
    assert catalogue.requests["received"] < 40


def empty(total: int, pages: int = 1) -> Any:
    page = f'{{"page": {{"totalElements": {total}, "totalPages": {pages}, "number": {pages}}}}}'
    return json_reply(page.encode())


def test_a_window_of_a_minute_that_is_still_too_long_is_refused_and_never_ends_early(server: ScriptedServer) -> None:
    server.script(empty(5_000))
    with pytest.raises(Refused, match="More than 1000 events"):
        asyncio.run(listed(client(server.url), query="x"))


def test_a_list_whose_total_never_holds_still_is_refused(server: ScriptedServer) -> None:
    server.script(*[empty(150, 2), empty(151, 2)] * 3)
    with pytest.raises(Refused, match="3 times in a row"):
        asyncio.run(listed(client(server.url), query="x"))


def test_events_without_a_date_are_asked_for_apart(server: ScriptedServer) -> None:
    server.script(empty(0, 0))
    asyncio.run(listed(client(server.url), venue_id="9"))
    asked = [one.params for one in server.asked]
    assert [sorted(set(one) & {"includeTBA", "includeTBD", "startDateTime"}) for one in asked] == [
        ["startDateTime"], ["includeTBD"], ["includeTBA"],
    ]  # fmt: skip
    assert all(one["venueId"] == "9" and one["sort"] == "id,asc" and one["size"] == "100" for one in asked)


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, b'{"fault": {"detail": {"errorcode": "oauth.v2.InvalidApiKey"}}}', "the setting `token`"),
        (429, b'{"fault": {"faultstring": "Identifier : ' + KEY.encode() + b'", '
              b'"detail": {"errorcode": "policies.ratelimit.QuotaViolation"}}}', "the day's requests are used up"),
        (429, b'{"fault": {"detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"}}}', "too fast"),
        (400, b'{"errors": [{"code": "DIS1035"}]}', "not allowed"),
        (404, b'{"errors": [{"code": "DIS1004"}]}', "unknown to the marketplace"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do_and_the_key_is_in_no_note_and_no_log(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture, status: int, error: bytes, words: str
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script(json_reply(error, status, retry_after="9"))

    async def ask() -> None:
        async with client(server.url, deadline_seconds=1.0) as catalogue:
            await catalogue.event("G5v0Z98m24-oh")

    with pytest.raises(MarketplaceError, match=words) as raised:
        asyncio.run(ask())
    assert server.asked[0].params == {"apikey": KEY}
    assert KEY not in f"{raised.value} {caplog.text}"
    assert "HTTP Request: GET" in caplog.text  # a control: httpx does log the URL
