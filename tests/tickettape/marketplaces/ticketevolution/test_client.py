"""The client of Ticket Evolution against a scripted server."""

import base64
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest

from tests.support.loopback_servers import OK, ScriptedServer, json_reply, served
from tests.support.spoken_formats import AT, TICKET_EVOLUTION, run
from tickettape.marketplaces import MarketplaceError, MarketplaceEvent, Refused
from tickettape.marketplaces.protocol import Marketplace
from tickettape.marketplaces.ticketevolution import TicketEvolution

TOKEN, SECRET = "token-of-a-contract", "secret-of-a-contract"


def client(url: str, **options: Any) -> TicketEvolution:
    known = TICKET_EVOLUTION | {"token": TOKEN, "secret": SECRET}
    return TicketEvolution(url + "/v9", "Tickettape tests", deadline_seconds=1.0, **known, **options)


class Raw:
    """Answers `{}`, and keeps each request's line and headers as they came over the wire."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[bytes, bytes]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        target = f"{scope['raw_path'].decode()}?{scope['query_string'].decode()}"
        self.asked.append((target, dict(scope["headers"])))
        await OK(scope, receive, send)


def test_what_arrives_is_what_was_signed_byte_for_byte() -> None:
    raw = Raw()

    async def ask(it: Marketplace) -> None:
        await it.listings("1591449", AT)
        with pytest.raises(MarketplaceError):
            await it.event("a b/c")
        with pytest.raises(MarketplaceError):
            _ = [one async for one in it.upcoming_events(query="Beyoncé & Jay-Z + more: 100%")]

    with served(raw) as url:
        run(client(url), ask)
        host = url.removeprefix("http://")
    assert len(raw.asked) == 4
    for target, headers in raw.asked:
        signed = hmac.new(SECRET.encode(), f"GET {host}{target}".encode(), hashlib.sha256).digest()
        assert headers[b"x-signature"] == base64.b64encode(signed)
        assert headers[b"x-token"] == TOKEN.encode()
    assert raw.asked[0][0] == "/v9/listings?event_id=1591449&type=event"
    assert raw.asked[1][0] == "/v9/events/1591449/stats?inventory_type=event"
    assert "q=Beyonc%C3%A9+%26+Jay-Z" in raw.asked[3][0]


NOT_FOUND = b'{"error": "Not Found", "message": "Couldn\'t find Event with ID=17"}'
NO_ENDPOINT = b'{"error": "The endpoint you requested doesn\'t exist. Look at the documentation."}'


@pytest.mark.parametrize(
    ("status", "error", "captured", "words"),
    [
        (401, b'{"error": "Unauthorized"}', "blocked", "`token` and `secret`"),
        (401, b'{"error": "Your signature is incorrect."}', "blocked", "`token` and `secret`"),
        (404, NOT_FOUND, "missing", "unknown to the marketplace"),
        (404, NO_ENDPOINT, "failed", "a path that does not exist"),
        (400, b"{}", "failed", "not allowed"),
        (406, b"{}", "failed", "not allowed"),
        (422, b'{"error": "Invalid Parameters"}', "failed", "not allowed"),
        (302, b"", "failed", "not allowed"),
        (429, b'{"error": {"code": 429, "message": "Too Many Requests"}}', "failed", "too fast"),
        (503, b'{"error": "Error"}', "failed", "for a short time"),
    ],
)
def test_errors_are_told_by_what_they_say(
    server: ScriptedServer, status: int, error: bytes, captured: str, words: str
) -> None:
    server.script(json_reply(error, status))
    answer = run(client(server.url, first_backoff_seconds=5.0), lambda it: it.listings("17", AT))
    assert (answer.status, answer.http_status) == (captured, status)
    assert words in (answer.note or "")


def test_token_and_secret_are_in_no_note_error_and_log(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script(json_reply(b'{"error": "Unauthorized"}', 401))
    marketplace = client(server.url)
    answer = run(marketplace, lambda it: it.listings("17", AT))
    server.script(json_reply(b"{}"))
    with pytest.raises(Refused) as refused:
        run(marketplace, lambda it: it.event("17"))
    said = f"{answer} {refused.value} {marketplace!r} {vars(marketplace)['_http']!r} {caplog.text}"
    assert TOKEN not in said
    assert SECRET not in said


def test_a_price_basis_must_be_chosen() -> None:
    with pytest.raises(ValueError, match="one of retail_price, wholesale_price"):
        TicketEvolution("https://example.org/v9", "tests", **TICKET_EVOLUTION | {"price_basis": "cheapest"})


@pytest.mark.parametrize("stats", [json_reply(status=404), json_reply(b"<html>"), json_reply(status=403)])
def test_listings_whose_totals_did_not_come_are_kept_without_them(server: ScriptedServer, stats: Any) -> None:
    server.script(json_reply(b'{"ticket_groups": []}'), stats)
    marketplace = client(server.url)
    answer = run(marketplace, lambda it: it.listings("17", AT))
    assert answer.status == "received"
    assert answer.body is not None
    assert msgspec.json.decode(answer.body)["stats"] is None
    read = marketplace.read_listings(answer.body, "17", 0.05)
    assert read.status == "partial"  # an empty list alone is no evidence
    assert "the totals that would confirm it did not" in read.contradictions[0]


def page(*ids: int, total: int) -> Any:
    events = [{"id": one, "name": f"Event {one}", "occurs_at_local": "2026-12-24T19:10:00-05:00"} for one in ids]
    return json_reply(msgspec.json.encode({"total_entries": total, "events": events}))


def list_events() -> Callable[[Marketplace], Awaitable[list[str]]]:
    async def listed(it: Marketplace) -> list[str]:
        events: AsyncIterator[MarketplaceEvent | Refused] = it.upcoming_events(venue_id="9")
        return [one.external_id async for one in events if isinstance(one, MarketplaceEvent)]

    return listed


def test_a_list_ends_when_all_that_it_states_was_seen_not_at_a_short_page(server: ScriptedServer) -> None:
    server.script(page(1, 2, total=5), page(3, total=5), page(4, 5, total=5), page(6, total=5))
    assert run(client(server.url), list_events()) == ["1", "2", "3", "4", "5"]
    assert [one.params["page"] for one in server.asked] == ["1", "2", "3"]
    assert {one.params["per_page"] for one in server.asked} == {"100"}


def test_a_list_whose_total_changes_is_read_again_and_nothing_is_told_twice(server: ScriptedServer) -> None:
    server.script(page(1, 2, total=4), page(3, total=5), page(1, 2, 3, total=5), page(4, 5, total=5))
    assert run(client(server.url), list_events()) == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        ([page(1, total=3), page(total=3)], "though only 1 of 3 events have arrived"),
        ([page(1, total=3), page(2, total=4)] * 3, "3 times in a row"),
    ],
)
def test_a_list_that_ends_early_or_never_holds_still_is_refused(
    server: ScriptedServer, pages: list[Any], words: str
) -> None:
    server.script(*pages)
    with pytest.raises(Refused, match=words):
        run(client(server.url), list_events())
