"""Read Gametime's events: two dates that must agree, and placeholders."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.tickettape.marketplaces.gametime.test_read_listings import ENTRY, EVENT_ID
from tickettape.marketplaces import Missing, Refused
from tickettape.marketplaces.gametime.read_catalogue import event_of, read_entries_of, read_event, read_page
from tickettape.marketplaces.protocol import MarketplaceEvent

WHOLE = ENTRY | {
    "event": ENTRY["event"] | {"category": "nhl", "performers": [{"id": "b", "primary": True}, {"id": "a"}]},
    "performers": [{"id": "a", "name": "Ducks"}, {"id": "b", "name": "Flames", "hero_image_url": "https://x/y.jpg"}],
    "venue": ENTRY["venue"] | {"city": "Calgary", "state": "AB"},
}


def page(*entries: Any) -> bytes:
    return msgspec.json.encode({"events": entries, "more": False, "page": 1, "per_page": 100})


def read(**changes: Any) -> MarketplaceEvent:
    return read_event(page(WHOLE | {"event": WHOLE["event"] | changes}), EVENT_ID)


def test_an_event_has_the_instant_that_both_of_its_times_say() -> None:
    event = read()
    assert (event.date, event.date_status) == (datetime(2026, 4, 3, tzinfo=UTC), "known")
    assert (event.name, event.venue, event.city, event.state) == ("Ducks at Flames", "A house", "Calgary", "AB")
    assert (event.country, event.category) == (None, "nhl")
    assert (event.performer_id, event.performer_name, event.image_url) == ("b", "Flames", "https://x/y.jpg")


@pytest.mark.parametrize(("stated", "page"), [("https://x/e/1", "https://x/e/1"), ({"web": "x"}, None), (None, None)])
def test_its_page_is_what_it_states(stated: Any, page: str | None) -> None:
    assert read(seo_url=stated).page_url == page
    assert read().page_url is None


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"time_tbd": True}, "time_tbd"), ({"date_tbd": True}, "date_tbd"), ({"tbd": True}, "date_tbd")],
)
def test_a_placeholder_is_not_a_date(changes: dict[str, Any], status: str) -> None:
    event = read(**changes)
    assert event.date_status == status
    assert (event.date is None) is (status == "date_tbd")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"datetime_utc": "2026-04-03T01:00:00"}, "which is not"),
        ({"datetime_local": "soon"}, "cannot be read"),
        ({"tbd": None}, "expected format"),
    ],
)
def test_dates_that_contradict_themselves_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        read(**changes)


def test_the_entry_with_the_id_is_taken_and_never_the_first_one() -> None:
    neighbour = WHOLE | {"event": WHOLE["event"] | {"id": "another"}}
    assert read_event(page(neighbour, {"nonsense": 1}, WHOLE), EVENT_ID).external_id == EVENT_ID
    with pytest.raises(Missing):
        read_event(page(neighbour), EVENT_ID)


def test_an_entry_that_cannot_be_read_costs_itself_and_most_of_them_the_page() -> None:
    bad = {"event": {"id": "another"}}
    entries, refused = read_entries_of(read_page(page(WHOLE, bad), "A page"), "A page")
    assert [event_of(one).external_id for one in entries] == [EVENT_ID]
    assert "Event another is not in the expected format" in refused[0].reason
    with pytest.raises(Refused, match="A page cannot be read, 2 of 3"):
        read_entries_of(read_page(page(WHOLE, bad, {}), "A page"), "A page")
