"""The listing history as a chain: what each look at an event changed. Pure: no SQL, no clock.

A look is everything one read answer shows. An offer is a listing with what the seller fixed: where the seats are,
how many, and what may be bought of them; its prices may change while it stands. What stands after an ok look is
what it showed. A partial look proves what it shows and nothing else: an offer that it does not show stands on,
unless the same listing is shown with other seats or another quantity.

A link is one look's difference to what stood before. The first link of a UTC day is an image: it holds all that
stands, so that every day is read without the one before.
"""

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

Offer = tuple[str, int, str, int]
"""(listing id, section_key, row, lot_key)"""

Prices = tuple[int, int, int]
"""(price, all-in price or 0 where not stated: cents; deal score in tenths or -1)"""

Standing = tuple[int, int, int, int, int]
"""(number, since, *Prices): an offer's number in the chain, and the tick (microseconds since 1970) at which its
listing was first seen without a gap."""

Stand = Mapping[Offer, Standing]

_NUMBERS = 2**31


@dataclass(frozen=True, slots=True)
class Observation:
    """What one read answer showed at `tick` (microseconds since 1970)."""

    tick: int
    partial: bool
    offers: Mapping[Offer, Prices]


@dataclass(slots=True)
class Delta:
    """One look in the chain, as it is stored: `stayed` is None unless this is an image.

    `stayed`, `came` and `went` are (offer, standing), of `went` the last one; `changed` is (number, steps).
    """

    tick: int
    partial: bool
    stayed: list[tuple[Offer, Standing]] | None = None
    came: list[tuple[Offer, Standing]] = field(default_factory=list)
    went: list[tuple[Offer, Standing]] = field(default_factory=list)
    changed: list[tuple[int, Prices]] = field(default_factory=list)
    unseen: list[int] = field(default_factory=list)


def next_delta(
    before: Stand | None, look: Observation, *, image: bool, taken: Collection[int] | None = None
) -> tuple[Delta, dict[Offer, Standing]]:
    """The link that adds a look to a chain, and what stands after it.

    `before`: what stood, None where nothing is known: then all that is shown stays, since this tick. What is known
    to be the same may be left out of both, if `taken` has the numbers of all that stood.
    """
    link = Delta(look.tick, look.partial)
    stand: dict[Offer, Standing] = {}
    if before is None:
        _number(look, sorted(look.offers), {}, (), stand)
        link.stayed = sorted(stand.items())
        return link, stand
    new: list[Offer] = []
    changed = link.changed
    for offer, prices in look.offers.items():
        known = before.get(offer)
        if known is None:
            new.append(offer)
            continue
        number, since, price, all_in, score = known
        to_price, to_all_in, to_score = prices
        if price == to_price and all_in == to_all_in and score == to_score:
            stand[offer] = known
        else:
            stand[offer] = (number, since, to_price, to_all_in, to_score)
            changed.append((number, (to_price - price, to_all_in - all_in, to_score - score)))
    if len(stand) < len(before):
        _part(link, look, before, stand)
    if new:
        sinces = {offer[0]: standing[1] for offer, standing in link.went}
        came: dict[Offer, Standing] = {}
        if taken is None:
            taken = [standing[0] for standing in before.values()]
        _number(look, sorted(new), sinces, taken, came)
        link.came = list(came.items())
    if image:
        link.stayed = sorted(stand.items())
    if new:
        stand.update(came)
    changed.sort()
    return link, stand


def apply_delta(before: Stand, link: Delta) -> dict[Offer, Standing]:
    """What stands after a link that follows `before` (not asked for where the link is an image)."""
    if link.stayed is not None:
        return dict([*link.stayed, *link.came])
    stand = dict(before)
    if link.changed:
        steps = dict(link.changed)
        for offer, standing in before.items():
            step = steps.get(standing[0])
            if step is not None:
                number, since, price, all_in, score = standing
                stand[offer] = (number, since, price + step[0], all_in + step[1], score + step[2])
    for offer, _ in link.went:
        del stand[offer]
    stand.update(link.came)
    return stand


def observation_of(link: Delta, stand: Stand) -> Observation:
    """The look that a link was made of, given what stands after it."""
    unseen = set(link.unseen)
    return Observation(
        link.tick,
        link.partial,
        {offer: standing[2:] for offer, standing in stand.items() if standing[0] not in unseen},
    )


def _part(link: Delta, look: Observation, before: Stand, stand: dict[Offer, Standing]) -> None:
    """Tell apart, of the offers that are not shown, those that went from those that stand unseen."""
    missing = before.keys() - look.offers.keys()
    if link.partial:
        shown = {offer[0] for offer in look.offers}
        for offer in missing:
            if offer[0] not in shown:
                stand[offer] = before[offer]
                link.unseen.append(before[offer][0])
        missing = {offer for offer in missing if offer[0] in shown}
        link.unseen.sort()
    link.went = sorted((offer, before[offer]) for offer in missing)


def _number(
    look: Observation,
    offers: Collection[Offer],
    sinces: Mapping[str, int],
    taken: Collection[int],
    into: dict[Offer, Standing],
) -> None:
    """Give new offers their numbers: a hash of the offer, so that it has the same one whenever it is met."""
    used = set(taken)
    for offer in offers:
        number = zlib.crc32(repr(offer).encode()) % _NUMBERS
        while number in used:
            number = (number + 1) % _NUMBERS
        used.add(number)
        into[offer] = (number, sinces.get(offer[0], look.tick), *look.offers[offer])
