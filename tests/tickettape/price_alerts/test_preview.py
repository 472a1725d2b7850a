"""A preview is what the evaluation would have told, from the same history."""

from datetime import timedelta

from tests.support.markets import NOON, TEN
from tests.support.priced_listings import Show, add_rule, history, tenant_of
from tickettape.database import Connection
from tickettape.listing_history import STATES_QUERY, states_of
from tickettape.price_alerts.evaluation import evaluate_alerts
from tickettape.price_alerts.event_sights import EventSights
from tickettape.price_alerts.preview import Past, preview, sights_of
from tickettape.price_alerts.rule_store import RULE_COLUMNS, rule_from_row

CAPTURES = [
    "VB1:120 VB2:130",
    "VB1:120 VB2:130 VB3:9",
    "VB1:95",
    "VB1:95",
    "VB1:120",
    "-",
    "VB1:80",
    "VB1:80 VB4:70",
    "VB4:70",
]


def test_a_preview_counts_what_was_told(connection: Connection) -> None:
    show = Show(connection)
    add_rule(connection, tenant_of(connection), show)
    for number, capture in enumerate(CAPTURES):
        show.shows(NOON + number * TEN, capture, "partial" if capture == "-" else "ok")
        evaluate_alerts(connection, NOON + number * TEN + timedelta(minutes=1), {"simulator": TEN})
    rule = rule_from_row(connection.execute(f"select {RULE_COLUMNS} from price_alerts.rules").fetchone() or ())
    rows = connection.execute(
        STATES_QUERY, {"event_id": show.event_id, "first": NOON, "last": NOON + timedelta(days=1)}
    ).fetchall()
    sights = EventSights(connection, [show.event_key])
    places = sights.places(show.event_key)
    past = Past(places, sights_of(states_of(rows), sights.terms, sights.zone_of, NOON))
    (found,) = preview(rule, [past], NOON)
    told = [
        ("tell", f"{one.tick:%H:%M}", one.listing.listing_id, (one.cents or 0) / 100)
        for one in found.told()
        if one.listing
    ]
    assert told == [row for row in history(connection) if row[0] == "tell"]
    assert [listing for _, _, listing, _ in told] == ["VB1", "VB1", "VB4"]
    assert (found.captures, found.stated) == (len(CAPTURES) - 1, True)
    assert [one.listing.listing_id for _, one in found.left_out] == ["VB3"]


def test_a_basis_that_is_not_stated_is_told(connection: Connection) -> None:
    show = Show(connection)
    add_rule(connection, tenant_of(connection), show)
    rule = rule_from_row(connection.execute(f"select {RULE_COLUMNS} from price_alerts.rules").fetchone() or ())
    (found,) = preview(rule, [Past({}, [])], NOON)
    assert found.stated is False
