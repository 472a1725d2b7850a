"""What is asked again, and when it ends: real HTTP on loopback."""

import asyncio
import gzip
import time
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tests.support.loopback_servers import BUSY, OK, ScriptedServer, after, drip, json_reply, resetting, truncated
from tests.support.scripted_client import AT, ask, run
from tickettape.marketplaces.http_client import PacedHttpClient, class_of_status
from tickettape.marketplaces.pacing import Class, Reply
from tickettape.marketplaces.protocol import Answer
from tickettape.marketplaces.vividseats import VividSeats


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (json_reply(status=404), "missing"),
        (json_reply(status=401), "blocked"),
        (json_reply(status=403), "blocked"),
        (Response("<html>are you human?</html>", media_type="text/html"), "blocked"),
        (Response(b"{}"), "blocked"),
        (json_reply(b"<!doctype html><html>are you human?</html>"), "blocked"),
        (json_reply(b"\xef\xbb\xbf \n<html></html>"), "blocked"),
        (json_reply(gzip.compress(b"<html></html>"), content_encoding="gzip"), "blocked"),
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
    [
        BUSY,
        json_reply(status=500),
        json_reply(status=408),
        truncated(),
        after(0.5, OK),
        json_reply(status=429),
        json_reply(b'{"global": [', content_encoding="identity"),  # cut off, with a length that fits
        json_reply(b'{"global": []} {'),
        json_reply(b'{"global": nothing}'),
        json_reply(b""),
        json_reply(gzip.compress(b'{"global": []}' * 100)[:-20], content_encoding="gzip"),
        json_reply(b"\x0b\x02\x80{}\x03", content_encoding="br"),  # not asked for, and we have no decoder
        json_reply(b'{"ok": false}', content_encoding="gzip, br"),
        json_reply(b"no gzip", content_encoding="gzip"),
    ],
)
def test_s1_what_may_pass_is_asked_again(server: ScriptedServer, first: Any) -> None:
    server.script(first, OK)
    answer, _ = ask(server.url, read_seconds=0.2)
    assert (answer.status, answer.body) == ("received", b'{"ok": true}')
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "reply",
    [
        json_reply(gzip.compress(b'{"ok": true}'), content_encoding="gzip"),
        json_reply(zlib.compress(b'{"ok": true}'), content_encoding="deflate"),
        json_reply(b'\xef\xbb\xbf{"ok": true}'),
        json_reply(b'{"ok": true}', content_encoding="Identity"),
    ],
)
def test_an_answer_in_a_form_that_was_asked_for_is_handed_on_as_json(server: ScriptedServer, reply: Response) -> None:
    server.script(reply)
    answer, _ = ask(server.url)
    assert (answer.status, answer.body, len(server.asked)) == ("received", b'{"ok": true}', 1)


def test_what_stays_cut_off_fails_and_is_no_format_to_be_mended(server: ScriptedServer) -> None:
    server.script(json_reply(b'{"global": ['))
    answer, _ = ask(server.url)
    assert (answer.status, answer.body) == ("failed", None)
    assert "12 bytes that are no whole JSON" in (answer.note or "")
    assert "wire_format" not in (answer.note or "")


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
    assert "failed at the marketplace (503)" in answer.note
    assert f"Gave up after {len(server.asked)} attempts. The next tick tries again." in answer.note


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
    assert (
        "asks to wait 600 s, longer than the time left for this event, so it counts as a temporary failure"
        in answer.note
    )


def test_s5_one_bad_event_among_many_costs_that_event_alone(server: ScriptedServer) -> None:
    async def all_but_one(request: Request) -> Response:
        return BUSY if request.query_params["productionId"] == "13" else OK

    server.script(all_but_one)

    async def scenario(marketplace: VividSeats) -> list[Answer]:
        return await asyncio.gather(*(marketplace.listings(str(number), AT) for number in range(60)))

    answers, seconds = run(server.url, scenario)
    assert [answer.external_id for answer in answers if answer.status != "received"] == ["13"]
    assert seconds < 2


def test_a_cancelled_tick_stops_at_once(server: ScriptedServer) -> None:
    server.script(after(0.5, OK))

    async def scenario(marketplace: VividSeats) -> None:
        async with asyncio.timeout(0.1):
            await marketplace.listings("17", AT)

    with pytest.raises(TimeoutError):
        run(server.url, scenario)


@pytest.mark.parametrize("url", ["", "vividseats.com", "ftp://vividseats.com", "http://"])
def test_an_address_that_is_none_is_refused_when_it_is_given(url: str) -> None:
    with pytest.raises(ValueError, match="http or https URL"):
        VividSeats(url, "x")


def test_it_is_used_inside_async_with() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(VividSeats("http://127.0.0.1", "x").listings("17", AT))


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
