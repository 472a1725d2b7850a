"""What is refused: kept with its reason, costing its event alone, and fed through again exactly once (S4, S5)."""

import json
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from orchestration.assets.events import events
from tests.support.commands import run
from tests.support.markets import TEN, watching
from tests.support.refused_answers import (
    MARKET,
    TICK,
    answered,
    change_currency,
    in_quarantine,
    read,
    replay,
    statuses,
    stored,
)
from tickettape.archive.archived_month_replay import ticks_waiting_for_month
from tickettape.cli import quarantine as quarantine_cli
from tickettape.database import Connection, Warehouse
from tickettape.marketplaces import HIGHEST_PRICE_CENTS, MarketplaceEvent
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.marketplaces.vividseats.read_catalogue import read_page
from tickettape.observations import (
    NotReplayable,
    Refusal,
    delete_replayed_before,
    read_answers,
    record_replayed,
    refused_payload,
)
from tickettape.observations.quarantine import settle_refusals


def test_s4_a_refused_answer_is_in_quarantine_with_its_reason_its_payload_and_its_run(connection: Connection) -> None:
    def numbers(answer: dict[str, Any]) -> None:
        for ticket in answer["tickets"]:
            ticket["p"] = 220.35

    bad, good = answered(connection, numbers, None)
    assert read(connection) == {bad: "rejected", good: "ok"}
    [refusal] = in_quarantine(connection)
    assert (refusal.event_key, refusal.tick, refusal.run_id) == (bad, TICK, "a run")
    assert "Expected `str | null`, got `float`" in refusal.reason
    payload = refused_payload(connection, refusal.quarantine_id)
    assert payload is not None
    assert json.loads(payload)["tickets"][0]["p"] == 220.35
    assert read(connection, again=True) == {bad: "rejected", good: "ok"}
    assert in_quarantine(connection) == [refusal]  # the same refusal is kept once


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


@pytest.mark.race
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


def test_a_voided_capture_is_not_brought_back_by_a_replay(connection: Connection, misread: pytest.MonkeyPatch) -> None:
    answered(connection, None)
    read(connection)
    misread.undo()
    connection.execute("update market.captures set status = 'void'")
    with pytest.raises(NotReplayable, match="void"):
        replay(connection, in_quarantine(connection)[0])


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
