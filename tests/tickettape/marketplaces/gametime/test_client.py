"""The client of Gametime against a scripted server."""

from typing import Any

import msgspec
import pytest

from tests.support.loopback_servers import ScriptedServer, json_reply
from tests.support.spoken_formats import AT, run
from tests.tickettape.marketplaces.gametime.test_read_listings import ENTRY, EVENT_ID, body
from tickettape.marketplaces import MarketplaceEvent, Refused
from tickettape.marketplaces.gametime import Gametime
from tickettape.marketplaces.protocol import Marketplace


def client(url: str) -> Gametime:
    return Gametime(url, "Tickettape tests", source="gametime", deadline_seconds=1.0)


def test_the_event_is_asked_for_first_and_both_replies_are_one_body(server: ScriptedServer) -> None:
    whole = msgspec.json.decode(body({}))
    server.script(json_reply(msgspec.json.encode(whole["event"])), json_reply(msgspec.json.encode(whole["listings"])))
    marketplace = client(server.url)
    answer = run(marketplace, lambda it: it.listings(EVENT_ID, AT))
    assert [(one.path, one.params) for one in server.asked] == [
        ("/v1/events", {"id": EVENT_ID}),
        ("/v1/listings", {"event_id": EVENT_ID}),  # no quantity: it asks for a subset
    ]
    assert server.asked[0].headers["user-agent"] == "Tickettape tests"
    assert "x-simulator-time" not in server.asked[0].headers
    assert answer.body is not None
    assert marketplace.read_listings(answer.body, EVENT_ID, 0.05).status == "ok"
    assert "listings.listings.price.prefee" in marketplace.fields(answer.body)
    assert marketplace.requests["received"] == 2


def test_a_wall_before_the_second_request_is_the_answer(server: ScriptedServer) -> None:
    server.script(json_reply(b'{"events": [], "more": false}'), json_reply(status=403))
    answer = run(client(server.url), lambda it: it.listings(EVENT_ID, AT))
    assert (answer.status, answer.body, len(server.asked)) == ("blocked", None, 2)


def test_a_list_is_followed_while_it_says_more_and_repeats_are_dropped(server: ScriptedServer) -> None:
    def page(*ids: str, more: bool) -> Any:
        events = [ENTRY | {"event": ENTRY["event"] | {"id": one}} for one in ids]
        return json_reply(msgspec.json.encode({"events": events, "more": more}))

    server.script(page("1", "2", more=True), page("2", "3", more=False))

    async def listed(it: Marketplace) -> list[str]:
        return [one.external_id async for one in it.upcoming_events(venue_id="9") if isinstance(one, MarketplaceEvent)]

    assert run(client(server.url), listed) == ["1", "2", "3"]
    assert [one.params["page"] for one in server.asked] == ["1", "2"]
    server.script(page("1", more=True))
    with pytest.raises(Refused, match="has more than"):
        run(client(server.url), listed)
