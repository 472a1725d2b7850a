"""Read ticket groups: the odd cases that its mock data and documents name."""

from typing import Any

import msgspec
import pytest

from tickettape.marketplaces import Inventory, Refused
from tickettape.marketplaces.ticketevolution.read_listings import read_listings

GROUP: dict[str, Any] = {
    "id": 1,
    "type": "event",
    "event": {"id": 7},
    "section": "213",
    "row": "23",
    "available_quantity": 4,
    "splits": [2, 4],
    "retail_price": 273.65,
    "wholesale_price": 250,
}


def body(*groups: dict[str, Any], stats: Any = "fitting", basis: str = "retail_price") -> bytes:
    numbered = [GROUP | {"id": number} | group for number, group in enumerate(groups, 1)]
    if stats == "fitting":
        admission = [one for one in numbered if one["type"] == "event"]
        stats = {
            "ticket_groups_count": len(admission),
            "tickets_count": sum(one["available_quantity"] for one in admission),
        }
    return msgspec.json.encode({"price_basis": basis, "listings": {"ticket_groups": numbered}, "stats": stats})


def read(answer: bytes, basis: str = "retail_price") -> Inventory:
    return read_listings(answer, "7", basis, 0.05)


def test_a_group_is_read_with_exact_cents_and_every_section_is_in_one_zone() -> None:
    found = read(body({}, {"section": "FLOOR D", "row": None, "retail_price": 412, "splits": [1], "in_hand": True}))
    first, second = found.listings
    assert (first.zone_id, first.section_id, first.row, first.quantity) == ("all", "213", "23", 4)
    assert (first.price_cents, first.all_in_price_cents, first.buyable, first.deal_score) == (
        27_365,
        None,
        (2, 4),
        None,
    )
    assert (second.row, second.price_cents, second.buyable) == ("", 41_200, (1,))
    assert [(zone.zone_id, zone.name) for zone in found.zones] == [("all", "All sections")]
    assert [section.name for section in found.sections] == ["213", "FLOOR D"]
    assert (found.status, found.currency) == ("ok", "USD")
    assert (found.stated_listings, found.stated_tickets, found.counted_listings, found.counted_tickets) == (2, 8, 2, 8)


def test_the_chosen_price_is_read_and_one_is_never_taken_for_the_other() -> None:
    assert read(body({}, basis="wholesale_price"), "wholesale_price").listings[0].price_cents == 25_000
    left_out = read(body({"retail_price": None}, {}))
    assert [one.price_cents for one in left_out.listings] == [27_365]
    assert "the retail_price null" in left_out.left_out[0]
    with pytest.raises(Refused, match="have the price basis 'wholesale_price'"):
        read(body({}, basis="wholesale_price"))


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ({"splits": []}, "the splits"),
        ({"splits": [4, 2]}, "the splits"),
        ({"splits": [8]}, "none of which its 4 tickets allow"),
        ({"retail_price": 51.375}, "at most two decimals"),
        ({"retail_price": 0}, "not above 0"),
        ({"retail_price": "187.93"}, "at most two decimals"),
        ({"type": "voucher"}, "the type 'voucher'"),
        ({"available_quantity": 99_999}, "the quantity 99999"),
        ({"available_quantity": "4"}, "not in the expected format"),
        ({"section": None}, "not in the expected format"),
    ],
)
def test_one_bad_listing_costs_itself_alone(group: dict[str, Any], words: str) -> None:
    stats = {"ticket_groups_count": 2, "tickets_count": 8}
    found = read(body({}, {}, group, stats=stats))
    assert len(found.listings) == 2
    assert found.status == "ok"
    assert len(found.left_out) == 1
    assert words in found.left_out[0]


def test_a_bad_listing_alone_in_its_section_makes_the_answer_partial_and_most_of_them_refuse_it() -> None:
    found = read(body({}, {}, {"section": "9", "splits": []}, stats=None))
    assert found.status == "partial"
    assert found.contradictions == ["Section 9 has no listing but those left out."]
    with pytest.raises(Refused, match="most of them"):
        read(body({}, {"splits": []}, {"splits": []}))


def test_parking_and_nothing_to_sell_are_no_listings_and_packages_are() -> None:
    found = read(
        body({}, {"type": "parking"}, {"available_quantity": 0}, {"section": "Platinum-Fan", "row": "Package"})
    )
    assert [(one.section_id, one.row) for one in found.listings] == [("213", "23"), ("Platinum-Fan", "Package")]
    assert (found.status, found.left_out) == ("ok", [])


def test_a_split_above_the_quantity_is_a_contradiction_and_is_not_for_sale() -> None:
    found = read(body({"splits": [2, 6]}))
    assert found.status == "partial"
    assert found.listings[0].buyable == (2,)


@pytest.mark.parametrize(
    ("stats", "status"),
    [
        ({"ticket_groups_count": 1, "tickets_count": 4}, "ok"),
        ({"ticket_groups_count": 2, "tickets_count": 4}, "partial"),
        ({"ticket_groups_count": 1, "tickets_count": 9}, "partial"),
        (None, "ok"),
    ],
)
def test_an_answer_is_checked_against_the_totals_of_the_second_reply(stats: Any, status: str) -> None:
    assert read(body({}, stats=stats)).status == status


@pytest.mark.parametrize(
    ("stats", "status"),
    [
        ({"ticket_groups_count": 0, "tickets_count": 0}, "empty"),
        ({"ticket_groups_count": 3, "tickets_count": 6}, "partial"),
        (None, "partial"),
    ],
)
def test_an_empty_list_counts_as_empty_only_if_the_totals_say_so(stats: Any, status: str) -> None:
    assert read(body(stats=stats)).status == status


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b'{"price_basis": "retail_price", "listings": {"listings": []}, "stats": null}', "ticket_groups"),
        (b'{"ticket_groups": []}', "price_basis"),
        (body({}, {"event": {"id": 8}}), "a listing of event 8 came"),
        (body({}, stats={"ticket_groups_count": "1", "tickets_count": 4}), "expected format"),
        (body({}, stats={"ticket_groups_count": -1, "tickets_count": 4}), "state -1 listings"),
        (body({}, basis="cheapest"), "the price basis 'cheapest'"),
    ],
)
def test_what_has_another_meaning_is_refused(answer: bytes, words: str) -> None:
    with pytest.raises(Refused, match=words):
        read(answer)
