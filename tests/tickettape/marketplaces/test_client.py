"""How the client behaves towards a marketplace, row by row of the wire format's failure table."""

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any, TypeVar

import pytest
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tests.support.loopback_servers import ScriptedServer, after, drip, json_reply, resetting, served, truncated
from tickettape.marketplaces import (
    Marketplace,
    MarketplaceError,
    MarketplaceEvent,
    Missing,
    Refused,
    open_marketplace,
    open_marketplaces,
)
from tickettape.marketplaces.http_client import PacedHttpClient, class_of_status
from tickettape.marketplaces.pacing import CONNECTIONS, Class, Pace, Reply, retry_after_seconds
from tickettape.marketplaces.protocol import Answer, Blocked, NoDate, Unreachable
from tickettape.marketplaces.rate_limiter import LocalRateLimiter, RateLimits
from tickettape.marketplaces.simulator import Market, SimulatedMarketplace, build_app
from tickettape.marketplaces.vividseats import VividSeats, client
from tickettape.settings import Settings

AT = datetime(2026, 10, 31, 23, 50, tzinfo=UTC)
OK = json_reply(b'{"ok": true}')
BUSY = json_reply(status=503)

Result = TypeVar("Result")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def _server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    with served(scripted) as url:
        scripted.url = url
        yield scripted


@pytest.fixture
def server(_server: ScriptedServer) -> ScriptedServer:
    _server.script(OK)
    return _server


def run(url: str, scenario: Callable[[VividSeats], Awaitable[Result]], **settings: Any) -> tuple[Result, float]:
    """The scenario's result with an impatient client, and the seconds it took."""
    chosen = {"requests_per_second": None, "deadline_seconds": 1.0, "first_backoff_seconds": 0.02} | settings

    async def inside() -> tuple[Result, float]:
        async with VividSeats(url, "Tickettape tests", **chosen) as marketplace:
            started = time.monotonic()
            result = await scenario(marketplace)
            return result, time.monotonic() - started

    return asyncio.run(inside())


def ask(url: str, production_id: str = "17", **settings: Any) -> tuple[Answer, float]:
    return run(url, lambda marketplace: marketplace.listings(production_id, AT), **settings)


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


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (json_reply(status=404), "missing"),
        (json_reply(status=401), "blocked"),
        (json_reply(status=403), "blocked"),
        (Response("<html>are you human?</html>", media_type="text/html"), "blocked"),
        (Response(b"{}"), "blocked"),
        (json_reply(status=400), "failed"),
        (json_reply(status=418), "failed"),
        (json_reply(status=204), "failed"),
        (RedirectResponse("/elsewhere"), "failed"),
    ],
)
def test_s1_what_will_not_pass_is_asked_once_only(server: ScriptedServer, reply: Response, status: str) -> None:
    server.script(reply, OK)
    answer, _ = ask(server.url)
    assert (answer.status, answer.http_status, answer.body) == (status, reply.status_code, None)
    assert answer.note is not None
    assert "Production 17" in answer.note
    assert str(reply.status_code) in answer.note
    assert len(server.asked) == 1


def tells_a_wrong_path(status: int, content_type: str, what: str, error: bytes) -> tuple[Class, str]:
    """A marketplace whose 404 for a wrong path differs from that for an unknown event: Ticket Evolution's."""
    if status == 404 and b"The endpoint you requested doesn't exist" in error:
        return "failed", f"{what}: the path is not known (404); mend the client."
    return class_of_status(status, content_type, what)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (json_reply(b'{"message": "Couldn\'t find Event with ID=17", "error": "Not Found"}', 404), "missing"),
        (json_reply(b'{"error": "The endpoint you requested doesn\'t exist."}', 404), "failed"),
        (json_reply(b" " * 5000 + b"The endpoint you requested doesn't exist", 404), "missing"),  # only its beginning
        (partial(drip, status=404), "missing"),  # an error without an end is told by its status
        (partial(drip, status=403), "blocked"),
        (OK, "received"),
    ],
)
def test_an_error_can_be_told_by_how_its_body_begins(server: ScriptedServer, reply: Any, kind: str) -> None:
    server.script(reply)

    async def asked() -> Reply:
        http = PacedHttpClient(
            server.url,
            "Tickettape tests",
            source="toy",
            example_url="",
            classify=tells_a_wrong_path,
            deadline_seconds=5,
        )
        async with http:
            return await http.ask("Event 17", "/events/17", {})

    started = time.monotonic()
    found = asyncio.run(asked())
    assert found.kind == kind
    assert found.body == (b'{"ok": true}' if kind == "received" else None)
    assert "endpoint" not in (found.note or "")  # a body may repeat a key
    assert time.monotonic() - started < 4


@pytest.mark.parametrize(
    "first",
    [BUSY, json_reply(status=500), json_reply(status=408), truncated(), after(0.5, OK), json_reply(status=429)],
)
def test_s1_what_may_pass_is_asked_again(server: ScriptedServer, first: Any) -> None:
    server.script(first, OK)
    answer, _ = ask(server.url, read_seconds=0.2)
    assert (answer.status, answer.body) == ("received", b'{"ok": true}')
    assert len(server.asked) == 2


def test_a_challenge_page_behind_a_passing_status_is_still_passing(server: ScriptedServer) -> None:
    server.script(Response("<html>", 502, media_type="text/html"), OK)
    assert ask(server.url)[0].status == "received"


def test_a_reset_connection_is_asked_again() -> None:
    reply = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    with resetting(2, reply) as (url, tally):
        answer, _ = ask(url)
        assert (answer.status, len(tally)) == ("received", 3)


def test_nobody_listening_fails_within_the_deadline_and_says_so() -> None:
    with resetting(0, b"") as (url, _):
        pass
    answer, seconds = ask(url)
    assert (answer.status, answer.http_status) == ("failed", None)
    assert answer.note is not None
    assert "ConnectError" in answer.note
    assert seconds < 1.5


def test_s1_a_failure_that_does_not_pass_ends_with_the_deadline(server: ScriptedServer) -> None:
    server.script(BUSY)
    answer, seconds = ask(server.url)
    assert (answer.status, answer.http_status) == ("failed", 503)
    assert len(server.asked) > 2
    assert seconds < 1.5
    assert answer.note is not None
    assert f"(503). Given up after {len(server.asked)} attempts; the next tick tries again." in answer.note


def test_a_trickle_without_end_is_cut_by_the_deadline(server: ScriptedServer) -> None:
    server.script(drip)
    answer, seconds = ask(server.url, deadline_seconds=0.4)
    assert (answer.status, answer.body) == ("failed", None)
    assert answer.note is not None
    assert "within the deadline of 0.4 s" in answer.note
    assert seconds < 1.0


def test_an_answer_without_end_in_size_is_cut(server: ScriptedServer) -> None:
    server.script(json_reply(b" " * 5_000), OK)
    answer, _ = ask(server.url, largest_answer_bytes=1_000)
    assert (answer.status, answer.body, len(server.asked)) == ("failed", None, 1)


def test_s1_retry_after_in_seconds_is_obeyed(server: ScriptedServer) -> None:
    server.script(json_reply(status=429, retry_after="1"), OK)
    answer, _ = ask(server.url, deadline_seconds=3)
    assert answer.status == "received"
    assert server.asked[1].at - server.asked[0].at >= 0.99


def test_s1_retry_after_as_a_date_is_obeyed(server: ScriptedServer) -> None:
    date = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)
    server.script(json_reply(status=429, retry_after=format_datetime(date, usegmt=True)), OK)
    answer, _ = ask(server.url, deadline_seconds=4)
    assert answer.status == "received"
    assert datetime.now(UTC) >= date
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_s1_retry_after_past_the_deadline_fails_at_once_as_passing(server: ScriptedServer, status: int) -> None:
    server.script(json_reply(status=status, retry_after="600"))
    answer, seconds = ask(server.url)
    assert (answer.status, answer.http_status) == ("failed", status)
    assert (len(server.asked), seconds < 0.5) == (1, True)
    assert answer.note is not None
    assert "asks to wait 600 s, past what is left of the deadline: it counts as passing" in answer.note


def test_one_429_slows_everyone_down(server: ScriptedServer) -> None:
    server.script(json_reply(status=429, retry_after="600"))

    async def scenario(marketplace: VividSeats) -> list[Answer]:
        return [await marketplace.listings(str(number), AT) for number in range(3)]

    answers, _ = run(server.url, scenario)
    assert [answer.status for answer in answers] == ["failed"] * 3
    assert len(server.asked) == 1
    assert answers[2].note is not None
    assert "Production 2 was not asked" in answers[2].note


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Sat, 31 Oct 2026 23:50:30 GMT", 30.0),
        ("Saturday, 31-Oct-26 23:50:30 GMT", 30.0),
        ("Sat, 31 Oct 2026 23:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("9" * 400, 999_999_999.0),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, AT) == seconds


def test_s5_one_bad_event_among_many_costs_that_event_alone(server: ScriptedServer) -> None:
    async def all_but_one(request: Request) -> Response:
        return BUSY if request.query_params["productionId"] == "13" else OK

    server.script(all_but_one)

    async def scenario(marketplace: VividSeats) -> list[Answer]:
        return await asyncio.gather(*(marketplace.listings(str(number), AT) for number in range(60)))

    answers, seconds = run(server.url, scenario)
    assert [answer.external_id for answer in answers if answer.status != "received"] == ["13"]
    assert seconds < 2


def test_no_more_connections_at_once_than_are_of_use(server: ScriptedServer) -> None:
    server.script(after(0.02, OK))

    async def scenario(marketplace: VividSeats) -> list[Answer]:
        return await asyncio.gather(*(marketplace.listings(str(number), AT) for number in range(80)))

    answers, _ = run(server.url, scenario)
    assert {answer.status for answer in answers} == {"received"}
    assert 1 < server.most_at_once <= CONNECTIONS


def test_a_long_queue_never_eats_an_events_deadline(server: ScriptedServer) -> None:
    async def scenario(marketplace: VividSeats) -> list[Answer]:
        return await asyncio.gather(*(marketplace.listings(str(number), AT) for number in range(30)))

    answers, seconds = run(server.url, scenario, requests_per_second=40, deadline_seconds=0.3)
    assert {answer.status for answer in answers} == {"received"}
    assert seconds > 0.7


@pytest.mark.parametrize("reply", [OK, BUSY, json_reply(status=404)])
def test_s2_the_pace_holds_and_a_fast_error_never_speeds_us_up(server: ScriptedServer, reply: Response) -> None:
    server.script(reply)

    async def scenario(marketplace: VividSeats) -> None:
        await asyncio.gather(*(marketplace.listings(str(number), AT) for number in range(20)))

    run(server.url, scenario, requests_per_second=50, first_backoff_seconds=0.001, deadline_seconds=0.3)
    times = [asked.at for asked in server.asked]
    assert len(times) >= 20
    assert (len(times) - 1) / (times[-1] - times[0]) < 75  # 50, and what a busy machine squeezes


def test_a_cancelled_tick_stops_at_once(server: ScriptedServer) -> None:
    server.script(after(0.5, OK))

    async def scenario(marketplace: VividSeats) -> None:
        async with asyncio.timeout(0.1):
            await marketplace.listings("17", AT)

    with pytest.raises(TimeoutError):
        run(server.url, scenario)


def test_the_pace_returns_what_the_attempt_settled_on() -> None:
    async def scenario() -> Reply:
        async def attempt() -> Reply:
            return Reply("received", 200, b"x")

        return await Pace(LocalRateLimiter(RateLimits())).ask("Something", attempt)

    assert asyncio.run(scenario()).body == b"x"


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


def test_a_simulator_over_http_is_the_same_market_as_in_process() -> None:
    market = Market(seed=1, events=3)
    chosen = str(market.productions(AT)[1].production_id)
    past = AT - timedelta(days=20)

    async def scenario(marketplace: Marketplace) -> tuple[bytes | None, list[MarketplaceEvent]]:
        answer = await marketplace.listings(chosen, past)
        return answer.body, [one async for one in marketplace.upcoming_events()]

    async def in_process() -> tuple[bytes | None, list[MarketplaceEvent]]:
        async with SimulatedMarketplace(seed=1, events=3, clock=lambda: AT) as marketplace:
            return await scenario(marketplace)

    with served(build_app(market, clock=lambda: AT)) as url:
        over_http, _ = run(url, scenario, source="simulator", simulated=True)
    assert over_http == asyncio.run(in_process())
    assert len(over_http[1]) == 3


def item(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": number, "name": f"Event {number}", "utcDate": "2026-12-24T20:00:00Z"} | changes


def page(*items: dict[str, Any], pages: int = 1) -> Response:
    return json_reply(json.dumps({"page": 1, "numberOfPages": pages, "items": items}).encode())


async def all_of(marketplace: VividSeats, **rule: str) -> list[MarketplaceEvent]:
    return [production async for production in marketplace.upcoming_events(**rule)]


def test_details_make_a_production(server: ScriptedServer) -> None:
    server.script(json_reply(json.dumps(item(17)).encode()))
    production, _ = run(server.url, lambda marketplace: marketplace.event("17"))
    assert (production.external_id, production.date) == ("17", datetime(2026, 12, 24, 20, tzinfo=UTC))
    assert server.asked[0].path == "/productions/17/details"
    assert server.asked[0].params == {"currency": "USD"}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (json_reply(status=404), Missing),
        (json_reply(status=403), Blocked),
        (BUSY, Unreachable),
        (json_reply(b"[]"), Refused),
        (json_reply(json.dumps(item(18)).encode()), Refused),
        (json_reply(json.dumps(item(17, dateTbd=True)).encode()), NoDate),
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


def test_all_pages_are_read_without_parking_hidden_or_undated_ones(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.script(
        page(item(1), item(2, hidden=True), item(3, name="PARKING: Event 1"), pages=2),
        page(item(1), item(4, dateTbd=True), item(5), pages=2),
    )
    with caplog.at_level(logging.WARNING):
        found, _ = run(server.url, lambda marketplace: all_of(marketplace, performer_id="369", query="x"))
    assert [production.external_id for production in found] == ["1", "5"]
    assert "Production 4 (Event 4) has no date yet" in caplog.text
    assert [asked.params["page"] for asked in server.asked] == ["1", "2"]
    assert server.asked[0].params["performerId"] == "369"
    assert server.asked[0].params["excludeParking"] == "true"
    assert "venueId" not in server.asked[0].params


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
        seen = [(await anext(productions)).external_id]
        with pytest.raises(Blocked, match="page 2"):
            await anext(productions)
        return seen

    assert run(server.url, scenario)[0] == ["1"]


@pytest.mark.parametrize("url", ["", "vividseats.com", "ftp://vividseats.com", "http://"])
def test_an_address_that_is_none_is_refused_when_it_is_given(url: str) -> None:
    with pytest.raises(ValueError, match="http or https URL"):
        VividSeats(url, "x")


def test_a_pace_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        VividSeats("http://127.0.0.1", "x", requests_per_second=0)


def test_it_is_used_inside_async_with() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(VividSeats("http://127.0.0.1", "x").listings("17", AT))


def opened(url: str | None, source: str | None) -> Marketplace:
    return open_marketplace(Settings(marketplace_url=url, marketplace_source=source, user_agent="x"))


@pytest.mark.parametrize(
    ("url", "source", "expected", "knows_the_past"),
    [
        (None, None, "simulator", True),
        (None, "simulator", "simulator", True),
        ("https://example.org/api", None, "vividseats", False),
        ("https://example.org/api", "elsewhere", "elsewhere", False),
        ("http://127.0.0.1:8001", "simulator", "simulator", True),
    ],
)
def test_the_settings_name_the_marketplace(
    url: str | None, source: str | None, expected: str, knows_the_past: bool
) -> None:
    marketplace = opened(url, source)
    assert (marketplace.source, marketplace.knows_the_past) == (expected, knows_the_past)


def test_the_simulator_is_never_filed_under_another_name() -> None:
    with pytest.raises(ValueError, match="MARKETPLACE_SOURCE"):
        opened(None, "vividseats")


def test_a_marketplace_is_opened_by_its_line_in_the_registry() -> None:
    settings = Settings(
        marketplaces={
            "vividseats": {"url": "https://example.org/api"},
            "other": {"format": "simulator", "seed": 2, "events": 3},
            "served": {"format": "simulator", "url": "http://127.0.0.1:8001"},
        }
    )
    opened = open_marketplaces(settings)
    assert {source: (one.marketplace.knows_the_past, one.marketplace.paced) for source, one in opened.items()} == {
        "vividseats": (False, True),
        "other": (True, False),
        "served": (True, True),
    }
    with pytest.raises(KeyError, match="seatgeek is not watched here"):
        opened["seatgeek"]


@pytest.mark.parametrize(
    ("marketplaces", "words"),
    [
        ({"seatgeek": {"url": "https://example.org"}}, "has the format 'seatgeek', which nobody knows"),
        ({"vividseats": {"format": "simulator"}}, "real prices and made-up ones"),
        ({"simulator": {"format": "vividseats", "url": "https://example.org"}}, "real prices and made-up ones"),
        ({"vividseats": {}}, "has no URL"),
    ],
)
def test_marketplaces_that_contradict_themselves_are_refused(
    marketplaces: dict[str, dict[str, str]], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        open_marketplaces(Settings(marketplaces=marketplaces))


def test_every_request_is_counted_by_the_class_of_what_came_back(server: ScriptedServer) -> None:
    """Retries too: what a marketplace is asked is not what we wanted to know."""
    server.script(BUSY, BUSY, OK, json_reply(status=403), json_reply(status=404), after(5, OK))

    async def ask(marketplace: VividSeats) -> Counter[str]:
        for production in "1234":
            await marketplace.listings(production, AT)
        return marketplace.requests

    counted, _ = run(server.url, ask, deadline_seconds=0.5)
    assert counted == {"passing": 3, "received": 1, "blocked": 1, "missing": 1}
    assert counted.total() == len(server.asked) == 6
