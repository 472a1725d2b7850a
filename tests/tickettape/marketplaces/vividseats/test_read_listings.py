"""What an answer means, on answers of the simulator that a test changes."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.support.answers_read import BODY, PRODUCTION_ID, Change, read
from tickettape.marketplaces import Missing, Refused
from tickettape.marketplaces.protocol import HIGHEST_COUNT
from tickettape.marketplaces.vividseats.read_listings import answer_fields, read_listings


def busiest(answer: dict[str, Any], kind: str) -> dict[str, Any]:
    most: dict[str, Any] = max(answer[kind], key=lambda item: int(item["q"]))
    return most


def busiest_ticket(answer: dict[str, Any]) -> dict[str, Any]:
    """A listing of a section that has others too."""
    place, _ = Counter((ticket["d"], ticket["c"]) for ticket in answer["tickets"]).most_common(1)[0]
    found: dict[str, Any] = next(ticket for ticket in answer["tickets"] if (ticket["d"], ticket["c"]) == place)
    return found


def sell_out(answer: dict[str, Any]) -> None:
    answer["tickets"] = []
    for item in [*answer["groups"], *answer["sections"]]:
        item["q"] = "0"
    answer["global"][0].update(listingCount="0", ticketCount="0")


def test_an_answer_that_agrees_with_itself_is_ok_and_counts_as_stated() -> None:
    inventory = read()
    assert inventory.status == "ok"
    assert inventory.contradictions == []
    assert inventory.counted_listings == inventory.stated_listings == len(inventory.listings)
    assert inventory.counted_tickets == inventory.stated_tickets
    assert sum(listing.quantity for listing in inventory.listings) == inventory.stated_tickets
    assert inventory.stated_zone_tickets == inventory.stated_section_tickets == inventory.stated_tickets


def test_a_listing_keeps_its_place_prices_and_score() -> None:
    def change(answer: dict[str, Any]) -> None:
        answer["tickets"][0].update(p="220.35", aip="297.00", vs="9.3", r="Z", q="4", m="2,4", t="0")

    first = json.loads(BODY)["tickets"][0]
    inventory = read(change)
    listing = inventory.listings[0]
    section = next(one for one in inventory.sections if one.section_id == listing.section_id)
    assert (listing.listing_id, listing.section_id, listing.zone_id) == (first["i"], first["d"], first["c"])
    assert (section.name, listing.row, listing.quantity) == (first["l"], "Z", 4)
    assert (listing.price_cents, listing.all_in_price_cents, listing.deal_score) == (22_035, 29_700, 9.3)
    assert listing.buyable == (2, 4)


def test_an_absent_all_in_price_is_unknown_and_never_computed() -> None:
    def change(answer: dict[str, Any]) -> None:
        for key in ("aip", "vs"):
            answer["tickets"][0].pop(key, None)

    listing = read(change).listings[0]
    assert listing.all_in_price_cents is None
    assert listing.deal_score is None


@pytest.mark.parametrize(("key", "value"), [("p", None), ("p", ""), ("q", None), ("q", ""), ("q", "0")])
def test_a_listing_without_price_or_quantity_is_counted_but_is_no_inventory(key: str, value: str | None) -> None:
    def change(answer: dict[str, Any]) -> None:
        section = busiest(answer, "sections")["i"]
        ticket = next(t for t in answer["tickets"] if t["d"] == section)
        ticket[key] = value
        if value is None:
            del ticket[key]

    inventory = read(change)
    assert inventory.status == "ok"
    assert len(inventory.listings) == inventory.counted_listings - 1
    assert inventory.counted_listings == inventory.stated_listings


@pytest.mark.parametrize(
    "price",
    [
        "0",
        "0.00",
        "-5.00",
        "21474836.48",
        "99999999999999",
        "1.234",
        "free",
        "1e3",
        "1,200.00",
        " 5",
        "٥",
        ".",
    ],
)
@pytest.mark.parametrize("key", ["p", "aip"])
def test_a_listing_with_an_impossible_price_is_left_out_counted_and_named(key: str, price: str) -> None:
    def change(answer: dict[str, Any]) -> None:
        busiest_ticket(answer)[key] = price

    inventory = read(change)
    assert inventory.status == "ok"
    assert len(inventory.listings) == inventory.counted_listings == (inventory.stated_listings or 0) - 1
    [why] = inventory.left_out
    assert busiest_ticket(json.loads(BODY))["i"] in why
    assert repr(price) in why


@pytest.mark.parametrize(
    "changes",
    [
        {"q": "two"},
        {"q": "-2"},
        {"q": "99999"},
        {"m": "2;4"},
        {"p": 220.35},
        {"q": 2},
        {"i": 17},
        {"d": None},
        {"p": {"amount": "220.35"}},
    ],
)
def test_s4_a_listing_that_cannot_be_read_is_left_out_counted_and_named(changes: dict[str, Any]) -> None:
    inventory = read(lambda answer: busiest_ticket(answer).update(changes))
    assert inventory.status == "ok"
    assert len(inventory.listings) == len(read().listings) - 1
    assert inventory.counted_listings == read().counted_listings - 1
    [why] = inventory.left_out
    assert any(word in why for word in ("the quantity", "the set of quantities", f"`$.{next(iter(changes))}`"))


@pytest.mark.parametrize("missing", "idc")
def test_s4_a_listing_without_a_field_that_we_depend_on_is_left_out(missing: str) -> None:
    inventory = read(lambda answer: busiest_ticket(answer).pop(missing))
    assert (inventory.status, len(inventory.left_out)) == ("ok", 1)


def test_half_a_character_in_a_sellers_note_costs_nothing() -> None:
    """Notes are cut at so many UTF-16 units, and no JSON reader takes half of one."""
    body = BODY.replace(b'"r":"', b'"r":"\\ud83d', 1)
    assert body != BODY
    inventory = read_listings(body, PRODUCTION_ID, 0.05)
    assert (inventory.status, inventory.left_out) == ("ok", [])
    assert len(inventory.listings) == len(read().listings)


def test_bytes_that_are_no_text_cost_their_listing_alone() -> None:
    inventory = read_listings(BODY.replace(b'"r":"', b'"r":"\xff', 1), PRODUCTION_ID, 0.05)
    assert len(inventory.left_out) == 1
    assert len(inventory.listings) == len(read().listings) - 1


def test_where_the_only_listing_of_a_section_is_left_out_the_answer_is_partial_and_not_sold_out_there() -> None:
    def lone(answer: dict[str, Any]) -> None:
        counts = Counter(ticket["d"] for ticket in answer["tickets"])
        next(ticket for ticket in answer["tickets"] if counts[ticket["d"]] == 1)["p"] = "0.00"

    inventory = read(lone)
    assert (inventory.status, len(inventory.left_out)) == ("partial", 1)
    assert "has no listing" in " ".join(inventory.contradictions)


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_where_the_totals_differ_by_what_was_left_out_the_answer_is_partial(share: float) -> None:
    def change(answer: dict[str, Any]) -> None:
        for ticket in answer["tickets"][: int(len(answer["tickets"]) * share)]:
            ticket["p"] = "0.00"

    inventory = read(change)
    assert inventory.status == "partial"
    assert any("listings, but" in why for why in inventory.contradictions)
    assert len(inventory.left_out) + len(inventory.listings) == read().counted_listings


def test_the_only_listing_of_an_event_is_left_out_and_the_event_is_not_sold_out() -> None:
    def change(answer: dict[str, Any]) -> None:
        del answer["tickets"][1:]
        answer["tickets"][0]["p"] = "0.00"

    inventory = read(change)
    assert (inventory.status, len(inventory.left_out)) == ("partial", 1)


def test_no_totals_means_the_marketplace_does_not_know_the_production() -> None:
    with pytest.raises(Missing, match=PRODUCTION_ID):
        read(lambda answer: answer.update({"global": []}))
    with pytest.raises(Missing):
        read_listings(b'{"global": []}', PRODUCTION_ID, 0.05)


def test_another_productions_answer_is_refused() -> None:
    with pytest.raises(Refused, match="production 12345 came"):
        read(lambda answer: answer["global"][0].update(productionId="12345"))


def test_another_currency_is_refused() -> None:
    with pytest.raises(Refused, match="in CAD instead of USD"):
        read(lambda answer: answer["i18n"].update(to="CAD"))
    with pytest.raises(Refused, match="not converted"):
        read(lambda answer: answer["i18n"].update({"from": "CAD"}))


def test_prices_that_the_marketplace_converted_to_dollars_are_accepted() -> None:
    change = {"from": "CAD", "rate": 0.71, "applyCurrencyConversion": True}
    assert read(lambda answer: answer["i18n"].update(change)).status == "ok"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"null", b"[]", b'"x"', b"{}", b"\xff\xfe", BODY[: len(BODY) // 2], b"[" * 100_000],
)
def test_what_is_not_an_answer_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match=PRODUCTION_ID):
        read_listings(body, PRODUCTION_ID, 0.05)


@pytest.mark.parametrize("kind", ["groups", "sections"])
def test_an_answer_that_adds_up_to_more_tickets_than_a_column_holds_is_refused(kind: str) -> None:
    def change(answer: dict[str, Any]) -> None:
        answer[kind] = [answer[kind][0] | {"i": f"new {number}", "q": "999999999"} for number in range(3)]

    with pytest.raises(Refused, match=f"more than {HIGHEST_COUNT}"):
        read(change)


def test_s4_new_fields_are_ignored_and_named() -> None:
    def change(answer: dict[str, Any]) -> None:
        answer["novelty"] = {"deep": [1, 2]}
        for kind in ("global", "tickets", "groups", "sections"):
            answer[kind][0]["novelty"] = [None, {}]

    assert read(change) == read()
    changed = json.loads(BODY)
    change(changed)
    new = answer_fields(json.dumps(changed).encode()) - answer_fields(BODY)
    assert new == {
        "novelty",
        "novelty.deep",
        *(f"{kind}.novelty" for kind in ("global", "tickets", "groups", "sections")),
    }


def test_a_field_that_only_the_last_listing_has_is_named_and_what_is_no_answer_has_none() -> None:
    changed = json.loads(BODY)
    changed["tickets"][-1]["novelty"] = "1"
    assert "tickets.novelty" in answer_fields(json.dumps(changed).encode())
    assert {"i18n.rate", "tickets.aip", "global.ticketCount"} < answer_fields(BODY)
    assert [answer_fields(body) for body in (b"", b"<html>", b"[]", b"7", BODY[:-5], b"[" * 100_000)] == [set()] * 6


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: [ticket.update(p=220.35) for ticket in answer["tickets"]],
        lambda answer: [ticket.update(q=2) for ticket in answer["tickets"]],
        lambda answer: [ticket.update(i=17) for ticket in answer["tickets"]],
        lambda answer: [ticket.update(q="two") for ticket in answer["tickets"]],
        lambda answer: [ticket.update(q="-2") for ticket in answer["tickets"]],
        lambda answer: [ticket.update(q="99999") for ticket in answer["tickets"]],
        lambda answer: [ticket.update(m="2;4") for ticket in answer["tickets"]],
        lambda answer: answer["groups"][0].update(q=5),
        lambda answer: answer["sections"][0].update(q="many"),
        lambda answer: answer["global"][0].update(ticketCount="1.5"),
        lambda answer: answer["global"].append(answer["global"][0]),
        lambda answer: answer.update(tickets={}),
        lambda answer: answer.update(i18n=None),
    ],
)
def test_s4_a_changed_type_is_refused(change: Change) -> None:
    with pytest.raises(Refused):
        read(change)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        *[("groups", key) for key in "iq"],
        *[("sections", key) for key in "igq"],
        *[("global", key) for key in ("productionId", "listingCount", "ticketCount")],
    ],
)
def test_s4_a_missing_field_that_we_depend_on_is_refused(kind: str, key: str) -> None:
    with pytest.raises(Refused, match=key):
        read(lambda answer: answer[kind][0].pop(key))


@pytest.mark.parametrize("key", "idc")
def test_s4_a_field_that_all_listings_lack_is_refused(key: str) -> None:
    with pytest.raises(Refused, match=f"most of them.*`{key}`"):
        read(lambda answer: [ticket.pop(key) for ticket in answer["tickets"]])


@pytest.mark.parametrize("kind", ["global", "tickets", "groups", "sections", "i18n"])
def test_s4_a_missing_part_is_refused(kind: str) -> None:
    with pytest.raises(Refused, match=kind):
        read(lambda answer: answer.pop(kind))


def test_nothing_for_sale_is_empty_only_where_every_count_says_so() -> None:
    inventory = read(sell_out)
    assert inventory.status == "empty"
    assert len(inventory.zones) == len(json.loads(BODY)["groups"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda answer: answer["groups"][0].update(q="2"), "Group"),
        (lambda answer: answer["sections"][0].update(q="2"), "Section"),
        (lambda answer: answer["global"][0].update(ticketCount="2"), "states 2 tickets, but 0 came"),
        (lambda answer: answer["global"][0].update(listingCount="1"), "states 1 listings, but 0 came"),
    ],
)
def test_nothing_for_sale_is_partial_where_any_count_disagrees(change: Change, sentence: str) -> None:
    def both(answer: dict[str, Any]) -> None:
        sell_out(answer)
        change(answer)

    inventory = read(both)
    assert inventory.status == "partial"
    assert sentence in " ".join(inventory.contradictions)


@pytest.mark.parametrize(("kind", "key", "word"), [("groups", "c", "Group"), ("sections", "d", "Section")])
def test_a_part_with_tickets_and_no_listing_makes_it_partial_whatever_the_totals(
    kind: str, key: str, word: str
) -> None:
    answer = json.loads(BODY)
    smallest = min((item for item in answer[kind] if item["q"] != "0"), key=lambda item: int(item["q"]))
    answer["tickets"] = [ticket for ticket in answer["tickets"] if ticket[key] != smallest["i"]]
    inventory = read_listings(json.dumps(answer).encode(), PRODUCTION_ID, tolerance=1.0)
    assert inventory.status == "partial"
    assert any(
        line.startswith(f"{word} {smallest['i']} ") and f"states {smallest['q']} tickets" in line
        for line in inventory.contradictions
    )


def test_a_zone_whose_only_listings_have_no_price_is_not_taken_for_sold_out() -> None:
    def change(answer: dict[str, Any]) -> None:
        zone = min((group for group in answer["groups"] if group["q"] != "0"), key=lambda g: int(g["q"]))
        for ticket in answer["tickets"]:
            if ticket["c"] == zone["i"]:
                del ticket["p"]

    assert read(change, tolerance=1.0).status == "partial"


@pytest.mark.parametrize("factor", [0.97, 1.03])
def test_totals_may_differ_within_the_tolerance(factor: float) -> None:
    def change(answer: dict[str, Any]) -> None:
        totals = answer["global"][0]
        totals["listingCount"] = str(round(int(totals["listingCount"]) * factor))
        totals["ticketCount"] = str(round(int(totals["ticketCount"]) * factor))

    assert read(change).status == "ok"
    assert read(change, tolerance=0.01).status == "partial"


@pytest.mark.parametrize("key", ["listingCount", "ticketCount"])
@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_totals_beyond_the_tolerance_make_it_partial_in_both_directions(key: str, factor: float) -> None:
    def change(answer: dict[str, Any]) -> None:
        totals = answer["global"][0]
        totals[key] = str(round(int(totals[key]) * factor))

    inventory = read(change)
    assert inventory.status == "partial"
    assert len(inventory.contradictions) == 1
    assert len(inventory.listings) == inventory.counted_listings


def test_a_listing_outside_its_sections_zone_is_a_contradiction() -> None:
    def change(answer: dict[str, Any]) -> None:
        ticket = answer["tickets"][0]
        ticket["c"] = next(group["i"] for group in answer["groups"] if group["i"] != ticket["c"])

    inventory = read(change, tolerance=1.0)
    assert inventory.status == "partial"
    assert "belongs to group" in inventory.contradictions[0]


def test_a_listing_told_twice_counts_once() -> None:
    assert read(lambda answer: answer["tickets"].append(dict(answer["tickets"][0]))) == read()


def test_a_listing_told_twice_with_different_prices_is_left_out() -> None:
    def change(answer: dict[str, Any]) -> None:
        answer["tickets"].append(busiest_ticket(answer) | {"p": "1.00"})

    inventory = read(change)
    assert len(inventory.listings) == len(read().listings) - 1
    assert "appears twice" in inventory.left_out[0]


def test_sections_and_zones_that_only_listings_name_are_built_from_them() -> None:
    def change(answer: dict[str, Any]) -> None:
        answer["tickets"][0].update(d="new-section", c="new-zone", l="Lawn 1", s="Lawn 1")

    inventory = read(change, tolerance=1.0)
    section = next(one for one in inventory.sections if one.section_id == "new-section")
    zone = next(one for one in inventory.zones if one.zone_id == "new-zone")
    assert (section.zone_id, section.name, section.tickets) == ("new-zone", "Lawn 1", 0)
    assert (zone.name, zone.tickets, zone.display_order) == ("", 0, len(inventory.zones) - 1)


def test_a_listing_in_another_group_than_its_sections_makes_the_section_there_too() -> None:
    def change(answer: dict[str, Any]) -> None:
        answer["tickets"][0]["c"] = next(group["i"] for group in answer["groups"] if group["i"] != home)

    [listed] = [one for one in json.loads(BODY)["sections"] if one["i"] == json.loads(BODY)["tickets"][0]["d"]]
    home = listed["g"]
    inventory = read(change)
    stray = inventory.listings[0].zone_id
    found = [one for one in inventory.sections if one.section_id == listed["i"]]
    assert [(one.zone_id, one.name) for one in found] == [(home, listed["n"]), (stray, listed["n"])]
    assert found[1].tickets == 0
    assert inventory.status == "partial"
    assert any(f"belongs to group {home}" in said for said in inventory.contradictions)


def test_an_event_without_a_map_is_not_partial_for_that() -> None:
    inventory = read(lambda answer: answer.update(groups=[], sections=[]))
    assert inventory.status == "ok"
    assert inventory.stated_zone_tickets is inventory.stated_section_tickets is None
    assert {listing.zone_id for listing in inventory.listings} == {zone.zone_id for zone in inventory.zones}


@pytest.mark.parametrize("kind", ["groups", "sections"])
def test_an_id_that_no_index_can_hold_is_refused(kind: str) -> None:
    with pytest.raises(Refused, match="3000 characters"):
        read(lambda answer: answer[kind][0].update(i="x" * 3000))


@pytest.mark.parametrize("kind", ["groups", "sections"])
@pytest.mark.parametrize(("said", "kept"), [("x" * 3000, "x" * 254 + "…"), ("Lo\0ge", "Loge"), ("\0", "")])
def test_a_name_that_no_column_can_hold_is_stored_as_far_as_it_can_be(kind: str, said: str, kept: str) -> None:
    inventory = read(lambda answer: answer[kind][0].update(n=said))
    assert inventory.status == "ok"
    parts = inventory.zones if kind == "groups" else inventory.sections
    assert parts[0].name == kept or (kind == "sections" and not kept)


def test_fields_that_could_not_be_noted_are_left_out() -> None:
    assert answer_fields(b'{"a": {"nul \\u0000": 1, "' + b"x" * 300 + b'": 2, "b": 3}}') == {"a", "a.b"}
