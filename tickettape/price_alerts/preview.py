"""What a rule would have told: the same decisions, one past capture after the other. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tickettape.listing_history import Stand
from tickettape.price_alerts.decisions import LeftOut, Occasion, State, decide, limit_of, reference_of
from tickettape.price_alerts.event_sights import ListingsOfStands, OfferTerms
from tickettape.price_alerts.price_hours import PriceHours, hour_of
from tickettape.price_alerts.rules import OF_HISTORY, Place, Rule, wanted_sections
from tickettape.price_alerts.sights import Listing, Sight


@dataclass
class Preview:
    """What a rule would have told between the first and the last of so many ok captures.

    `stated`: whether any listing had a price on the rule's basis. `holds`: whether a price counts now.
    """

    captures: int = 0
    stated: bool = False
    occasions: list[Occasion] = field(default_factory=list)
    left_out: list[tuple[datetime, LeftOut]] = field(default_factory=list)
    hours: PriceHours | None = None

    def told(self) -> list[Occasion]:
        """What would have been sent."""
        return [one for one in self.occasions if one.outcome == "tell"]


def sights_of(
    states: Iterable[tuple[datetime, bool, Stand]], terms: OfferTerms, zone_of: Callable[[int], int], first: datetime
) -> Iterator[Sight]:
    """The ok captures from `first`, each with the one before it. `states`: those of `states_of` or `states_between`."""
    listings = ListingsOfStands(terms)
    before: list[Listing] | None = None
    for tick, partial, stand in states:
        if partial:
            continue
        now = listings.listings(stand)
        if tick >= first:
            yield Sight(tick, now, before, zone_of)
        before = now


def preview(rule: Rule, places: Mapping[int, Place], sights: Iterable[Sight], first: datetime) -> Preview:
    """Decide a rule at past captures. Prices before `first` are only what conditions on history compare with."""
    found, state = Preview(), State()
    sections = wanted_sections(rule, places)
    told: dict[Any, int] = {}
    of_hour, reference = None, None
    for sight in sights:
        hours = found.hours or PriceHours(hour_of(sight.tick), [])
        today = sight.tick.astimezone(ZoneInfo(rule.time_zone)).date()
        hour = hour_of(sight.tick)
        if rule.condition in OF_HISTORY and hour != of_hour:
            of_hour, reference = hour, reference_of(rule, hours.before(hour), hour)
        decision = decide(rule, sections, sight, state, limit_of(rule, reference), told.get(today, 0))
        if decision.lowest_cents is not None:
            hours = hours.with_price(sight.tick, decision.lowest_cents)
        found.hours = hours
        found.stated = found.stated or any(listing.cents(rule.all_in) for listing in sight.now)
        if sight.tick < first:
            continue
        state = decision.state
        found.captures += 1
        found.left_out += [(sight.tick, one) for one in decision.left_out]
        if decision.occasion:
            found.occasions.append(decision.occasion)
            told[today] = told.get(today, 0) + (decision.occasion.outcome == "tell")
    return found
