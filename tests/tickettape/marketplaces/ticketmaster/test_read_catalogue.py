"""Read Ticketmaster's events: dates, states, prices, and the shapes that differ."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tests.support.simulated_market import AT
from tickettape.marketplaces import MarketplaceEvent, Refused
from tickettape.marketplaces.protocol import StatedPriceRange
from tickettape.marketplaces.simulator import Market
from tickettape.marketplaces.simulator.ticketmaster import event as simulated
from tickettape.marketplaces.ticketmaster.read_catalogue import read_entries_of, read_event, read_page

START: dict[str, Any] = {
    "localDate": "2027-01-19",
    "localTime": "20:00:00",
    "dateTime": "2027-01-20T03:00:00Z",
    "dateTBD": False,
    "dateTBA": False,
    "timeTBA": False,
    "noSpecificTime": False,
}
EVENT: dict[str, Any] = {
    "id": "G5v0Z98m24-oh",
    "name": "Suns vs. Nets",
    "test": False,
    "dates": {"start": START, "timezone": "America/Phoenix", "status": {"code": "onsale"}},
    "_embedded": {
        "venues": [
            {
                "id": "KovZpZAE617A",
                "name": "Footprint Center",
                "timezone": "America/Phoenix",
                "city": {"name": " Phoenix"},
                "state": {"stateCode": "AZ"},
                "country": {"countryCode": "US"},
                "location": {"longitude": "-112.071313", "latitude": "33.445899"},
            }
        ],
        "attractions": [{"id": "K8vZ", "name": "Suns"}, {"id": "K8vY", "name": "Nets"}],
    },
}


def read(**changes: Any) -> MarketplaceEvent:
    return read_event(msgspec.json.encode(EVENT | changes), EVENT["id"])


def dated(code: str = "onsale", **start: Any) -> MarketplaceEvent:
    return read(dates=EVENT["dates"] | {"start": START | start, "status": {"code": code}})


def test_an_event_has_its_venue_its_instant_and_its_first_attraction() -> None:
    event = read(
        url="https://shop.example/event/1",
        priceRanges=[{"type": "standard", "currency": "USD", "min": 54.0, "max": 3150.5}],
        sales={"public": {"startDateTime": "2026-08-29T20:00:00Z", "endDateTime": "2027-01-20T05:00:00Z"}},
        classifications=[{"primary": True, "segment": {"name": "Sports"}}],
        images=[
            {"ratio": "16_9", "url": "small", "width": 100},
            {"ratio": "16_9", "url": "wide", "width": 2000},
            {"ratio": "16_9", "url": "stand-in", "width": 3000, "fallback": True},
        ],
    )
    assert (event.date, event.date_status) == (datetime(2027, 1, 20, 3, tzinfo=UTC), "known")
    assert (event.page_url, read().page_url) == ("https://shop.example/event/1", None)
    assert (event.venue_id, event.venue, event.city, event.state, event.country) == (
        "KovZpZAE617A", "Footprint Center", "Phoenix", "AZ", "US",
    )  # fmt: skip
    assert (event.latitude, event.longitude) == (33.445899, -112.071313)
    assert (event.performer_id, event.performer_name, event.category, event.image_url) == (
        "K8vZ", "Suns", "Sports", "wide",
    )  # fmt: skip
    assert event.price_range == StatedPriceRange("primary", "unknown", "USD", 5400, 315_050)
    assert (event.sales_state, event.on_sale_at) == ("onsale", datetime(2026, 8, 29, 20, tzinfo=UTC))


@pytest.mark.parametrize(
    ("event", "status", "state"),
    [
        (dated("postponed", localDate=None, dateTBA=True), "postponed", "postponed"),
        (dated("postponed"), "known", "postponed"),  # with a new date
        (dated("rescheduled"), "known", "rescheduled"),
        (dated(dateTBD=True), "date_tbd", "onsale"),
        (dated("offsale"), "known", "offsale"),  # not cancelled
        (dated("cancelled"), "known", "cancelled"),
        (dated("canceled"), "known", "cancelled"),
        (dated(timeTBA=True, localTime=None, dateTime=None), "time_tbd", "onsale"),
    ],
)
def test_states_and_placeholders(event: MarketplaceEvent, status: str, state: str) -> None:
    assert (event.date_status, event.sales_state) == (status, state)
    assert (event.date is None) is (status in ("date_tbd", "postponed"))
    if status == "time_tbd":
        assert event.date is not None
        assert event.date.astimezone(ZoneInfo("America/Phoenix")).date().isoformat() == START["localDate"]


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([{"currency": "GBP"}], None),
        ([], None),
        ([{"type": "standard", "currency": "USD", "min": 115.0}], (11_500, None)),
        ([{"type": "standard", "currency": "USD", "min": 0.0, "max": 20}], (None, 2_000)),
        ([{"type": "standard", "currency": "USD", "min": 30, "max": 20}], None),
        ([{"type": "standard", "currency": "USD", "min": 30.125, "max": 40}], None),
        ([{"type": "standard", "currency": "usd", "min": 30}], None),
        ([{"type": "standard including fees", "currency": "USD", "min": 30}], None),
        ([{"type": "standard", "currency": "USD", "min": 30}] * 2, None),  # which of them?
    ],
)
def test_a_price_range_is_as_stated_or_unknown(ranges: Any, expected: tuple[int | None, int | None] | None) -> None:
    stated = read(priceRanges=ranges).price_range
    assert (stated and (stated.lowest_price_cents, stated.highest_price_cents)) == expected


def test_a_start_of_sale_in_1900_is_not_known() -> None:
    assert read(sales={"public": {"startDateTime": "1900-01-01T06:00:00Z"}}).on_sale_at is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "g5v0z98m24-OH"}, "those of event g5v0z98m24-OH came"),  # case matters
        ({"dates": EVENT["dates"] | {"status": {"code": "moved"}}}, "the state 'moved'"),
        ({"dates": EVENT["dates"] | {"start": START | {"dateTime": "2027-01-20T04:00:00Z"}}}, "which is not"),
        ({"dates": EVENT["dates"] | {"start": START | {"dateTime": None}}}, "cannot be read"),
        ({"test": True}, "a test event or a parking pass"),
        ({"classifications": [{"primary": True, "type": {"name": "Parking"}}]}, "a test event or a parking pass"),
        ({"name": None}, "expected format"),
    ],
)
def test_what_cannot_be_told_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        read(**changes)


def test_an_event_of_universe_has_a_place_without_a_name() -> None:
    place = {"city": {"name": "London"}, "country": {"countryCode": "GB"}}
    event = read(_embedded=None, place=place, dates=EVENT["dates"])
    assert (event.venue, event.venue_id, event.city, event.country) == (None, None, "London", "GB")


def test_a_page_of_nothing_is_empty_and_one_that_lacks_its_events_is_refused() -> None:
    def page(total: int, pages: int) -> bytes:
        return msgspec.json.encode({"page": {"size": 20, "totalElements": total, "totalPages": pages, "number": 0}})

    assert read_entries_of(read_page(page(0, 0), "It"), "It") == ([], [])
    with pytest.raises(Refused, match="state 7 events but have none"):
        read_page(page(7, 1), "It")


def recorded() -> Iterator[Any]:
    """Events as they come: simulated ones, and those of the files in the folder RECORDED_ANSWERS, if it is set."""
    market = Market(seed=5, events=8)
    yield from (pytest.param(simulated(one), id=str(one.production_id)) for one in market.productions(AT))
    folder = os.environ.get("RECORDED_ANSWERS")
    for path in sorted(Path(folder).glob("ticketmaster_event*_20[12]*.json")) if folder else ():
        if "doc_sample" not in path.name:
            document = json.loads(path.read_text())
            for one in document.get("_embedded", {}).get("events") or [document]:
                yield pytest.param(one, id=f"{path.stem}-{one['id']}")


@pytest.mark.parametrize("document", list(recorded()))
def test_every_field_of_an_event_equals_a_reading_of_its_own(document: Any) -> None:
    event = read_event(json.dumps(document).encode(), document["id"])
    venues = document.get("_embedded", {}).get("venues", [])
    venue = venues[0] if venues else document["place"]
    start = document["dates"]["start"]
    assert (event.name, event.venue, event.venue_id) == (
        document["name"],
        venue.get("name", "").strip() or None,  # blanks at the end occur
        venue.get("id"),
    )
    assert (event.city, event.country) == (venue["city"]["name"].strip(), venue["country"]["countryCode"])
    if "dateTime" in start:
        assert event.date == datetime.fromisoformat(start["dateTime"])
        assert event.venue_time_zone is not None
        local = event.date.astimezone(ZoneInfo(event.venue_time_zone))
        assert f"{local:%Y-%m-%dT%H:%M:%S}" == f"{start['localDate']}T{start['localTime']}"
    else:
        assert event.date_status == "time_tbd"
    assert event.sales_state == document["dates"]["status"]["code"]
    ranges = [one for one in document.get("priceRanges", []) if "min" in one]
    stated = event.price_range
    assert (stated is not None) is bool(ranges)
    if stated is not None:
        assert stated.lowest_price_cents == round(ranges[0]["min"] * 100) or (ranges[0]["min"] == 0)
        assert (stated.highest_price_cents, stated.currency) == (
            round(ranges[0]["max"] * 100), ranges[0]["currency"],
        )  # fmt: skip
