"""What `decisions` looks at, made of the listing history: listings with their quantities, sections with their names."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tickettape.database import Connection
from tickettape.listing_history import Offer, Stand
from tickettape.price_alerts.rules import Place, Rule, wanted_sections
from tickettape.price_alerts.sights import Listing, Sight

OfferTerms = dict[int, tuple[int, tuple[int, ...]]]
"""offer_terms_key -> how many tickets an offer has, and how many of them can be bought together."""


class ListingsOfStands:
    """Makes listings of what stands. What is the same as the time before is not made again."""

    def __init__(self, terms: OfferTerms) -> None:
        self._terms = terms
        self._made: dict[Offer, Listing] = {}

    def listings(self, stand: Stand) -> list[Listing]:
        """The listings of one event that stand."""
        known, made = self._made, {}
        for offer, (number, _, price, all_in, _) in stand.items():
            listing = known.get(offer)
            if listing is None or listing.price_cents != price or listing.all_in_cents != all_in:
                listing_id, section_key, row, terms_key = offer
                quantity, buyable = self._terms[terms_key]
                listing = Listing(listing_id, section_key, row, quantity, buyable, price, all_in, number)
            made[offer] = listing
        self._made = made
        return list(made.values())


class EventSights:
    """The captures of some events as sights, and which of their sections a rule is about."""

    def __init__(self, connection: Connection, event_keys: Sequence[int]) -> None:
        terms = connection.execute("select offer_terms_key, quantity, buyable from market.offer_terms").fetchall()
        self.terms: OfferTerms = {key: (quantity, tuple(buyable)) for key, quantity, buyable in terms}
        self._places: dict[int, dict[int, Place]] = {event_key: {} for event_key in event_keys}
        self._zone_of: dict[int, int] = {}
        for event_key, section_key, zone_key, zone, section in connection.execute(
            """select sections.event_key, sections.section_key, sections.zone_key, zones.name, sections.name
               from market.sections inner join market.zones
                   on zones.event_key = sections.event_key and zones.zone_key = sections.zone_key
               where sections.event_key = any(%s)""",
            [list(event_keys)],
        ).fetchall():
            self._places[event_key][section_key] = Place(zone, section)
            self._zone_of[section_key] = zone_key
        self._sections: dict[tuple[int, frozenset[str], frozenset[str], tuple[str, ...]], frozenset[int]] = {}

    def sight(self, event_key: int, tick: datetime, now: Stand, before: Stand | None) -> Sight:
        """A capture with the ok one before it."""
        made = ListingsOfStands(self.terms)
        listings = made.listings(now)
        return Sight(tick, listings, None if before is None else made.listings(before), self.zone_of)

    def sections(self, event_key: int, rule: Rule) -> frozenset[int]:
        """The sections of an event that a rule is about. Rules that say the same share the answer."""
        asked = (event_key, rule.zones, rule.sections, rule.excluded)
        found = self._sections.get(asked)
        if found is None:
            found = self._sections[asked] = wanted_sections(rule, self._places[event_key])
        return found

    def zone_of(self, section_key: int) -> int:
        """The key of a section's zone."""
        return self._zone_of[section_key]

    def places(self, event_key: int) -> Mapping[int, Place]:
        """The sections of an event: section_key -> names."""
        return self._places[event_key]

    def place(self, event_key: int, section_key: int) -> Place:
        """The names of a section and its zone."""
        return self._places[event_key][section_key]
