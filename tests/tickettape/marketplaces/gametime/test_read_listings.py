"""Read Gametime's listings: its own rules for what is partial, and what is refused."""

from typing import Any

import msgspec
import pytest

from tickettape.marketplaces import Inventory, Missing, Refused
from tickettape.marketplaces.gametime.read_listings import read_listings

EVENT_ID = "62c612b069cc920001347734"
ENTRY: dict[str, Any] = {
    "event": {
        "id": EVENT_ID,
        "name": "Ducks at Flames ",
        "datetime_local": "2026-04-02T18:00:00",
        "datetime_utc": "2026-04-03T00:00:00",
        "tbd": False,
        "time_tbd": False,
        "date_tbd": False,
        "min_price": {"total": 1900, "prefee": 1000},
    },
    "venue": {"name": "A house", "timezone": "America/Denver", "show_currency": False},
}
ROW: dict[str, Any] = {
    "id": "1",
    "event_id": EVENT_ID,
    "section": "226",
    "section_group": "Mid Level",
    "row": "20",
    "lots": [2, 4],
    "price": {"prefee": 1000, "total": 1900, "sales_tax": 0, "face_value": None},
}


def body(*rows: dict[str, Any], entry: dict[str, Any] = ENTRY, lowest: Any = 1900) -> bytes:
    numbered = [ROW | {"id": str(number)} | row for number, row in enumerate(rows, 1)]
    event = entry["event"] | {"min_price": {"total": lowest} if lowest is not None else None}
    page = {"events": [ENTRY | {"event": ENTRY["event"] | {"id": "another"}}, entry | {"event": event}], "more": False}
    return msgspec.json.encode({"event": page, "listings": {"listings": numbered}})


def read(answer: bytes) -> Inventory:
    return read_listings(answer, EVENT_ID, 0.05)


def test_a_row_is_read_with_both_prices_and_its_largest_lot() -> None:
    found = read(body({}, {"section_group": "", "lots": [1]}))
    first, second = found.listings
    assert (first.zone_id, first.section_id, first.row) == ("Mid Level", "226", "20")
    assert (first.quantity, first.buyable) == (4, (2, 4))
    assert (first.price_cents, first.all_in_price_cents, first.deal_score) == (1000, 1900, None)
    assert second.zone_id == "(no group)"
    assert [(zone.zone_id, zone.name) for zone in found.zones] == [("Mid Level", "Mid Level"), ("(no group)", "")]
    assert (found.status, found.stated_listings, found.stated_tickets) == ("ok", None, None)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"lots": []}, "the lots"),
        ({"lots": [4, 2]}, "the lots"),
        ({"price": {"prefee": 0, "total": 1900}}, "the price 0"),
        ({"price": {"prefee": 2000, "total": 1900}}, "below 2000"),
        ({"price": {"prefee": 2000}}, "expected format"),  # never computed from the other
        ({"price": {"prefee": 10.5, "total": 1900}}, "expected format"),
        ({"section_group": None}, "expected format"),
    ],
)
def test_one_bad_listing_costs_itself_alone(row: dict[str, Any], words: str) -> None:
    found = read(body({}, {}, row))
    assert (len(found.listings), found.status) == (2, "ok")
    assert words in found.left_out[0]


def test_a_car_park_is_no_listing_and_its_price_still_counts_against_the_lowest_one() -> None:
    parking = {"section": "Lot 5", "section_group": "Parking", "price": {"prefee": 300, "total": 400}}
    found = read(body({}, parking, {"section": "GA"}, {"section": "G"}, lowest=400))
    assert [one.section_id for one in found.listings] == ["226", "GA", "G"]
    assert found.status == "ok"


@pytest.mark.parametrize(("lowest", "status"), [(1900, "ok"), (1850, "ok"), (1500, "partial"), (2500, "ok"), (0, "ok")])
def test_a_lower_price_than_any_listing_has_means_that_listings_are_missing(lowest: int, status: str) -> None:
    assert read(body({}, {"lots": [1]}, lowest=lowest)).status == status


@pytest.mark.parametrize(("lowest", "status"), [(0, "empty"), (1900, "partial"), (None, "partial")])
def test_an_empty_list_counts_as_empty_only_if_the_event_says_so(lowest: int | None, status: str) -> None:
    assert read(body(lowest=lowest)).status == status


def test_an_answer_for_one_quantity_is_partial() -> None:
    assert read(body({"lots": [2]}, {"lots": [2]})).status == "partial"
    assert read(body({"lots": [2]}, {"lots": [2]}, {"lots": [1]})).status == "ok"
    assert read(body({"lots": [2, 4]}, {"lots": [2, 4]})).status == "ok"
    assert read(body({"lots": [2]})).status == "ok"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (body({}, {"event_id": "another"}), "a listing of event another came"),
        (body({}, entry=ENTRY | {"venue": ENTRY["venue"] | {"show_currency": True}}), "which currency"),
        (body({}, entry=ENTRY | {"venue": {"timezone": "America/Denver"}}), "which currency"),
        (body({}, {"lots": []}, {"lots": []}), "most of them"),
        (body({}).replace(b'{"listings":[', b'{"listings":{"1":[').replace(b"]}}", b"]}}}"), "expected format"),
        (b'{"listings": {"listings": []}}', "expected format"),
    ],
)
def test_what_cannot_be_trusted_is_refused(answer: bytes, words: str) -> None:
    with pytest.raises(Refused, match=words):
        read(answer)


def test_an_event_that_its_own_answer_does_not_have_is_missing() -> None:
    with pytest.raises(Missing):
        read(body({}, entry=ENTRY | {"event": ENTRY["event"] | {"id": "a third"}}))
