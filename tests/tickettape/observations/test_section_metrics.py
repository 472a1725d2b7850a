"""Listings to section metrics, against a calculation in plain Python."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from tickettape.marketplaces import HIGHEST_PRICE_CENTS, Listing
from tickettape.observations import COUNTED_SIZES
from tickettape.observations.section_metrics import GatheredListings


def listing(zone: str = "z", section: str = "s", price: int = 100, **more: object) -> Listing:
    fields: dict[str, object] = {
        "listing_id": "VB1", "zone_id": zone, "section_id": section, "row": "A",
        "quantity": 2, "price_cents": price, "all_in_price_cents": None, "buyable": (2,), "deal_score": None,
    }  # fmt: skip
    return Listing(**(fields | more))  # type: ignore[arg-type]


SECTION_KEYS = {(zone, section): key for key, (zone, section) in enumerate(product("xy", "abc"))}

LISTINGS = st.builds(
    listing,
    zone=st.sampled_from("xy"),
    section=st.sampled_from("abc"),
    price=st.integers(1, HIGHEST_PRICE_CENTS),
    quantity=st.integers(1, 30),
    all_in_price_cents=st.none() | st.integers(1, HIGHEST_PRICE_CENTS),
    buyable=st.sets(st.integers(1, 8), min_size=1).map(lambda sizes: tuple(sorted(sizes))),
)


@given(st.dictionaries(st.integers(1, 3), st.lists(LISTINGS, max_size=12), max_size=3))
def test_every_section_has_the_numbers_of_its_own_listings(market: dict[int, list[Listing]]) -> None:
    gathered = GatheredListings()
    for event_key, of_event in market.items():
        gathered.add(event_key, of_event, {place: 100 * event_key + key for place, key in SECTION_KEYS.items()})
    measured = gathered.section_metrics().astype(object)
    expected = {}
    for event_key, of_event in market.items():
        for key in {(item.zone_id, item.section_id) for item in of_event}:
            mine = [item for item in of_event if (item.zone_id, item.section_id) == key]
            prices = [item.price_cents for item in mine]
            all_in = [item.all_in_price_cents for item in mine if item.all_in_price_cents is not None]
            expected[event_key, 100 * event_key + SECTION_KEYS[key]] = {
                "lowest_price_cents": min(prices),
                "highest_price_cents": max(prices),
                "price_sum_cents": sum(prices),
                **{
                    name: min((item.price_cents for item in mine if size in item.buyable), default=None)
                    for size, name in COUNTED_SIZES.items()
                },
                "lowest_all_in_price_cents": min(all_in, default=None),
                "total_tickets": sum(item.quantity for item in mine),
                "total_listings": len(mine),
            }
    rows = measured.replace({float("nan"): None}).to_dict("records")
    found = {(row.pop("event_key"), row.pop("section_key")): row for row in rows}
    assert found == expected


def test_a_tick_without_listings_has_no_sections() -> None:
    gathered = GatheredListings()
    assert gathered.section_metrics().empty
    gathered.add(1, [], {})
    assert gathered.section_metrics().empty
