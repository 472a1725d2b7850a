"""The words of messages."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tickettape.price_alerts.messages import Alert, split_text, text_of, title_of

TICK = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


def alert(**said: Any) -> Alert:
    whole: dict[str, Any] = {
        "occasion_id": 7, "rule_id": UUID(int=1), "outcome": "tell", "rule": "Two for 100", "condition": "below",
        "event_id": UUID(int=2), "event": "An evening", "venue": "The Hall",
        "event_date": datetime(2027, 6, 2, 0, 30, tzinfo=UTC), "event_time_zone": "America/Chicago", "tick": TICK,
        "listing_id": "VB1", "zone": "Lower", "section": "101", "row": "7", "quantity": 2, "all_in_price": "USD 95.00",
        "price": "USD 76.00", "compared_with": None, "tickets_left": None, "cheaper_share": 0.034, "told_at": None,
        "page": "https://x/events/2", "page_url": None, "stop": "https://x/alerts/stop?rule=1",
    }  # fmt: skip
    return Alert(**whole | said)


def test_a_message_says_what_where_when_and_how_to_stop_it() -> None:
    assert title_of(alert()) == "An evening for USD 95.00"
    assert text_of(alert(), TICK + timedelta(minutes=2)).splitlines() == [
        "An evening, The Hall, Tuesday 1 June 2027, 19:30",
        "Section 101, row 7, 2 tickets (Lower)",
        "Per ticket: USD 95.00 with fees, USD 76.00 before fees",
        "The event's lowest price was lower in 3 % of the hours that we have seen.",
        "Seen at 12:00 at the venue, 2 minutes before this message.",
        "Your rule: Two for 100",
        "Listings: https://x/events/2",
        "Stop this alert: https://x/alerts/stop?rule=1",
    ]


@pytest.mark.parametrize(
    ("said", "title", "line"),
    [
        (
            {"condition": "few", "tickets_left": 8, "quantity": None},
            "8 tickets left for An evening",
            "8 tickets are left.",
        ),
        ({"condition": "back"}, "Back for sale: An evening for USD 95.00", "Per ticket: USD 95.00 with fees"),
        ({"all_in_price": None}, "An evening for USD 76.00", "Per ticket: USD 76.00 before fees"),
        ({"condition": "fell", "compared_with": "USD 120.00"}, "An evening for", "A day before, it was USD 120.00."),
        ({"condition": "rose"}, "An evening for at least USD 95.00", "Section 101"),
        ({"outcome": "withdrawn", "told_at": TICK}, "Withdrawn", "The price we told you of at 12:00 at the venue was"),
        ({"outcome": "test"}, "Test of the alert Two for 100", "This is a test."),
        ({"event_time_zone": None}, "An evening", "Wednesday 2 June 2027, 00:30 UTC"),
        ({"event_date": None}, "An evening", "An evening, The Hall, date not known"),
        ({"page_url": "https://m.example/1"}, "An evening", "At the marketplace: https://m.example/1"),
        ({"row": "", "quantity": 1}, "An evening", "Section 101, 1 ticket (Lower)"),
    ],
)
def test_each_kind_of_message(said: dict[str, Any], title: str, line: str) -> None:
    assert title_of(alert(**said)).startswith(title)
    assert line in text_of(alert(**said), TICK)


def test_a_text_is_split_at_ends_of_lines_and_never_inside_a_letter() -> None:
    assert split_text("one\ntwo\nthree\n", 8) == ["one\ntwo\n", "three\n"]
    assert split_text("ééé", 4) == ["éé", "é"]
    assert split_text("", 10) == []
    long = "".join(f"Line {number} – ü\n" for number in range(400))
    parts = split_text(long, 1_000)
    assert "".join(parts) == long
    assert max(len(part.encode()) for part in parts) <= 1_000
