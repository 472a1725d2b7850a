"""What a rule would have told: the same decisions, one past capture after the other. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from heapq import merge
from itertools import count
from zoneinfo import ZoneInfo

from tickettape.listing_history import Stand
from tickettape.price_alerts.decisions import LeftOut, Occasion, State, decide, limit_of, reference_of
from tickettape.price_alerts.event_sights import ListingsOfStands, OfferTerms
from tickettape.price_alerts.price_hours import PriceHours, hour_of
from tickettape.price_alerts.rules import OF_HISTORY, Place, Rule, wanted_sections
from tickettape.price_alerts.sights import Listing, Sight


@dataclass(frozen=True, slots=True)
class Past:
    """An event's past: its sections, and its ok captures, oldest first."""

    places: Mapping[int, Place]
    sights: Iterable[Sight]


@dataclass
class Preview:
    """What a rule would have told of an event, at so many ok captures.

    `stated`: whether any listing had a price on the rule's basis. `hours`: the prices that counted.
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


def preview(rule: Rule, pasts: Sequence[Past], first: datetime) -> list[Preview]:
    """Decide a rule at the past captures of events, as the ticks went by: the most messages a day are those of all
    events together. Prices before `first` are only what conditions on history compare with."""
    replays = [_Replay(rule, past, first) for past in pasts]
    told: Counter[date] = Counter()
    captures = merge(*map(_numbered, count(), pasts), key=lambda one: (one[1].tick, one[0]))
    for number, sight in captures:
        today = sight.tick.astimezone(ZoneInfo(rule.time_zone)).date()
        told[today] += replays[number].decide(sight, told[today])
    return [replay.found for replay in replays]


def _numbered(number: int, past: Past) -> Iterator[tuple[int, Sight]]:
    return ((number, sight) for sight in past.sights)


class _Replay:
    """A rule at one event's captures: what it remembers, and what it has told."""

    def __init__(self, rule: Rule, past: Past, first: datetime) -> None:
        self._rule, self._first = rule, first
        self._sections = wanted_sections(rule, past.places)
        self._state = State()
        self._of_hour: datetime | None = None
        self._reference: int | None = None
        self.found = Preview()

    def decide(self, sight: Sight, told_today: int) -> int:
        """Decide at the next capture. Returns how many messages that is."""
        rule, found, hour = self._rule, self.found, hour_of(sight.tick)
        hours = found.hours or PriceHours(hour, [])
        if rule.condition in OF_HISTORY and hour != self._of_hour:
            self._of_hour, self._reference = hour, reference_of(rule, hours.before(hour), hour)
        limit = limit_of(rule, self._reference)
        decision = decide(rule, self._sections, sight, self._state, limit, told_today)
        if decision.lowest_cents is not None:
            hours = hours.with_price(sight.tick, decision.lowest_cents)
        found.hours = hours
        found.stated = found.stated or any(listing.cents(rule.all_in) for listing in sight.now)
        if sight.tick < self._first:
            return 0
        self._state = decision.state
        found.captures += 1
        found.left_out += [(sight.tick, one) for one in decision.left_out]
        if decision.occasion is None:
            return 0
        found.occasions.append(decision.occasion)
        return int(decision.occasion.outcome == "tell")
