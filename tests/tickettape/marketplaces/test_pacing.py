"""How fast the marketplace is asked, on a real HTTP server."""

import asyncio

import pytest
from starlette.responses import Response

from tests.support.loopback_servers import BUSY, OK, ScriptedServer, after, json_reply
from tests.support.scripted_client import AT, run
from tickettape.marketplaces.pacing import CONNECTIONS, Pace, Reply, retry_after_seconds
from tickettape.marketplaces.protocol import Answer
from tickettape.marketplaces.rate_limiter import LocalRateLimiter, RateLimits
from tickettape.marketplaces.vividseats import VividSeats


def test_one_429_slows_everyone_down(server: ScriptedServer) -> None:
    server.script(json_reply(status=429, retry_after="600"))

    async def scenario(marketplace: VividSeats) -> list[Answer]:
        return [await marketplace.listings(str(number), AT) for number in range(3)]

    answers, _ = run(server.url, scenario)
    assert [answer.status for answer in answers] == ["failed"] * 3
    assert len(server.asked) == 1
    assert answers[2].note is not None
    assert "Production 2 was not requested" in answers[2].note


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


def test_the_pace_returns_what_the_attempt_settled_on() -> None:
    async def scenario() -> Reply:
        async def attempt() -> Reply:
            return Reply("received", 200, b"x")

        return await Pace(LocalRateLimiter(RateLimits())).ask("Something", attempt)

    assert asyncio.run(scenario()).body == b"x"


def test_a_pace_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        VividSeats("http://127.0.0.1", "x", requests_per_second=0)
