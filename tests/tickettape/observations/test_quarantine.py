"""What is refused: kept with its reason, costing its event alone, and fed through again exactly once (S4, S5)."""

import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from orchestration import checks
from orchestration.assets.events import events
from tests.support.markets import TEN, add_event, watching
from tickettape.archive.archived_month_replay import ticks_waiting_for_month
from tickettape.cli import app
from tickettape.cli import quarantine as quarantine_cli
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.marketplaces import HIGHEST_PRICE_CENTS, MarketplaceEvent
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.marketplaces.simulator import answers as simulated
from tickettape.marketplaces.vividseats import read_listings
from tickettape.marketplaces.vividseats.read_catalogue import read_page
from tickettape.observations import (
    Capture,
    NotReplayable,
    Refusal,
    delete_replayed_before,
    floor_to_grid,
    list_refusals,
    quarantine_refused,
    read_answers,
    read_tick,
    record_replayed,
    refused_payload,
    replay_quarantined,
    store_captures,
    ticks_with_answers,
)
from tickettape.observations.quarantine import settle_refusals

TICK = floor_to_grid(TEN, datetime.now(UTC))
MARKET = SimulatedMarketplace(seed=7, events=6, clock=lambda: TICK)

Change = Callable[[dict[str, Any]], object]


def answered(connection: Connection, *changes: Change | None, source: str = "simulator") -> list[int]:
    """Captures of as many events with real answers of the simulator, changed; their event keys."""
    ensure_partitions(connection, [TICK])
    keys = []
    for production, change in zip(MARKET.market.productions(TICK), changes, strict=False):
        key = add_event(connection, str(production.production_id), source, date=production.date)
        answer = json.loads(simulated.listings(MARKET.market, production, TICK))
        if change:
            change(answer)
        body = json.dumps(answer).encode()
        store_captures(
            connection, [Capture(key, TICK, "received", http_status=200, fetched_at=TICK, answer=body)], None
        )
        keys.append(key)
    return keys


def read(connection: Connection, *, again: bool = False) -> dict[int, str]:
    verdicts, _ = read_tick(connection, MARKET, TICK, 0.05, "a run", only_received=not again)
    return {verdict.event_key: verdict.status for verdict in verdicts}


def statuses(connection: Connection) -> dict[int, str]:
    return dict(connection.execute("select event_key, status from market.captures").fetchall())


def stored(connection: Connection, event_key: int) -> list[Any]:
    return connection.execute(
        "select * from market.section_snapshots where event_key = %s order by section_key", [event_key]
    ).fetchall()


def in_quarantine(connection: Connection, **more: Any) -> list[Refusal]:
    return list_refusals(connection, **more)


def change_currency(answer: dict[str, Any]) -> None:
    answer["i18n"]["to"] = "CAD"


@pytest.fixture
def misread(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A parser with a fault, which refuses everything until it is mended with `.undo()`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_listings, "CURRENCY", "EUR")
        yield patch


def replay(connection: Connection, refusal: Refusal) -> str:
    return replay_quarantined(connection, MARKET, refusal, 0.05, "a replay")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_s4_a_refused_answer_is_in_quarantine_with_its_reason_its_payload_and_its_run(connection: Connection) -> None:
    bad, good = answered(connection, lambda answer: answer["tickets"][0].update(p=220.35), None)
    assert read(connection) == {bad: "rejected", good: "ok"}
    [refusal] = in_quarantine(connection)
    assert (refusal.event_key, refusal.tick, refusal.run_id) == (bad, TICK, "a run")
    assert "Expected `str | null`, got `float`" in refusal.reason
    payload = refused_payload(connection, refusal.quarantine_id)
    assert payload is not None
    assert json.loads(payload)["tickets"][0]["p"] == 220.35
    assert read(connection, again=True) == {bad: "rejected", good: "ok"}
    assert in_quarantine(connection) == [refusal]  # the same refusal is kept once


def test_s5_a_listing_that_names_another_group_than_its_sections_makes_its_answer_partial(
    connection: Connection,
) -> None:
    def stray(answer: dict[str, Any]) -> None:
        ticket = answer["tickets"][0]
        ticket["c"] = next(group["i"] for group in answer["groups"] if group["i"] != ticket["c"])

    bad, good = answered(connection, stray, None)
    assert read(connection) == {bad: "partial", good: "ok"}
    assert stored(connection, bad)


def test_s5_one_bad_event_among_many_costs_that_event_alone_even_at_the_edge_of_what_columns_hold(
    connection: Connection,
) -> None:
    """The limit is checked before the COPY: one row too large would fail the COPY of all events."""

    def dearest(cents: int) -> Change:
        def change(answer: dict[str, Any]) -> None:
            for ticket in answer["tickets"]:
                ticket.update(p=f"{cents // 100}.{cents % 100:02d}", aip=f"{cents // 100}.{cents % 100:02d}")

        return change

    def endless_name(answer: dict[str, Any]) -> None:
        answer["groups"][0]["n"] = "".join(chr(0x100 + number % 5000) for number in range(9000))
        answer["groups"][0]["nul \0"] = answer["x" * 5000] = ""

    above, at, usual, endless = answered(
        connection, dearest(HIGHEST_PRICE_CENTS + 1), dearest(HIGHEST_PRICE_CENTS), None, endless_name
    )
    assert read(connection) == {above: "rejected", at: "ok", usual: "ok", endless: "rejected"}
    of_name, of_price = in_quarantine(connection)
    assert (of_price.event_key, "21474836.48" in of_price.reason) == (above, True)
    assert (of_name.event_key, "of 9000 characters" in of_name.reason) == (endless, True)
    row = connection.execute(
        """select min(highest_price_cents), max(lowest_all_in_price_cents), max(price_sum_cents),
               bool_and(price_sum_cents = total_listings::bigint * %s), max(total_listings)
           from market.section_snapshots where event_key = %s""",
        [HIGHEST_PRICE_CENTS, at],
    ).fetchone()
    assert row
    highest, all_in, most, exact, listings = row
    assert highest == all_in == HIGHEST_PRICE_CENTS
    assert listings > 1
    assert most > HIGHEST_PRICE_CENTS
    assert exact
    assert stored(connection, usual)


def test_the_limit_of_a_price_is_what_its_columns_hold(connection: Connection) -> None:
    types = connection.execute(
        """select attname, format_type(atttypid, null) from pg_attribute
           where attrelid = 'market.section_snapshots'::regclass and attname like '%cents' and not attisdropped"""
    ).fetchall()
    sums = {("price_sum_cents", "bigint")}
    assert {kind for name, kind in types if (name, kind) not in sums} == {"integer"}
    assert sums < set(types)
    assert HIGHEST_PRICE_CENTS == 2**31 - 1


def test_a_mended_parser_replays_what_it_refused_once_as_if_it_had_never_refused_it(
    connection: Connection, misread: pytest.MonkeyPatch
) -> None:
    [event] = answered(connection, None)
    assert read(connection) == {event: "rejected"}
    [refusal] = in_quarantine(connection)
    assert replay(connection, refusal) == "rejected"  # not mended yet: it stays
    assert [one.quarantine_id for one in in_quarantine(connection)] == [refusal.quarantine_id]
    misread.undo()
    assert replay(connection, refusal) == "ok"
    assert statuses(connection) == {event: "ok"}
    replayed = stored(connection, event)
    assert replayed
    assert read(connection, again=True) == {event: "ok"}
    assert stored(connection, event) == replayed
    assert in_quarantine(connection) == []
    with pytest.raises(NotReplayable, match="replayed by another process"):
        replay(connection, refusal)
    with pytest.raises(NotReplayable, match="was already replayed"):
        replay(connection, in_quarantine(connection, replayed_too=True)[0])


def test_a_replay_needs_only_the_quarantine_when_the_stored_answers_are_gone(
    connection: Connection, misread: pytest.MonkeyPatch
) -> None:
    [event] = answered(connection, None)
    read(connection)
    misread.undo()
    connection.execute("delete from market.capture_payloads")
    assert replay(connection, in_quarantine(connection)[0]) == "ok"
    assert stored(connection, event)


def test_stored_answers_that_are_read_again_by_the_hour_leave_the_quarantine_too(
    connection: Connection, misread: pytest.MonkeyPatch
) -> None:
    event, other = answered(connection, None, change_currency)
    read(connection)
    misread.undo()
    assert read(connection, again=True) == {event: "ok", other: "rejected"}
    [left] = in_quarantine(connection)
    assert (left.event_key, "in CAD instead of USD" in left.reason) == (other, True)  # the newest reason


def both(warehouse: Warehouse, refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two replays of one refusal: the second begins while the first is between reading and commit."""
    inside, go_on = threading.Event(), threading.Event()
    settle = settle_refusals

    def slow_settle(*arguments: Any) -> int:
        done = settle(*arguments)
        if not inside.is_set():
            inside.set()
            go_on.wait(10)
        return done

    monkeypatch.setattr(read_answers, "settle_refusals", slow_settle)

    def one() -> str:
        with warehouse.connection() as connection:
            try:
                return replay(connection, refusal)
            except NotReplayable as reason:
                return str(reason)

    def waits_for_the_first() -> bool:
        with warehouse.connection() as connection:
            row = connection.execute(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            ).fetchone()
            return bool(row and row[0])

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(one)
        assert inside.wait(10)
        second = pool.submit(one)
        while not waits_for_the_first() and not second.done():
            pass
        go_on.set()
        return [first.result(10), second.result(10)]


def test_two_replays_at_once_are_one(
    warehouse: Warehouse, connection: Connection, misread: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(connection, None)
    read(connection)
    misread.undo()
    assert both(warehouse, in_quarantine(connection)[0], monkeypatch) == [
        "ok",
        "was just replayed by another process.",
    ]


def test_control_without_the_lock_on_the_refusal_two_replays_are_two(
    warehouse: Warehouse, connection: Connection, misread: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(connection, None)
    read(connection)
    misread.undo()
    monkeypatch.setattr(read_answers, "lock_unreplayed_payload", refused_payload)
    assert both(warehouse, in_quarantine(connection)[0], monkeypatch) == ["ok", "ok"]


def test_what_is_held_for_a_month_comes_back_with_the_month_and_what_is_not_an_answer_on_its_own_way(
    connection: Connection,
) -> None:
    [event] = answered(connection, None)
    connection.execute("update market.months set state = 'archived'")
    store_captures(connection, [Capture(event, TICK, "received", answer=b"{}")], None)
    quarantine_refused(
        connection, source="simulator", external_id=None, tick=None, reason="a page", payload=b"[]", run_id=None
    )
    quarantine_refused(
        connection, source="elsewhere", external_id="1", tick=TICK, reason="theirs", payload=b"[]", run_id=None
    )
    quarantine_refused(
        connection, source="simulator", external_id="unknown", tick=TICK, reason="whose?", payload=b"[]", run_id=None
    )
    known = str(MARKET.market.productions(TICK)[0].production_id)
    quarantine_refused(
        connection, source="simulator", external_id=known, tick=TICK, reason="archived", payload=b"[]", run_id=None
    )
    words = [
        "is archived: run `tickettape restore",
        "unknown event unknown",
        "is from elsewhere",
        "catalogue",
        "--replay-late",
    ]
    for refusal, word in zip(in_quarantine(connection), words, strict=True):
        with pytest.raises(NotReplayable, match=word):
            replay(connection, refusal)
    assert len(in_quarantine(connection)) == 5


def test_a_voided_capture_is_not_brought_back_by_a_replay(connection: Connection, misread: pytest.MonkeyPatch) -> None:
    answered(connection, None)
    read(connection)
    misread.undo()
    connection.execute("update market.captures set status = 'void'")
    with pytest.raises(NotReplayable, match="void"):
        replay(connection, in_quarantine(connection)[0])


def test_the_quarantine_is_listed_shown_and_replayed_by_command(
    connection: Connection, misread: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(connection, None, None)
    read(connection)
    refreshed: list[Connection] = []
    monkeypatch.setattr(quarantine_cli, "refresh_all", refreshed.append)
    code, output = run("quarantine")
    assert code == 0
    assert "2 answer refused" in output
    assert output.count("instead of EUR") == 2
    newest, oldest = in_quarantine(connection)
    shown = CliRunner().invoke(app, ["quarantine", "show", str(newest.quarantine_id)]).stdout_bytes
    assert shown == refused_payload(connection, newest.quarantine_id)
    assert run("quarantine", "replay", str(newest.quarantine_id))[0] == 1  # still refused
    misread.undo()
    assert run("quarantine", "replay")[0] == 2
    assert run("quarantine", "replay", "99")[0] == 1
    assert "is now ok" in run("quarantine", "replay", str(newest.quarantine_id))[1]
    code, output = run("quarantine", "replay", "--all")
    assert (code, "1 of 1 replayed" in output) == (0, True)
    assert len(refreshed) == 3
    assert "nothing" in run("quarantine")[1]
    assert run("quarantine", "--replayed")[1].count(", replayed ") == 2
    assert oldest.quarantine_id < newest.quarantine_id


def test_what_came_before_its_month_was_made_is_replayed_once_it_is(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    [event] = answered(connection, None)
    [(payload,)] = connection.execute("select answer_zstd from market.capture_payloads").fetchall()
    connection.execute("update market.quarantine set replayed_at = now()")
    connection.execute("delete from market.captures")
    connection.execute("delete from market.capture_payloads")
    connection.execute(
        """insert into market.quarantine (source, external_id, tick, reason, payload_zstd, held_for)
           select source, external_id, %s, 'no partition', %s, date_trunc('month', %s::timestamptz, 'UTC')::date
           from market.events""",
        [TICK, payload, TICK],
    )
    monkeypatch.setattr(quarantine_cli, "refresh_all", lambda connection: None)
    monkeypatch.setattr(quarantine_cli, "open_marketplaces", lambda settings: watching(MARKET))
    run("quarantine", "replay", "--all")
    assert statuses(connection) == {event: "ok"}
    assert in_quarantine(connection) == []
    assert ticks_waiting_for_month(connection, MARKET, TICK.date().replace(day=1)) == 0


def test_a_run_reads_the_answers_of_its_own_source_alone(connection: Connection) -> None:
    """After a switch of marketplaces the other's answers wait: the same id there is another event."""
    [mine] = answered(connection, None)
    [theirs] = answered(connection, None, source="vividseats")
    assert read(connection) == {mine: "ok"}
    assert statuses(connection) == {mine: "ok", theirs: "received"}
    assert read(connection, again=True) == {mine: "ok"}
    begin, end = TICK - TEN, TICK + TEN
    assert ticks_with_answers(connection, "simulator", begin, end, only_received=True) == []
    assert ticks_with_answers(connection, "simulator", begin, end, only_received=False) == [TICK]
    assert ticks_with_answers(connection, "vividseats", begin, end, only_received=True) == [TICK]
    assert ticks_with_answers(connection, "other", begin, end, only_received=False) == []


def test_s4_a_new_field_is_noted_once_and_a_marketplaces_first_answers_are_no_news(connection: Connection) -> None:
    def lines() -> list[Any]:
        return connection.execute("select level, message, metadata from market.scraper_logs order by id").fetchall()

    def add_field(answer: dict[str, Any]) -> None:
        answer["tickets"][-1]["surprise"] = "1"

    answered(connection, None)
    read(connection)
    assert lines() == []
    [_, event] = answered(connection, None, add_field)
    assert read(connection) == {event: "ok"}
    [(level, message, metadata)] = lines()
    assert (level, metadata) == ("WARNING", {"new fields": ["tickets.surprise"]})
    assert "never seen before: tickets.surprise" in message
    read(connection, again=True)
    assert len(lines()) == 1
    noted = connection.execute(
        """select external_id from market.answer_fields where field = 'tickets.surprise'"""
    ).fetchall()
    assert noted == [(str(MARKET.market.productions(TICK)[1].production_id),)]


def test_the_reconciliation_shows_the_answers_own_totals_by_zones_by_sections_and_in_all(
    warehouse: Warehouse, connection: Connection
) -> None:
    def hide_a_group(answer: dict[str, Any]) -> None:
        group = max(answer["groups"], key=lambda group: int(group["q"]))
        group["q"] = str(int(group["q"]) + 1000)

    def check() -> Any:
        return checks.reconciliation(warehouse=warehouse, marketplaces=watching(MARKET))

    good, _ = answered(connection, None, hide_a_group)
    connection.execute("update market.captures set status = 'failed' where event_key != %s", [good])
    read(connection)
    result = check()
    assert result.passed
    figures = {name: value.value for name, value in result.metadata.items()}
    assert figures["events"] == 1
    tickets = [figures[f"tickets {word}"] for word in ("stated", "stated by zones", "stated by sections", "counted")]
    assert len(set(tickets)) == 1
    assert tickets[0] == figures["tickets stored"] > 100

    connection.execute("update market.captures set status = 'received' where event_key != %s", [good])
    read(connection)
    result = check()
    assert not result.passed
    figures = {name: value.value for name, value in result.metadata.items()}
    assert (figures["events"], figures["partial answers"]) == (2, 1)
    assert figures["tickets stated by zones"] == figures["tickets counted"] + 1000
    assert figures["tickets stated"] == figures["tickets stated by sections"] == figures["tickets counted"]
    assert "1 of 2 answers" in str(result.description)


def test_answers_that_are_refused_warn_with_their_first_reason(warehouse: Warehouse, connection: Connection) -> None:
    def check() -> Any:
        return checks.answers_understood(warehouse=warehouse, marketplaces=watching(MARKET))

    assert check().passed  # nothing was read yet
    answered(connection, None, change_currency)
    assert check().passed
    read(connection)
    result = check()
    assert not result.passed
    assert "1 of 2 answers were refused" in result.description
    assert "in CAD instead of USD" in result.description
    connection.execute("update market.captures set status = 'ok'")
    assert check().passed


def test_what_was_replayed_is_forgotten_in_time_and_what_was_not_is_kept(connection: Connection) -> None:
    answered(connection, change_currency, change_currency)
    read(connection)
    first, _ = in_quarantine(connection)
    record_replayed(connection, first.quarantine_id)
    assert delete_replayed_before(connection, TICK - TEN) == 0
    assert delete_replayed_before(connection, datetime.now(UTC)) == 1
    assert len(in_quarantine(connection, replayed_too=True)) == 1


class ChangedCatalogue(SimulatedMarketplace):
    """A market whose list of productions is in a format of tomorrow."""

    async def upcoming_events(self, **_: Any) -> AsyncIterator[MarketplaceEvent]:
        read_page(b'{"items": {}, "numberOfPages": 1}', "The productions")
        yield  # type: ignore[misc]  # never reached: what makes this a generator


def test_s4_a_refused_page_of_the_catalogue_is_in_quarantine_once_and_the_tick_goes_on(
    warehouse: Warehouse, connection: Connection
) -> None:
    resources = {"warehouse": warehouse, "marketplaces": watching(ChangedCatalogue(seed=7, events=2))}
    for _ in range(2):
        assert dg.materialize([events], resources=resources).success
    [refusal] = in_quarantine(connection)
    assert (refusal.external_id, refusal.tick) == (None, None)
    assert refusal.reason.startswith("search simulated: The productions are not in the expected format")
    assert refused_payload(connection, refusal.quarantine_id) == b'{"items": {}, "numberOfPages": 1}'
