"""Listings to section metrics: pure, with pandas, once for all events of a tick.

The numbers' definitions: README, "What the numbers are". Pandas once for a whole tick costs 0.6 ms an
event, once per event 17 ms.
"""

from collections.abc import Iterable, Sequence
from functools import cache

import pandas as pd

from orchestration.marketplaces.base import Listing

KEYS = ["event_key", "zone_id", "section_id"]
COUNTED_SIZES = {
    1: "lowest_price_1ticket_cents",
    2: "lowest_price_2tickets_cents",
    4: "lowest_price_4tickets_cents",
}
METRICS = [
    "lowest_price_cents",
    "highest_price_cents",
    "price_sum_cents",
    *COUNTED_SIZES.values(),
    "lowest_all_in_price_cents",
    "total_tickets",
    "total_listings",
]


def section_metrics(inventories: Iterable[tuple[int, Iterable[Listing]]]) -> pd.DataFrame:
    """The metrics of every section with inventory, for (event_key, its listings).

    Returns one row per section, sorted by KEYS, with KEYS and METRICS: whole cents and counts (Int64; null
    where no listing sells that number or states a price with fees).
    """
    listings = pd.DataFrame(
        [
            (event_key, listing.zone_id, listing.section_id, listing.price_cents, listing.all_in_price_cents,
             listing.quantity, *_sells(listing.buyable))
            for event_key, of_event in inventories
            for listing in of_event
        ],
        columns=[*KEYS, "price", "all_in", "quantity", *COUNTED_SIZES],
    )  # fmt: skip
    return metrics_of(listings, KEYS)


def metrics_of(listings: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The metrics of listings that are a table already, one row per distinct `keys`, sorted by them.

    `listings`: the keys, `price` and `all_in` (cents; all_in null where not stated), `quantity`, and for each of
    COUNTED_SIZES a column of that name: whether exactly so many may be bought.
    """
    group_prices = {
        f"price_of_{size}": listings["price"].astype("Int64").where(listings[size].astype(bool))
        for size in COUNTED_SIZES
    }
    listings = listings.assign(all_in=listings["all_in"].astype("Int64"), **group_prices)
    sections = listings.groupby(list(keys), sort=True, as_index=False).agg(
        lowest_price_cents=("price", "min"),
        highest_price_cents=("price", "max"),
        price_sum_cents=("price", "sum"),
        **{name: (f"price_of_{size}", "min") for size, name in COUNTED_SIZES.items()},
        lowest_all_in_price_cents=("all_in", "min"),
        total_tickets=("quantity", "sum"),
        total_listings=("quantity", "count"),
    )
    return sections.astype(dict.fromkeys(METRICS, "Int64"))


@cache
def _sells(buyable: tuple[int, ...]) -> tuple[bool, ...]:
    """Whether exactly so many may be bought, for each counted size."""
    return tuple(size in buyable for size in COUNTED_SIZES)
