"""What no tick waits for: prices before a rule was made, and corrections."""

from datetime import timedelta

import pytest

from tests.support.markets import NOON, TEN
from tests.support.priced_listings import Show, add_rule, history, tenant_of
from tickettape.database import Connection
from tickettape.observations import undo_void, void_capture
from tickettape.price_alerts.between_ticks import fill_price_hours, refresh_references, withdraw_corrected
from tickettape.price_alerts.evaluation import evaluate_alerts

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def show(connection: Connection) -> Show:
    return Show(connection)


def test_a_new_rule_on_history_knows_the_hours_before_it(connection: Connection, show: Show) -> None:
    for hour in range(30):
        show.shows(NOON - (31 - hour) * HOUR, "VB1:100 VB2:17 VB3:110" if hour == 20 else "VB1:100")
    add_rule(connection, tenant_of(connection), show, condition="below_median", percent=20, price=None, captures=1)
    assert fill_price_hours(connection, NOON - HOUR, for_at_most=MINUTE) == 1
    assert fill_price_hours(connection, NOON - HOUR, for_at_most=MINUTE) == 0
    row = connection.execute("select first_hour, lowest_cents from price_alerts.rule_events").fetchone()
    assert row == (NOON - 31 * HOUR, [10_000] * 30)  # without the outlier
    assert refresh_references(connection, NOON - MINUTE) == 1
    assert refresh_references(connection, NOON) == 0
    for tick, capture in ((NOON, "VB1:85"), (NOON + TEN, "VB1:80")):
        show.shows(tick, capture)
        evaluate_alerts(connection, tick + MINUTE, {"simulator": TEN})
    assert history(connection) == [("tell", "12:10", "VB1", 80)]
    (kept,) = connection.execute("select lowest_cents[32] from price_alerts.rule_events").fetchone() or (None,)
    assert kept == 8_000


def test_until_then_it_tells_nothing(connection: Connection, show: Show) -> None:
    add_rule(connection, tenant_of(connection), show, condition="cheapest", days=1, price=None, captures=1)
    show.shows(NOON, "VB1:85")
    evaluate_alerts(connection, NOON + MINUTE, {"simulator": TEN})
    assert history(connection) == []
    assert fill_price_hours(connection, NOON + MINUTE, for_at_most=MINUTE) == 1


def told(connection: Connection, show: Show, *, tell_withdrawn: bool) -> None:
    add_rule(connection, tenant_of(connection), show, captures=1, tell_withdrawn=tell_withdrawn)
    show.shows(NOON, "VB1:95")
    show.shows(NOON + TEN, "VB1:95")
    evaluate_alerts(connection, NOON + TEN + MINUTE, {"simulator": TEN})
    assert [outcome for outcome, *_ in history(connection)] == ["tell"]


@pytest.mark.parametrize("correction", ["void", "replay"])
def test_a_price_that_was_corrected_is_withdrawn_once(connection: Connection, show: Show, correction: str) -> None:
    told(connection, show, tell_withdrawn=True)
    assert withdraw_corrected(connection, NOON + HOUR) == 0
    if correction == "void":
        void_capture(connection, show.event_key, NOON + TEN, reason="wrong", by="a test")
    else:
        show.shows(NOON + TEN, "VB1:950")
    assert withdraw_corrected(connection, NOON + HOUR) == 1
    assert withdraw_corrected(connection, NOON + HOUR) == 0
    if correction == "void":
        undo_void(connection, show.event_key, NOON + TEN)
    assert withdraw_corrected(connection, NOON + HOUR) == 0
    assert [outcome for outcome, *_ in history(connection)] == ["tell", "withdrawn"]


def test_nobody_is_told_so_who_did_not_ask_for_it_or_after_a_day(connection: Connection, show: Show) -> None:
    told(connection, show, tell_withdrawn=False)
    void_capture(connection, show.event_key, NOON + TEN, reason="wrong", by="a test")
    assert withdraw_corrected(connection, NOON + HOUR) == 0
    connection.execute("update price_alerts.rules set tell_withdrawn = true")
    assert withdraw_corrected(connection, NOON + timedelta(days=2)) == 0
