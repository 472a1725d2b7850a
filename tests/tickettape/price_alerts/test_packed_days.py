"""Price alerts over packed days: an event whose past is packed is told of as its twin, whose past is rows."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.support.markets import TEN
from tests.support.packed_history import NOON, chain_tiers, forget_marks, packed
from tests.support.priced_listings import Show, add_rule, tenant_of
from tickettape.database import Connection
from tickettape.price_alerts.between_ticks import fill_price_hours, refresh_references, withdraw_corrected
from tickettape.price_alerts.evaluation import evaluate_alerts
from tickettape.price_alerts.past_events import preview_of_tenant
from tickettape.price_alerts.rule_form import RuleForm

NOW = NOON + timedelta(days=10)
MINUTE = timedelta(minutes=1)
EARLIER = ["VB1:140 VB2:150", "VB1:120 VB2:130", "VB1:118 VB3:9", "-"]

Twins = tuple[Show, Show]


@pytest.fixture
def twins(connection: Connection) -> Twins:
    """Two events with a past of two days. Of the first one, both are packed."""
    shows = Show(connection, "1"), Show(connection, "2")
    for day in range(2):
        for number, capture in enumerate(EARLIER):
            for show in shows:
                show.shows(NOON + timedelta(days=day) + number * TEN, capture)
    forget_marks(connection)
    for day in range(2):
        packed(connection, [shows[0].event_key], (NOON + timedelta(days=day)).date())
    assert chain_tiers(connection) == (8, 8)
    return shows


def of_twins(connection: Connection, twins: Twins, query: str) -> list[list[tuple[Any, ...]]]:
    """The rows of a query for each twin."""
    return [connection.execute(query, {"key": one.event_key}).fetchall() for one in twins]


_TOLD = """select outcome, tick, listing_id, price, compared_with, tickets_left from price_alerts.occasions as told
    inner join market.events on events.id = told.event_id where event_key = %(key)s order by tick, outcome"""


@pytest.mark.parametrize("rule", [
    {},
    {"captures": 1},
    {"condition": "few", "few": 4, "price": None},
    {"condition": "back", "price": None, "tickets": None},
    {"condition": "cheapest", "days": 9, "price": None},
    {"condition": "fell", "percent": 5, "price": None},
], ids=lambda rule: rule.get("condition", f"below {rule}"))  # fmt: skip
def test_rules_tell_and_remember_the_same(connection: Connection, twins: Twins, rule: dict[str, Any]) -> None:
    for show in twins:
        add_rule(connection, tenant_of(connection), show, **rule)
    fill_price_hours(connection, NOON + timedelta(days=1, hours=1), for_at_most=MINUTE)
    refresh_references(connection, NOW)
    for number, capture in enumerate(["-", "-", "VB2:99", "VB2:98", "VB1:97 VB2:98"]):
        for show in twins:
            show.shows(NOW + number * TEN, capture)
        evaluate_alerts(connection, NOW + number * TEN + MINUTE, {"simulator": TEN})
    told, as_rows = of_twins(connection, twins, _TOLD)
    assert told == as_rows
    assert told or rule.get("condition") == "fell"  # nothing is known of the day before
    remembered = of_twins(
        connection,
        twins,
        """select (state - 'told')::text, first_hour, lowest_cents, reference_cents from price_alerts.rule_events
           where event_key = %(key)s""",
    )
    assert remembered[0] == remembered[1]
    assert chain_tiers(connection)[1] == 8  # nothing had to be unpacked for it


def test_a_preview_says_the_same(connection: Connection, twins: Twins) -> None:
    found = [
        preview_of_tenant(
            connection,
            tenant_of(connection),
            RuleForm(event_id=one.event_id, condition="below", price=Decimal(125)),
            NOW,
        )[1]
        for one in twins
    ]
    told = [[(one.tick, one.cents) for _, one, _ in of_one.told] for of_one in found]
    assert told == [[(NOON + 2 * TEN, 11_800)]] * 2
    assert [(one.captures, one.left_out) for one in found] == [(8, 1)] * 2


def test_a_price_that_stands_in_a_packed_day_is_not_withdrawn(connection: Connection, twins: Twins) -> None:
    for show in twins:
        add_rule(connection, tenant_of(connection), show, tell_withdrawn=True)
    connection.execute(
        """insert into price_alerts.occasions (rule_id, tenant_id, event_id, occasion, outcome, tick, listing_id, price)
           select rule_id, tenant_id, event_id, 'told', 'tell', %s, 'VB1', 96 from price_alerts.rules""",
        [NOON + TEN],
    )
    assert withdraw_corrected(connection, NOON + timedelta(hours=1)) == 0
