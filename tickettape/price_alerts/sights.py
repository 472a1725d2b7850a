"""What stands at an event's newest ok capture: prices that two captures in a row agree on, without outliers. Pure.

A mistyped price is mended within minutes, and a reserved ticket comes back. So a price counts at the higher of what
its listing cost at the two newest ok captures. A listing without a forerunner does not stand yet.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

FAR_BELOW = 3
"""A lone listing at less than a third of the next cheapest in its section is left out. Where sellers compete, prices
side by side differ by a tenth or two; a slip of the hand is a digit or two, so a tenth or a hundredth."""

NEAR_PRICE = 0.2  # how far, relative to the larger, prices may be apart that are of one listing under another id


class Listing(NamedTuple):
    """A listing for sale. Prices in cents; `all_in_cents` 0 where it is not stated; `number`: its own in the chain."""

    listing_id: str
    section_key: int
    row: str
    quantity: int
    buyable: tuple[int, ...]
    price_cents: int
    all_in_cents: int
    number: int = 0

    def cents(self, all_in: bool) -> int:
        """The price on a basis; 0 where it is not stated."""
        return self.all_in_cents if all_in else self.price_cents

    @property
    def seats(self) -> tuple[int, str, int]:
        """What stays the same where a marketplace gives a listing a new id."""
        return self.section_key, self.row, self.quantity


class Outlier(NamedTuple):
    """A listing that is left out, and the price that it is compared with."""

    listing: Listing
    next_cents: int


class Offered(NamedTuple):
    """A listing with its price now and at the capture before: 0 where it has no forerunner."""

    cents: int
    before_cents: int
    listing: Listing

    @property
    def stood_cents(self) -> int | None:
        """The price at which it has stood at both captures. None: it has not."""
        return max(self.cents, self.before_cents) if self.before_cents else None


@dataclass(frozen=True)
class Sight:
    """An event's newest ok capture (`now`) and the one before (`before`; None: there is none)."""

    tick: datetime
    now: Sequence[Listing]
    before: Sequence[Listing] | None
    zone_of: Callable[[int], int] = field(default=lambda section_key: section_key)

    @cached_property
    def all_in(self) -> list[Offered]:
        """What has an all-in price, the cheapest first."""
        return self._offered(True)

    @cached_property
    def before_fees(self) -> list[Offered]:
        """All listings by price before fees, the cheapest first."""
        return self._offered(False)

    @cached_property
    def all_in_outliers(self) -> dict[str, Outlier]:
        """Outliers by all-in price: listing id -> outlier."""
        return outliers(self.all_in, self.zone_of)

    @cached_property
    def before_fees_outliers(self) -> dict[str, Outlier]:
        """Outliers by price before fees: listing id -> outlier."""
        return outliers(self.before_fees, self.zone_of)

    @cached_property
    def earlier(self) -> "Sight | None":
        """The capture before, alone."""
        return None if self.before is None else Sight(self.tick, self.before, None, self.zone_of)

    @cached_property
    def _forerunners(self) -> dict[str, Listing]:
        return forerunners(self.now, self.before or ())

    def _offered(self, all_in: bool) -> list[Offered]:
        cents_of, earlier = attrgetter("all_in_cents" if all_in else "price_cents"), self._forerunners
        found = []
        for listing in self.now:
            cents = cents_of(listing)
            if cents:
                before = earlier.get(listing.listing_id)
                found.append(Offered(cents, cents_of(before) if before else 0, listing))
        return sorted(found)


def forerunners(now: Iterable[Listing], before: Iterable[Listing]) -> dict[str, Listing]:
    """What each listing was at the capture before: by its id, or else the same seats at the nearest near price.

    One listing is the forerunner of at most one other.
    """
    known = {listing.listing_id: listing for listing in before}
    found: dict[str, Listing] = {}
    fresh: list[Listing] = []
    for listing in now:
        earlier = known.get(listing.listing_id)
        if earlier is None:
            fresh.append(listing)
        elif earlier is listing or earlier.seats == listing.seats or set(earlier.buyable) & set(listing.buyable):
            found[listing.listing_id] = known.pop(listing.listing_id)
    if not fresh:
        return found
    gone: dict[tuple[int, str, int], list[Listing]] = defaultdict(list)
    for listing in known.values():
        gone[listing.seats].append(listing)
    for listing in sorted(fresh):
        near = [
            other
            for other in gone.get(listing.seats, ())
            if abs(other.price_cents - listing.price_cents) <= NEAR_PRICE * max(other.price_cents, listing.price_cents)
        ]
        if near:
            nearest = min(near, key=lambda other: abs(other.price_cents - listing.price_cents))
            gone[listing.seats].remove(nearest)
            found[listing.listing_id] = nearest
    return found


def outliers(offered: Sequence[Offered], zone_of: Callable[[int], int]) -> dict[str, Outlier]:
    """The lone listings far below the next cheapest of their section. `offered`: the cheapest first.

    Where a section has one listing only, it is compared with its zone, and in a zone of one with the event.
    """
    by_section: dict[int, list[Offered]] = defaultdict(list)
    for one in offered:
        cheapest = by_section[one.listing.section_key]
        if len(cheapest) < 2:
            cheapest.append(one)
    by_zone: dict[int, list[Offered]] = defaultdict(list)
    found = {}
    for one in offered:
        cheapest = by_zone[zone_of(one.listing.section_key)]
        if len(cheapest) < 2:
            cheapest.append(one)
    for section_key, (first, *others) in by_section.items():
        others = others or _others(by_zone[zone_of(section_key)], first) or _others(offered[:2], first)
        if others and first.cents * FAR_BELOW < others[0].cents:
            found[first.listing.listing_id] = Outlier(first.listing, others[0].cents)
    return found


def _others(cheapest: Sequence[Offered], one: Offered) -> list[Offered]:
    return [other for other in cheapest if other is not one]
