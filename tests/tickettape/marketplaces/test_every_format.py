"""What holds for the adapter of every marketplace with listings: the scenarios S1 to S6, and its numbers."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.support.loopback_servers import BUSY, OK, ScriptedServer, after, json_reply, served
from tests.support.markets import TEN
from tests.support.spoken_formats import AT, FORMATS_SPOKEN, RecordedEvent, Spoken, recorded_events, run
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces.breaker import BreakerPolicy
from tickettape.marketplaces.protocol import Answer, Marketplace, MarketplaceEvent, Refused
from tickettape.marketplaces.rate_limiter import LocalRateLimiter, Rate, RateLimits
from tickettape.marketplaces.simulator import Market
from tickettape.marketplaces.simulator.changed_answers import CHANGES
from tickettape.marketplaces.simulator.faults import _CHANGES as VIVIDSEATS_CHANGES
from tickettape.marketplaces.simulator.faults import Fault, Faulty
from tickettape.observations import capture_tick, floor_to_grid, read_tick

every_format = pytest.mark.parametrize("spoken", FORMATS_SPOKEN, ids=str)
TICK = floor_to_grid(TEN, datetime.now(UTC))
IMPATIENT: dict[str, Any] = {"deadline_seconds": 1.0, "first_backoff_seconds": 0.02}


def ask(spoken: Spoken, url: str, event_id: str = "17", **options: Any) -> Answer:
    marketplace = spoken.client(url, **(IMPATIENT | options))
    return run(marketplace, lambda it: it.listings(event_id, AT))


@every_format
@pytest.mark.parametrize(
    ("status", "captured"), [(404, "missing"), (401, "blocked"), (403, "blocked"), (400, "failed")]
)
def test_s1_what_will_not_pass_is_asked_once(
    server: ScriptedServer, spoken: Spoken, status: int, captured: str
) -> None:
    server.script(json_reply(status=status), OK)
    answer = ask(spoken, server.url)
    assert (answer.status, answer.http_status, answer.body) == (captured, status, None)
    assert str(status) in (answer.note or "")
    assert len(server.asked) == 1


@every_format
@pytest.mark.parametrize("wait", ["0", format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)])
def test_s1_what_may_pass_is_asked_again_and_retry_after_is_obeyed(
    server: ScriptedServer, spoken: Spoken, wait: str
) -> None:
    server.script(BUSY, json_reply(status=429, retry_after=wait), after(3.0, OK), OK)
    answer = ask(spoken, server.url, read_seconds=0.2)
    assert answer.status == "received"
    assert len(server.asked) == 3 + run(spoken.client(server.url), _requests_per_poll)


@every_format
def test_s1_retry_after_past_the_deadline_fails_at_once(server: ScriptedServer, spoken: Spoken) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    for wait in ("60", until):
        server.script(json_reply(status=429, retry_after=wait), OK)
        started = time.monotonic()
        answer = ask(spoken, server.url, deadline_seconds=20.0)
        assert (answer.status, answer.kind) == ("failed", "throttled")
        assert time.monotonic() - started < 10
        assert len(server.asked) == 1


async def _requests_per_poll(marketplace: Marketplace) -> int:
    return marketplace.requests_per_poll


@every_format
@pytest.mark.parametrize("replies", [(OK,), (BUSY,)], ids=["answers", "fast errors"])
def test_s2_s3_two_rates_hold_at_once_and_a_fast_error_never_speeds_us_up(
    server: ScriptedServer, spoken: Spoken, replies: tuple[Any, ...]
) -> None:
    server.script(*replies)
    rates = (Rate(2, 0.1), Rate(4, 0.4))
    marketplace = spoken.client(server.url, limiter=LocalRateLimiter(RateLimits(rates)), deadline_seconds=0.3)

    async def ask_all(it: Marketplace) -> None:
        await asyncio.gather(*(it.listings(str(number), AT) for number in range(5)))

    run(marketplace, ask_all)
    times = [one.at for one in server.asked]
    assert len(times) >= 5
    for rate in rates:
        assert max(sum(at <= other < at + rate.seconds for other in times) for at in times) <= rate.requests


@every_format
def test_s4_a_new_field_is_ignored_and_named_and_a_changed_or_missing_one_is_refused(spoken: Spoken) -> None:
    market = Market(seed=5, events=3)
    event_id = spoken.id_of(market.productions(AT)[0].production_id)
    changes: dict[Any, Callable[[Any], Any]] = CHANGES.get(spoken.name) or {**VIVIDSEATS_CHANGES}

    def captured(fault: Fault | None) -> tuple[Marketplace, bytes]:
        app = Faulty(spoken.build_app(market, lambda: AT), {fault: 1.0} if fault else {}, changes=changes)
        with served(app) as url:
            marketplace = spoken.served(url)
            body = run(marketplace, lambda it: it.listings(event_id, AT)).body
        assert body is not None
        return marketplace, body

    marketplace, plain = captured(None)
    _, new = captured(Fault.NEW_FIELD)
    before, after_it = (marketplace.read_listings(body, event_id, 0.05) for body in (plain, new))
    assert before.listings == after_it.listings
    assert {name.rpartition(".")[2] for name in marketplace.fields(new) - marketplace.fields(plain)} == {"mood"}
    for fault in (Fault.CHANGED_TYPE, Fault.MISSING_FIELD):
        with pytest.raises(Refused):
            marketplace.read_listings(captured(fault)[1], event_id, 0.05)


@every_format
def test_s5_one_bad_event_among_many_costs_that_event_alone(connection: Connection, spoken: Spoken) -> None:
    market = Market(seed=5, events=8)
    app = spoken.build_app(market, lambda: TICK)
    bad = spoken.id_of(market.productions(TICK)[3].production_id)
    broken = Faulty(app, {Fault.FORBIDDEN: 1.0})

    async def served_app(scope: Scope, receive: Receive, send: Send) -> None:
        await (broken if bad.encode() in scope.get("query_string", b"") else app)(scope, receive, send)

    with served(served_app) as url:
        marketplace = spoken.served(url)
        found = asyncio.run(discover_events(marketplace, "search", "simulated"))
        upsert_events(connection, "simulator", map(asdict, found.events))
        ensure_partitions(connection, [TICK])
        capture_tick(connection, marketplace, TICK, None, "a-test")
        read_tick(connection, marketplace, TICK, 0.05, "a-test", only_received=True)
    assert (len(found.events), found.refused) == (8, [])
    rows = connection.execute(
        """select status, count(*)::int, min(external_id)
           from market.captures inner join market.events using (event_key)
           group by 1 order by 1"""
    ).fetchall()
    assert [(status, count) for status, count, _ in rows] == [("blocked", 1), ("ok", 7)]
    assert rows[0][2] == bad


@every_format
def test_s6_a_blocked_marketplace_opens_the_breaker_and_it_closes_by_itself(
    server: ScriptedServer, spoken: Spoken
) -> None:
    server.script(json_reply(status=403))
    limits = RateLimits(policy=BreakerPolicy(in_a_row=3, wait_seconds=0.3))
    marketplace = spoken.client(server.url, limiter=LocalRateLimiter(limits), **IMPATIENT)

    async def ask_in_turn(it: Marketplace) -> list[Answer]:
        answers = [await it.listings(str(number), AT) for number in range(8)]
        server.script(OK)
        await asyncio.sleep(0.35)
        return [*answers, await it.listings("9", AT), await it.listings("10", AT)]

    answers = run(marketplace, ask_in_turn)
    assert [one.status for one in answers] == ["blocked"] * 3 + ["missed"] * 5 + ["received"] * 2
    assert all(one.body is None for one in answers[:8])  # nothing that could be read as sold out


@every_format
def test_the_catalogue_is_listed_whole_and_an_entry_that_cannot_be_read_costs_itself(spoken: Spoken) -> None:
    market = Market(seed=5, events=230)  # three pages of a hundred
    app = spoken.build_app(market, lambda: AT)
    bad = spoken.id_of(market.productions(AT)[150].production_id)

    async def spoiled(scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        started: Any = {}

        async def keep(message: Any) -> None:
            nonlocal body, started
            started = message if message["type"] == "http.response.start" else started
            body += message.get("body", b"")

        await app(scope, receive, keep)
        key = b'"id":"%s"' % bad.encode() if spoken.name == "gametime" else b'"id":%s' % bad.encode()
        before, key, behind = body.partition(key)
        body = before + key + behind.replace(b'"name":"', b'"nome":"', 1)
        headers = {key.decode(): value.decode() for key, value in started["headers"] if key != b"content-length"}
        await Response(body, started["status"], headers)(scope, receive, send)

    async def listed(it: Marketplace) -> list[MarketplaceEvent | Refused]:
        return [one async for one in it.upcoming_events(query="simulated")]

    with served(spoiled) as url:
        found = run(spoken.served(url), listed)
    events = [one for one in found if isinstance(one, MarketplaceEvent)]
    refused = [one for one in found if isinstance(one, Refused)]
    assert {one.external_id for one in events} == {
        spoken.id_of(one.production_id) for one in market.productions(AT)
    } - {bad}
    assert [bad in one.reason for one in refused] == [True]


@pytest.mark.parametrize("recorded", recorded_events(), ids=str)
@pytest.mark.parametrize("perturbed", [False, True], ids=["as it is", "perturbed"])
def test_every_number_of_an_answer_equals_a_calculation_of_its_own(
    connection: Connection, recorded: RecordedEvent, perturbed: bool
) -> None:
    if perturbed:
        perturb(recorded)
    event = {"external_id": recorded.event_id, "name": "An event", "venue": "A house", "date": TICK + timedelta(days=3)}
    nothing = dict.fromkeys(
        ("city", "state", "country", "venue_time_zone", "category", "performer_id", "performer_name", "image_url")
    )
    with served(recorded.app) as url:
        marketplace = recorded.spoken.client(url + recorded.spoken.base_path)
        upsert_events(connection, marketplace.source, [nothing | event])
        ensure_partitions(connection, [TICK])
        capture_tick(connection, marketplace, TICK, None, "a-test")
        read_tick(connection, marketplace, TICK, 0.05, "a-test", only_received=True)
    assert connection.execute("select status, note from market.captures").fetchall() == [("ok", None)]
    rows = connection.execute(
        """select zones.external_id || '|' || sections.external_id, lowest_price_cents, price_sum_cents,
               highest_price_cents, lowest_price_1ticket_cents, lowest_price_2tickets_cents,
               lowest_price_4tickets_cents, lowest_all_in_price_cents, total_tickets, total_listings
           from market.section_snapshots as stored
           inner join market.sections using (event_key, section_key)
           inner join market.zones on zones.event_key = stored.event_key and zones.zone_key = sections.zone_key"""
    ).fetchall()
    stored = {place: (*(None if cents is None else Decimal(cents) / 100 for cents in row), tickets, listings)
              for place, *row, tickets, listings in rows}  # fmt: skip
    assert stored == recorded.rows
    assert len(stored) > 10


def perturb(recorded: RecordedEvent) -> None:
    """Change prices and quantities of some listings, and take some away, in the way of each format."""
    if recorded.spoken.name == "ticketevolution":
        answer = recorded.replies["/v9/listings"]
        kept = [one for index, one in enumerate(answer["ticket_groups"]) if index % 7]
        for one in kept[::3]:
            one["retail_price"] += Decimal("3.07")
        for one in kept[::5]:
            one["available_quantity"], one["splits"] = 4, [1, 4]
        answer["ticket_groups"] = kept
        stats = recorded.replies[f"/v9/events/{recorded.event_id}/stats"]
        stats |= {"ticket_groups_count": len(kept), "tickets_count": sum(one["available_quantity"] for one in kept)}
    else:
        answer = recorded.replies["/v1/listings"]
        kept = [one for index, one in enumerate(answer["listings"]) if index % 7]
        for one in kept[::3]:
            one["price"]["prefee"] -= 1
        for one in kept[::5]:
            one["lots"] = [1, 4]
        answer["listings"] = kept
        lowest = min(one["price"]["total"] for one in kept)
        for entry in recorded.replies["/v1/events"]["events"]:
            entry["event"]["min_price"] = {"total": lowest, "prefee": 0}
