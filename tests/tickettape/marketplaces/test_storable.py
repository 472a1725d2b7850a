"""What no column can hold costs itself alone, whichever marketplace it is from."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tickettape.marketplaces import Inventory, Listing, MarketplaceEvent, Refused, Zone
from tickettape.marketplaces.protocol import Section
from tickettape.marketplaces.storable import storable_event, storable_inventory

GOOD = [Listing(str(number), "A", "B", "", 2, 100, None, (2,), None) for number in range(40)]


def of(*listings: Listing) -> Inventory:
    """An inventory of a marketplace that states no totals."""
    parts = {(one.zone_id, one.section_id) for one in listings}
    return Inventory(
        external_id="1",
        status="ok",
        currency="EUR",
        listings=list(listings),
        zones=[Zone(zone, zone, 0, None) for zone in {zone for zone, _ in parts}],
        sections=[Section(section, zone, section, None) for zone, section in parts],
        stated_listings=None,
        stated_tickets=None,
        counted_listings=len(listings),
        counted_tickets=sum(one.quantity for one in listings),
        stated_zone_tickets=None,
        stated_section_tickets=None,
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"price_cents": 0}, "price of 0 cents"),
        ({"all_in_price_cents": 0}, "price of 0 cents"),
        ({"price_cents": 2**31}, "price of 2147483648 cents"),
        ({"all_in_price_cents": 2**31}, "price of 2147483648 cents"),
        ({"quantity": 0}, "0 tickets"),
        ({"quantity": 2**31}, "2147483648 tickets"),
        ({"listing_id": "VB\0"}, "an id that no column can hold"),
        ({"listing_id": "x" * 300}, "an id that no column can hold"),
    ],
)
def test_a_listing_that_no_column_can_hold_is_left_out_whichever_marketplace_it_is_from(
    changes: dict[str, Any], words: str
) -> None:
    bad = msgspec.structs.replace(GOOD[7], **changes)
    found = storable_inventory(of(*GOOD[:7], bad, *GOOD[8:]), b"\\u0000", 0.05)
    assert found.status == "ok"
    assert found.listings == [*GOOD[:7], *GOOD[8:]]
    assert (found.counted_listings, found.counted_tickets) == (39, 78)
    [why] = found.left_out
    assert words in why


@pytest.mark.parametrize("part", [{"zone_id": "C"}, {"section_id": "D"}])
def test_where_a_part_of_the_venue_would_look_sold_out_the_inventory_is_partial(
    part: dict[str, str],
) -> None:
    bad = msgspec.structs.replace(GOOD[7], price_cents=0, **part)
    found = storable_inventory(of(*GOOD, bad), b"", 0.05)
    assert (found.status, len(found.listings)) == ("partial", 40)
    assert "no listing but those left out" in found.contradictions[0]


def test_where_more_than_the_tolerance_is_left_out_the_inventory_is_partial() -> None:
    bad = [msgspec.structs.replace(one, price_cents=0) for one in GOOD[:3]]
    assert storable_inventory(of(*bad, *GOOD[3:]), b"", 0.05).status == "partial"
    assert storable_inventory(of(*bad[:2], *GOOD[2:]), b"", 0.05).status == "ok"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"currency": "euro"}, "no currency"),
        ({"stated_tickets": 2**31}, "2147483648 tickets"),
        ({"listings": [msgspec.structs.replace(one, price_cents=0) for one in GOOD]}, "most of them: Listing '0' has"),
        ({"zones": [Zone("A\0", "A", 0, None)]}, "zone or section with the id"),
        ({"sections": [Section("x" * 300, "A", "", None)]}, "300 characters"),
    ],
)
def test_what_cannot_be_stored_as_a_whole_is_refused(changes: dict[str, Any], words: str) -> None:
    assert storable_inventory(of(*GOOD), b"", 0.05) == of(*GOOD)
    with pytest.raises(Refused, match=words):
        storable_inventory(replace(of(*GOOD), **changes), b"", 0.05)


NOW = datetime(2026, 11, 29, tzinfo=UTC)
EVENT = MarketplaceEvent(
    external_id="1", name="An evening", venue="The Hall", city="Chicago", state="IL", country="US",
    venue_time_zone="America/Chicago", date=datetime(2027, 6, 1, tzinfo=UTC), category="Concerts", performer_id="9",
    performer_name="Someone", image_url=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"state": "x" * 51}, {"state": "x" * 49 + "…"}),
        ({"name": "An\0 evening"}, {"name": "An evening"}),
        ({"name": "n" * 501}, {"name": "n" * 499 + "…"}),
        ({"venue": "\0", "city": " "}, {"venue": None, "city": None}),
        ({"performer_id": "9" * 256}, {"performer_id": None}),
        ({"performer_name": "half \ud83d"}, {"performer_name": "half "}),
        ({"venue_time_zone": "Chicago"}, {"venue_time_zone": None}),
        ({"venue_time_zone": "../etc"}, {"venue_time_zone": None}),
        ({"venue_time_zone": "America/\0"}, {"venue_time_zone": None}),
        ({"date": datetime(1, 1, 1, tzinfo=UTC)}, {"date": None, "date_status": "date_tbd"}),
        ({"date": datetime(1970, 1, 1, tzinfo=UTC)}, {"date": None, "date_status": "date_tbd"}),
        ({"date": datetime(9999, 12, 31, tzinfo=UTC)}, {"date": None, "date_status": "date_tbd"}),
        ({"page_url": "https://a.example/x?y=1#z"}, {"page_url": "https://a.example/x?y=1#z"}),
        ({"page_url": "javascript:alert(1)"}, {"page_url": None}),
        ({"page_url": "//a.example/x"}, {"page_url": None}),
        ({"page_url": "/production/1"}, {"page_url": None}),
        ({"page_url": "https:///x"}, {"page_url": None}),
        ({"page_url": "https://[x"}, {"page_url": None}),
        ({"page_url": "https://bank.example@a.example/"}, {"page_url": None}),
        ({"page_url": "https://a.example/ https://b.example/"}, {"page_url": None}),
        ({"page_url": "https://a.example/\n"}, {"page_url": None}),
        ({"page_url": "https://a.example/" + "x" * 1000}, {"page_url": None}),
        ({"date": datetime(2025, 1, 1, tzinfo=UTC)}, {"date": datetime(2025, 1, 1, tzinfo=UTC)}),
    ],
)
def test_an_event_is_stored_with_what_is_known_of_it(said: dict[str, Any], kept: dict[str, Any]) -> None:
    assert storable_event(replace(EVENT, **said), NOW) == replace(EVENT, **kept)


@pytest.mark.parametrize("said", [{"external_id": "1\0"}, {"external_id": "1" * 256}, {"name": "\0"}, {"name": ""}])
def test_an_event_without_a_name_or_an_id_is_refused_by_what_it_has(said: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="An evening" if "external_id" in said else "Event 1 "):
        storable_event(replace(EVENT, **said), NOW)
