"""Decide which events of two catalogues are one event. Pure: catalogues in, links out.

Venue first, then the day at the venue, then names and starts. What is not certain is left to a person, and a tie is a
"no". A placeholder of an unknown time is never used.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from tickettape.catalogue.match_names import city_key, names_agree, venue_key
from tickettape.marketplaces import is_pass

NEAR_MINUTES = 90  # between two starts of one event; no source gives evidence for a width, and a double bill is longer
NEAR_KM, FAR_KM = 0.5, 2.0  # between two statements of one place; farther apart, one name is two places
LEARNED_FROM = 3  # events that agree make two venues one; two do if their coordinates agree as well

VenueId = tuple[str, str]
"""A venue at a source: (source, the source's id)."""


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """An event as its source lists it. `date` (UTC) has only the right day if `date_status` is "time_tbd"."""

    source: str
    external_id: str
    name: str
    venue_id: str | None
    venue: str | None
    city: str | None
    state: str | None
    latitude: float | None
    longitude: float | None
    time_zone: str | None
    date: datetime | None
    date_status: str

    @property
    def key(self) -> tuple[str, str]:
        """The event at its source."""
        return self.source, self.external_id

    @property
    def local(self) -> datetime | None:
        """Its start by the clock of the venue; None if the date or the time zone is not known."""
        if self.date is None or self.time_zone is None or self.date_status not in ("known", "time_tbd"):
            return None
        return self.date.astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Match:
    """A link between two events, by a rule, or a proposal for a person."""

    left: ListedEvent
    right: ListedEvent
    state: Literal["automatic", "proposed"]
    rule: str
    confidence: float
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class KnownVenues:
    """Venues of two sources that are known to be one, with the rule that says so, and those that are not."""

    same: Mapping[tuple[VenueId, VenueId], str] = field(default_factory=dict)
    different: Collection[tuple[VenueId, VenueId]] = ()


def match_events(
    left: Iterable[ListedEvent],
    right: Iterable[ListedEvent],
    venues: KnownVenues | None = None,
    refused: Collection[tuple[tuple[str, str], tuple[str, str]]] = (),
) -> list[Match]:
    """The links between two sources' catalogues. `refused`: pairs (left key, right key) that a person said no to."""
    venues = venues or KnownVenues()
    lefts, rights = _by_venue(left), _by_venue(right)
    # a rule needs one name in one city, or a pair that is known: so few of all pairs of venues are looked at
    named: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for key, events in rights.items():
        named[_place(events[0])].append(key)
    partners: defaultdict[VenueId, list[str]] = defaultdict(list)
    for one_venue, other_venue in venues.same:
        partners[one_venue].append(other_venue[1])
    found: list[Match] = []
    for one in lefts.values():
        known = partners[one[0].source, one[0].venue_id] if one[0].venue_id else []
        for key in dict.fromkeys([*named[_place(one[0])], *known]):
            other = rights.get(key)
            rule = venue_rule(one[0], other[0], venues) if other else None
            if other and rule:
                found += _of_one_venue(one, other, rule, refused)
    links = Counter(side.key for match in found if match.state == "automatic" for side in (match.left, match.right))
    return [_if_alone(match, links) for match in found]


def _if_alone(match: Match, links: Mapping[tuple[str, str], int]) -> Match:
    """A link, or a proposal if one of its events found another at a second venue: a tie is a "no"."""
    if match.state == "proposed" or links[match.left.key] == links[match.right.key] == 1:
        return match
    return replace(match, state="proposed", rule=f"{match.rule}, several venues", confidence=0.4)


def _place(event: ListedEvent) -> tuple[str, str]:
    """The venue's name and city, folded."""
    return venue_key(event.venue or ""), city_key(event.city or "")


def venue_rule(left: ListedEvent, right: ListedEvent, venues: KnownVenues) -> tuple[str, float] | None:
    """By which rule the venues of two events are one, and how sure that is; None if they are not known to be."""
    if left.venue_id and right.venue_id:
        pair = ((left.source, left.venue_id), (right.source, right.venue_id))
        if pair in venues.different:
            return None
        if pair in venues.same:
            return venues.same[pair], 0.97
    if not (left.venue and right.venue and left.city and right.city):
        return None
    if venue_key(left.venue) != venue_key(right.venue) or city_key(left.city) != city_key(right.city):
        return None
    if left.state and right.state and left.state.casefold() != right.state.casefold():
        return None
    apart = distance_km(left, right)
    if apart is None:
        return "venue by name and city", 0.93
    return ("venue by name, city and coordinates", 0.97) if apart <= FAR_KM else None


def learn_venues(left: Sequence[ListedEvent], right: Sequence[ListedEvent]) -> dict[tuple[VenueId, VenueId], list[str]]:
    """Venues of two sources whose events agree again and again, with the days on which they did.

    Events agree if they begin at the same minute and their names agree. Nothing is learned about a venue whose events
    agree with those of two.
    """
    by_start: defaultdict[datetime, list[ListedEvent]] = defaultdict(list)
    for one in right:
        if one.date is not None and one.date_status == "known" and one.venue_id:
            by_start[one.date].append(one)
    days: defaultdict[tuple[VenueId, VenueId], set[str]] = defaultdict(set)
    near: set[tuple[VenueId, VenueId]] = set()
    for one in left:
        if one.date is None or one.date_status != "known" or not one.venue_id:
            continue
        for other in by_start[one.date]:
            if other.venue_id and names_agree(one.name, other.name):
                pair = ((one.source, one.venue_id), (other.source, other.venue_id))
                days[pair].add(f"{one.date:%Y-%m-%d}")
                apart = distance_km(one, other)
                if apart is not None and apart <= NEAR_KM:
                    near.add(pair)
    partners = Counter(venue for pair in days for venue in pair)
    return {
        pair: sorted(agreed)
        for pair, agreed in days.items()
        if len(agreed) >= (LEARNED_FROM - 1 if pair in near else LEARNED_FROM)
        and partners[pair[0]] == partners[pair[1]] == 1
    }


def distance_km(left: ListedEvent, right: ListedEvent) -> float | None:
    """How far two venues are apart by their coordinates; None if one of them states none."""
    if left.latitude is None or left.longitude is None or right.latitude is None or right.longitude is None:
        return None
    north = math.radians(left.latitude - right.latitude)
    east = math.radians(left.longitude - right.longitude) * math.cos(math.radians(left.latitude))
    return 6371 * math.hypot(north, east)


def _by_venue(events: Iterable[ListedEvent]) -> dict[str, list[ListedEvent]]:
    """The events that take place on a known day, by venue; passes for parking are none."""
    found: defaultdict[str, list[ListedEvent]] = defaultdict(list)
    for one in events:
        if one.local is not None and not is_pass(one.name, one.venue):
            found[one.venue_id or " ".join(_place(one))].append(one)
    return dict(found)


def _of_one_venue(
    left: Sequence[ListedEvent],
    right: Sequence[ListedEvent],
    rule: tuple[str, float],
    refused: Collection[tuple[tuple[str, str], tuple[str, str]]],
) -> list[Match]:
    agreeing = [
        (one, other)
        for one in left
        for other in right
        if same_day(one, other) and names_agree(one.name, other.name) and (one.key, other.key) not in refused
    ]
    found = []
    for group in _connected(agreeing):
        near = [pair for pair in group if _near(*pair)]
        partners = [one.key for pair in near for one in pair]
        members = {one.key for pair in group for one in pair}
        timed = all(one.date_status == "known" for pair in group for one in pair)
        if timed and set(partners) == members and len(partners) == len(members):
            several = "" if len(group) == 1 else ", each with one partner"
            found += [_match(*pair, "automatic", rule[0] + several, rule[1] - 0.02 * bool(several)) for pair in near]
        elif len(group) == 1 and not timed:
            found.append(_match(*group[0], "proposed", f"{rule[0]}, a time is not known", 0.6))
        else:
            why = f"{rule[0]}, several on one day or other times"
            found += [_match(*pair, "proposed", why, 0.4) for pair in near]
    return found


def same_day(left: ListedEvent, right: ListedEvent) -> bool:
    """Whether two events are on one day at the venue. Never a day more or less: that is the other night of a stand."""
    return _day(left) == _day(right) is not None


def _day(event: ListedEvent) -> date | None:
    return event.local.date() if event.local else None


def _near(left: ListedEvent, right: ListedEvent) -> bool:
    """Whether two events of one day begin at about the same time. Both times are known."""
    if left.date_status != "known" or right.date_status != "known" or left.local is None or right.local is None:
        return False
    apart = [one.hour * 60 + one.minute for one in (left.local, right.local)]
    return abs(apart[0] - apart[1]) <= NEAR_MINUTES


def _connected(
    pairs: Sequence[tuple[ListedEvent, ListedEvent]],
) -> list[list[tuple[ListedEvent, ListedEvent]]]:
    """The pairs in groups that have an event in common, directly or over others."""
    group_of: dict[tuple[str, str], int] = {}
    for number, pair in enumerate(pairs):
        known = {group_of[one.key] for one in pair if one.key in group_of}
        for key, group in list(group_of.items()):
            if group in known:
                group_of[key] = number
        group_of.update((one.key, number) for one in pair)
    groups: defaultdict[int, list[tuple[ListedEvent, ListedEvent]]] = defaultdict(list)
    for pair in pairs:
        groups[group_of[pair[0].key]].append(pair)
    return list(groups.values())


def _match(
    left: ListedEvent,
    right: ListedEvent,
    state: Literal["automatic", "proposed"],
    rule: str,
    confidence: float,
) -> Match:
    apart = distance_km(left, right)
    evidence: dict[str, object] = {
        "names": [left.name, right.name],
        "venues": [left.venue, right.venue],
        "day": str(_day(left)),
        "starts": [f"{one.local:%H:%M}" if one.local and one.date_status == "known" else None for one in (left, right)],
        "km apart": None if apart is None else round(apart, 2),
    }
    return Match(left, right, state, rule, round(confidence, 2), evidence)
