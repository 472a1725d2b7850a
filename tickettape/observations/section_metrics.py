"""Listings to section metrics: pure, with pandas, once for all events of a tick.

The numbers' definitions: README, "What the numbers are". Pandas once for a whole tick costs 0.3 ms an
event, once per event 17 ms.
"""

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
import pandas as pd

from tickettape.marketplaces import Listing

SECTION_KEYS = ["event_key", "section_key"]
COUNTED_SIZES = {
    1: "lowest_price_1ticket_cents",
    2: "lowest_price_2tickets_cents",
    4: "lowest_price_4tickets_cents",
}
SECTION_METRICS = [
    "lowest_price_cents",
    "highest_price_cents",
    "price_sum_cents",
    *COUNTED_SIZES.values(),
    "lowest_all_in_price_cents",
    "total_tickets",
    "total_listings",
]


class GatheredListings:
    """The listings of many events as columns of numbers, each event's gathered while they are at hand."""

    def __init__(self) -> None:
        self._event_keys, self._section_keys = array("q"), array("q")
        self._prices, self._all_ins, self._quantities = array("q"), array("q"), array("q")
        self._sells = array("q")  # which of the sets of quantities that may be bought
        self._sets: defaultdict[tuple[int, ...], int] = defaultdict(count().__next__)

    def add(self, event_key: int, listings: Sequence[Listing], section_keys: Mapping[tuple[str, str], int]) -> None:
        """Add an event's listings; `section_keys` by (zone id, section id)."""
        sets = self._sets
        self._event_keys.extend([event_key] * len(listings))
        self._section_keys.extend([section_keys[one.zone_id, one.section_id] for one in listings])
        self._prices.extend([one.price_cents for one in listings])
        self._all_ins.extend([one.all_in_price_cents or 0 for one in listings])
        self._quantities.extend([one.quantity for one in listings])
        self._sells.extend([sets[one.buyable] for one in listings])

    def section_metrics(self) -> pd.DataFrame:
        """The metrics of every section with inventory.

        Returns one row per section, sorted by SECTION_KEYS: the keys, then SECTION_METRICS in whole cents and counts
        (Int64; null where no listing sells that number or states a price with fees).
        """
        all_in, sells = np.array(self._all_ins), np.array(self._sells)
        columns: dict[int | str, Any] = {
            "event_key": np.array(self._event_keys),
            "section_key": np.array(self._section_keys),
            "price": np.array(self._prices),
            "all_in": pd.arrays.IntegerArray(all_in, all_in == 0),
            "quantity": np.array(self._quantities),
        }
        for size in COUNTED_SIZES:
            columns[size] = np.array([size in buyable for buyable in self._sets], dtype=bool)[sells]
        return metrics_by_keys(pd.DataFrame(columns), SECTION_KEYS)


def metrics_by_keys(listings: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
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
    return sections.astype(dict.fromkeys(SECTION_METRICS, "Int64"))
