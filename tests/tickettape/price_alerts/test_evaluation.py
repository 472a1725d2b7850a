"""Rules in the database: decided exactly once, whatever is killed, repeated, late or taken back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.markets import NOON, TEN
from tests.support.priced_listings import Show, add_rule, history, tenant_of
from tests.support.profiles import LONG
from tickettape.database import Connection, Warehouse, try_lock
from tickettape.observations import NothingToDo, undo_void, void_capture
from tickettape.price_alerts import evaluation, occasion_log
from tickettape.price_alerts.evaluation import evaluate_alerts

EVERY = {"simulator": TEN}
MINUTE = timedelta(minutes=1)


def evaluate(connection: Connection, tick: datetime, after: timedelta = MINUTE) -> dict[str, int]:
    """Evaluate a while after a tick. Returns what is new, by outcome."""
    done = evaluate_alerts(connection, tick + after, EVERY)
    assert done is not None
    return dict(done.outcomes)


@pytest.fixture
def show(connection: Connection) -> Show:
    return Show(connection)


def test_a_rule_tells_once_at_the_second_capture(connection: Connection, show: Show) -> None:
    add_rule(connection, tenant_of(connection), show)
    for number, capture in enumerate(["VB1:120", "VB1:95", "VB1:94", "VB1:95"]):
        show.shows(NOON + number * TEN, capture)
        evaluate(connection, NOON + number * TEN)
    assert history(connection) == [("tell", "12:20", "VB1", 94)]


@pytest.mark.parametrize("condition", [
    {"condition": "back", "price": None},
    {"condition": "few", "few": 4, "price": None},
])  # fmt: skip
def test_a_failed_or_partial_capture_says_nothing(
    connection: Connection, show: Show, condition: dict[str, Any]
) -> None:
    """It is neither sold out, nor are few left, nor is anything back."""
    add_rule(connection, tenant_of(connection), show, **condition)
    for number, (capture, status) in enumerate(
        [("A:90 B:90 C:90", "ok"), ("-", "partial"), ("A:90", "partial"), ("A:90 B:90 C:90", "ok")] * 2
    ):
        show.shows(NOON + number * TEN, capture, status)
        assert evaluate(connection, NOON + number * TEN) == {}
    assert history(connection) == []


def test_sold_out_and_back(connection: Connection, show: Show) -> None:
    add_rule(connection, tenant_of(connection), show, condition="back", price=None)
    for number, capture in enumerate(["A:90", "-", "-", "B:300", "B:300"]):
        show.shows(NOON + number * TEN, capture)
        evaluate(connection, NOON + number * TEN)
    assert history(connection) == [("tell", "12:40", "B", 300)]


def test_a_tick_that_is_evaluated_again_tells_nothing(connection: Connection, show: Show) -> None:
    add_rule(connection, tenant_of(connection), show, captures=1)
    show.shows(NOON, "VB1:95")
    assert evaluate(connection, NOON) == {"tell": 1}
    assert evaluate(connection, NOON) == {}
    connection.execute("truncate price_alerts.watermarks")  # as if somebody had lost it
    assert evaluate(connection, NOON) == {}


def test_a_replay_a_void_and_its_undo_tell_nothing_again(connection: Connection, show: Show) -> None:
    add_rule(connection, tenant_of(connection), show, captures=1)
    show.shows(NOON, "VB1:95")
    show.shows(NOON + TEN, "VB1:95")
    evaluate(connection, NOON + TEN)
    show.shows(NOON + TEN, "VB1:80")  # a replay reads another price
    assert evaluate(connection, NOON + TEN) == {}
    void_capture(connection, show.event_key, NOON + TEN, reason="wrong", by="a test")
    assert evaluate(connection, NOON + TEN) == {}
    undo_void(connection, show.event_key, NOON + TEN)
    assert evaluate(connection, NOON + TEN) == {}
    assert [outcome for outcome, *_ in history(connection)] == ["tell"]


def test_what_is_read_late_stands_in_the_history_as_missed(connection: Connection, show: Show) -> None:
    add_rule(connection, tenant_of(connection), show, captures=1)
    show.shows(NOON, "VB1:120")
    evaluate(connection, NOON)
    show.shows(NOON + 3 * TEN, "VB1:130")
    evaluate(connection, NOON + 3 * TEN)
    show.shows(NOON + TEN, "VB1:95")  # late: two captures are after it or before its end
    assert evaluate(connection, NOON + 3 * TEN) == {"missed": 1}
    assert evaluate(connection, NOON + 3 * TEN) == {}
    assert history(connection) == [("missed", "12:10", "VB1", 95)]
    assert connection.execute("select count(*) from price_alerts.deliveries").fetchone() == (0,)


def test_the_newest_capture_tells_only_while_it_is_fresh(connection: Connection, show: Show) -> None:
    add_rule(connection, tenant_of(connection), show, captures=1)
    show.shows(NOON, "VB1:95")
    assert evaluate(connection, NOON, after=2 * TEN + MINUTE) == {"missed": 1}
    show.shows(NOON + 3 * TEN, "VB1:95")  # it still holds, and now somebody looks in time
    assert evaluate(connection, NOON + 3 * TEN) == {"tell": 1}


def test_a_backfill_tells_nobody(connection: Connection, show: Show) -> None:
    add_rule(connection, tenant_of(connection), show, captures=1)
    show.shows(NOON, "VB1:120")
    evaluate(connection, NOON)
    for number in range(2, 6):
        show.shows(NOON - number * 12 * TEN, "VB1:95")
    assert evaluate(connection, NOON) == {}
    assert history(connection) == []


def test_several_captures_at_once_tell_only_of_the_newest(connection: Connection, show: Show) -> None:
    add_rule(connection, tenant_of(connection), show, captures=1)
    show.shows(NOON, "VB1:120")
    evaluate(connection, NOON)
    show.shows(NOON + TEN, "VB1:95")
    show.shows(NOON + 2 * TEN, "VB1:120 VB2:90")
    assert evaluate(connection, NOON + 2 * TEN) == {"missed": 1, "tell": 1}
    assert history(connection) == [("missed", "12:10", "VB1", 95), ("tell", "12:20", "VB2", 90)]


def test_a_lost_latest_state_is_made_again_from_the_history(connection: Connection, show: Show) -> None:
    add_rule(connection, tenant_of(connection), show)
    for number in range(2):
        show.shows(NOON + number * TEN, "VB1:95")
    connection.execute("truncate market.listing_latest_states")
    assert evaluate(connection, NOON + TEN) == {"tell": 1}


def test_rules_of_performers_venues_and_words_follow_their_events(connection: Connection, show: Show) -> None:
    tenant = tenant_of(connection)
    other = Show(connection, "2", name="A matinée", venue="The Barn", performer_id="10", performer_name="Nobody")
    for scope, about in (("performer", "9"), ("performer", "someone"), ("venue", "the hall"), ("search", "EVENING")):
        add_rule(connection, tenant, scope=scope, about=about, captures=1, name=f"{scope} {about}")
    for one in (show, other):
        one.shows(NOON, "VB1:95")
    assert evaluate(connection, NOON) == {"tell": 4}
    assert connection.execute("select distinct event_id from price_alerts.occasions").fetchall() == [(show.event_id,)]


def test_paused_and_expired_rules_tell_nothing(connection: Connection, show: Show) -> None:
    tenant = tenant_of(connection)
    add_rule(connection, tenant, show, captures=1, paused=True)
    add_rule(connection, tenant, show, captures=1, valid_until="2026-01-02 00:00Z")
    show.shows(NOON, "VB1:95")
    assert evaluate(connection, NOON) == {}


def test_a_rule_that_is_changed_has_told_nothing_yet(connection: Connection, show: Show) -> None:
    rule_id = add_rule(connection, tenant_of(connection), show, captures=1)
    show.shows(NOON, "VB1:95")
    assert evaluate(connection, NOON) == {"tell": 1}
    connection.execute("update price_alerts.rules set price = 96 where rule_id = %s", [rule_id])
    show.shows(NOON + TEN, "VB1:95")
    assert evaluate(connection, NOON + TEN) == {"tell": 1}


def test_a_tenant_is_never_told_of_an_event_that_it_may_not_see(connection: Connection, show: Show) -> None:
    left = tenant_of(connection, "left", sees_all=False)
    with pytest.raises(psycopg.DatabaseError, match="no such event"):
        add_rule(connection, left, show)
    add_rule(connection, left, scope="search", about="evening", captures=1)
    show.shows(NOON, "VB1:95")
    assert evaluate(connection, NOON) == {}
    connection.execute("insert into access.tenant_events values (%s, %s)", [left, show.event_id])
    show.shows(NOON + TEN, "VB1:95")
    assert evaluate(connection, NOON + TEN) == {"tell": 1}


class Killed(BaseException):
    """The end of a process in a place of the test's choice."""


STEPS = ["newest_states", "_read_asked", "write_watermarks"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("before", [True, False])
def test_an_evaluation_that_is_killed_anywhere_is_done_once_by_the_next(
    warehouse: Warehouse, connection: Connection, show: Show, monkeypatch: pytest.MonkeyPatch, step: str, before: bool
) -> None:
    add_rule(connection, tenant_of(connection), show, captures=1)
    show.shows(NOON, "VB1:95")
    show.shows(NOON + TEN, "VB1:95")
    _evaluate_and_be_killed(warehouse, monkeypatch, NOON + TEN, step, before=before)
    assert history(connection) == []
    assert evaluate(connection, NOON + TEN) == {"tell": 1}
    assert evaluate(connection, NOON + TEN) == {}


def _evaluate_and_be_killed(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tick: datetime, step: str, *, before: bool
) -> None:
    """Evaluate in a process that ends before or after a step."""
    done = getattr(evaluation, step)

    def killed(*arguments: Any) -> None:
        if not before:
            done(*arguments)
        (doomed,) = [one for one in arguments if isinstance(one, psycopg.Connection)]
        doomed.close()  # what the server sees of a kill -9
        raise Killed

    with monkeypatch.context() as patch, warehouse.connection() as doomed, suppress(Killed):
        patch.setattr(evaluation, step, killed)
        evaluate(doomed, tick)


OPERATIONS = st.one_of(
    st.sampled_from(["VB1:95", "VB1:96 VB2:120", "VB1:120", "-"]),
    st.sampled_from(["evaluate", "replay", "void", "undo", "lose the latest state"]),
    st.sampled_from([f"killed {step}" for step in STEPS]),
)


@settings(max_examples=200 if LONG else 12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(OPERATIONS, min_size=3, max_size=12))
def test_whatever_happens_one_listing_at_one_price_is_told_once(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, operations: list[str]
) -> None:
    """Replays, voids, their undoing, lost caches and kills between captures change nothing that was decided."""
    with warehouse.connection() as connection:
        connection.execute("truncate market.events, access.tenants cascade; truncate market.listing_latest_states")
        show = Show(connection)
        add_rule(connection, tenant_of(connection), show, captures=1)
        shown: list[str] = []
        for operation in [*operations, "evaluate"]:
            tick = NOON + (len(shown) - 1) * TEN
            if operation == "evaluate" or operation.startswith("killed"):
                if operation != "evaluate":
                    step = operation.removeprefix("killed ")
                    _evaluate_and_be_killed(warehouse, monkeypatch, tick, step, before=True)
                evaluate(connection, tick)
            elif ":" in operation or operation == "-":
                shown.append(operation)
                show.shows(NOON + (len(shown) - 1) * TEN, operation)
            elif not shown:
                continue
            elif operation == "replay":
                with suppress(NothingToDo):
                    show.shows(tick, shown[-1])
            elif operation == "void":
                with suppress(NothingToDo):
                    void_capture(connection, show.event_key, tick, reason="wrong", by="a test")
            elif operation == "undo":
                with suppress(NothingToDo):
                    undo_void(connection, show.event_key, tick)
            else:
                connection.execute("truncate market.listing_latest_states")
        told = [listing for outcome, _, listing, _ in history(connection) if outcome == "tell"]
        assert told in ([], ["VB1"])
        if operations[-1] in ("VB1:95", "VB1:96 VB2:120"):
            assert told == ["VB1"]


def _two_at_once(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers evaluate the same tick; each waits, after it has read, until the other has too or cannot."""
    both = threading.Barrier(2)
    read = evaluation._read_asked

    def waits(*arguments: Any) -> Any:
        found = read(*arguments)
        with suppress(threading.BrokenBarrierError):
            both.wait(timeout=0.7)
        return found

    def worker(_: int) -> None:
        with warehouse.connection() as connection:
            evaluate(connection, NOON)

    monkeypatch.setattr(evaluation, "_read_asked", waits)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(worker, range(2)))


@pytest.mark.race
def test_two_workers_decide_an_occasion_once(
    warehouse: Warehouse, connection: Connection, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rule(connection, tenant_of(connection), show, captures=1)
    show.shows(NOON, "VB1:95")
    _two_at_once(warehouse, monkeypatch)
    assert [outcome for outcome, *_ in history(connection)] == ["tell"]


@pytest.mark.race
def test_control_without_its_guards_two_workers_decide_it_twice(
    warehouse: Warehouse, connection: Connection, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rule(connection, tenant_of(connection), show, captures=1)
    show.shows(NOON, "VB1:95")
    _without_guards(connection, monkeypatch)
    _two_at_once(warehouse, monkeypatch)
    assert [outcome for outcome, *_ in history(connection)] == ["tell", "tell"]


def _without_guards(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the lock of the evaluation, and what makes an occasion unique."""
    monkeypatch.setattr(evaluation, "wait_for_lock", lambda *_, **__: nullcontext(True))
    connection.execute("alter table price_alerts.occasions drop constraint occasions_rule_id_occasion_key")
    unguarded = occasion_log._DECIDE.replace("on conflict (rule_id, occasion) do nothing", "")
    monkeypatch.setattr(occasion_log, "_DECIDE", unguarded)


def test_an_evaluation_does_not_wait_long_for_another(
    warehouse: Warehouse, connection: Connection, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "LONGEST_WAIT", timedelta(0))
    with warehouse.connection() as other, try_lock(other, evaluation.LOCK):
        assert evaluate_alerts(connection, NOON, EVERY) is None


def test_at_most_n_a_day_over_all_events(connection: Connection, show: Show) -> None:
    other = Show(connection, "2")
    add_rule(connection, tenant_of(connection), scope="performer", about="9", captures=1, most_per_day=1)
    for one in (show, other):
        one.shows(NOON, "VB1:95")
    assert evaluate(connection, NOON) == {"tell": 1, "capped": 1}
    next_day = datetime(2026, 11, 21, 12, tzinfo=UTC)
    for one in (show, other):
        one.shows(next_day, "VB2:95")
    assert evaluate(connection, next_day) == {}  # the price never left the limit
    for one in (show, other):
        one.shows(next_day + TEN, "VB2:120")
    evaluate(connection, next_day + TEN)
    for one in (show, other):
        one.shows(next_day + 2 * TEN, "VB3:95")
    assert evaluate(connection, next_day + 2 * TEN) == {"tell": 1, "capped": 1}
