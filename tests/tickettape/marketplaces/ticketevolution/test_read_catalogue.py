"""Read events: what their dates and states mean."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tickettape.marketplaces import Missing, Refused
from tickettape.marketplaces.protocol import MarketplaceEvent
from tickettape.marketplaces.ticketevolution.read_catalogue import read_entries_of, read_event, read_page

EVENT: dict[str, Any] = {
    "id": 1074357,
    "name": "Philadelphia Phillies at Arizona Diamondbacks",
    "state": "shown",
    "occurs_at": "2026-06-24T19:10:00Z",
    "occurs_at_local": "2026-06-24T19:10:00-07:00",
    "venue": {
        "id": 18,
        "name": "Chase Field",
        "location": "Phoenix, AZ",
        "time_zone": "America/Phoenix",
        "address": {"locality": "Phoenix", "region": "AZ", "country_code": "US"},
    },
    "performances": [
        {"primary": False, "performer": {"id": 1, "name": "Philadelphia Phillies"}},
        {"primary": True, "performer": {"id": 2, "name": "Arizona Diamondbacks"}},
    ],
    "category": {"id": "3", "name": "MLB"},
}


def read(**changes: Any) -> MarketplaceEvent:
    return read_event(msgspec.json.encode(EVENT | changes), "1074357")


def test_an_event_begins_at_its_local_time_and_the_z_is_not_believed() -> None:
    event = read()
    assert (event.date, event.date_status) == (datetime(2026, 6, 25, 2, 10, tzinfo=UTC), "known")
    assert (event.venue, event.city, event.state, event.country) == ("Chase Field", "Phoenix", "AZ", "US")
    assert (event.venue_time_zone, event.category) == ("America/Phoenix", "MLB")
    assert (event.performer_id, event.performer_name) == ("2", "Arizona Diamondbacks")
    assert read(occurs_at_local=None).date == event.date  # the other one, read in the venue's zone


@pytest.mark.parametrize(
    ("changes", "status", "dated"),
    [
        ({"state": "postponed"}, "postponed", False),
        ({"name": "Philadelphia at Arizona (Date TBD)"}, "date_tbd", False),
        ({"name": "NLDS: TBD at Arizona (If Necessary)"}, "date_tbd", False),
        ({"name": "Philadelphia at Arizona (Time TBD)"}, "time_tbd", True),
        ({"occurs_at_local": "2026-06-24T00:00:00-07:00"}, "time_tbd", True),
    ],
)
def test_a_placeholder_is_not_a_date(changes: dict[str, Any], status: str, dated: bool) -> None:
    event = read(**changes)
    assert event.date_status == status
    assert (event.date is not None) is dated


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "rescheduled"}, "the state 'rescheduled'"),
        ({"occurs_at_local": "2026-06-24T19:10:00"}, "no offset"),
        ({"occurs_at_local": "2026-06-24T19:10:00-05:00"}, "not the time of America/Phoenix"),
        ({"occurs_at_local": "soon"}, "which is not a date"),
        ({"occurs_at_local": None, "occurs_at": None}, "no local date"),
        ({"occurs_at_local": None, "venue": {"name": "Chase Field"}}, "no local date"),
        ({"id": 3}, "those of event 3 came"),
        ({"id": "1074357"}, "expected format"),  # the older version's ids
    ],
)
def test_what_cannot_be_told_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        read(**changes)


@pytest.mark.parametrize("changes", [{"state": "canceled"}, {"name": "Parking: Phillies at Diamondbacks"}])
def test_a_cancelled_event_and_a_car_park_are_missing(changes: dict[str, Any]) -> None:
    with pytest.raises(Missing):
        read(**changes)


def test_the_place_is_read_from_the_short_form_only_if_it_is_plain() -> None:
    assert read(venue={"name": "A", "location": "Phoenix, AZ"}).city == "Phoenix"
    assert read(venue={"name": "A", "location": "Mexico City, Distrito Federal"}).city is None


def test_an_entry_that_cannot_be_read_costs_itself_and_most_of_them_the_page() -> None:
    page = read_page(msgspec.json.encode({"total_entries": 2, "events": [EVENT, EVENT | {"name": None}]}), "A page")
    events, refused = read_entries_of(page, "A page")
    assert [event.id for event in events] == [1074357]
    assert "Event 1074357 is not in the expected format" in refused[0].reason
    page.events.append(page.events[1])
    with pytest.raises(Refused, match="A page cannot be read, 2 of 3"):
        read_entries_of(page, "A page")
