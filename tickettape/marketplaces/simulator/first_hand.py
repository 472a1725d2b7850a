"""The primary market of invented events: who buys at face value and when, and who of them resells.

As in `market`, everything is a pure function of (seed, production). `FirstHandSale` is what the box office learns: what
is for sale, and what was bought. Which tickets are listed again, and how that ends, is the truth about the
resale market: `FedMarket` lists them on the marketplace, and neither an answer nor the box office tells what became of
them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

import numpy as np

from tickettape.marketplaces.simulator import catalogue
from tickettape.marketplaces.simulator.catalogue import SimulatedProduction
from tickettape.marketplaces.simulator.draws import Floats, Ints, fraction, fractions, keys, origin
from tickettape.marketplaces.simulator.market import DAY_SECONDS, PARTIAL_SALES, Lives, Market, Outcome, Stage
from tickettape.marketplaces.simulator.split_rules import RULE_EDGES, TAKES

SERIES = (2, 8, 14, 20)  # theaters of some 2,000 seats: few enough to be sold here one by one
LEAST_DAYS = 10  # before its event a sale still begins here: time to look at it
FACE_VALUE_SHARE = 0.75  # of what a zone's seats usually cost on the resale market
STEP_DOLLARS = 5  # between face values
RESOLD_SHARE = 0.5  # of those who buy: many buy only to resell
PATIENCE_DAYS = 25.0  # mean time until a listing is sold or taken down, if the event does not come first
LISTED_AFTER_DAYS = 2.0  # mean time from a purchase until it is for sale again
LAST_HOURS = 2  # before the event, when nothing is listed any more

_SALE_SHARES, _SALE_DAYS = (0.0, 0.2, 0.6, 1.0), (0.0, 3.0, catalogue.ON_SALE_DAYS - 30.0, catalogue.ON_SALE_DAYS)
"""The share of purchases until so many days after the sale began: a rush, a long quiet time, the last month."""
_QUANTITIES = np.array([1, 2, 3, 4, 6, 8])
_QUANTITY_EDGES = np.cumsum([0.14, 0.5, 0.09, 0.2, 0.05])
_MEAN_QUANTITY = 2.67
_AT, _QUANTITY, _RESELLS, _WAITS, _LIFE, _OUTCOME, _RULE, _PARTS = range(8)


@dataclass(frozen=True)
class Place:
    """A part of the house, named as its zone on the marketplace: so many seats at one face value."""

    name: str
    seats: int
    price: Decimal


@dataclass(frozen=True)
class Purchase:
    """What one buyer took: so many tickets of a place, at an instant (UTC)."""

    at: datetime
    place: str
    quantity: int


@dataclass(frozen=True)
class Purchases:
    """All purchases of a production, oldest first: [purchase]. `at` is whole seconds since the sale began."""

    at: Floats
    zone: Ints
    quantity: Ints
    resells: Ints
    """1 if the buyer lists the tickets again, else 0."""


@dataclass(frozen=True)
class FirstHandSale:
    """A production as its box office sells it, in dollars."""

    production: SimulatedProduction
    places: tuple[Place, ...]
    purchases: Purchases
    zone_names: tuple[str, ...]

    @property
    def external_id(self) -> str:
        """The event's id at the simulated marketplace."""
        return str(self.production.production_id)

    def bought(self, after: datetime | None, until: datetime) -> list[Purchase]:
        """What was bought after an instant (None: from the beginning) and until another, oldest first."""
        start = self.production.on_sale_at
        since = -1.0 if after is None else (after - start).total_seconds()
        rows = np.flatnonzero((self.purchases.at > since) & (self.purchases.at <= (until - start).total_seconds()))
        return [
            Purchase(
                start + timedelta(seconds=int(self.purchases.at[row])),
                self.zone_names[self.purchases.zone[row]],
                int(self.purchases.quantity[row]),
            )
            for row in rows
        ]


class FedMarket(Market):
    """The simulated market, in which the box office's buyers supply what is resold of an event, for SERIES."""

    def lives_at(self, stage: Stage, now: float) -> Lives:
        """The truth about all that may be for sale `now` seconds after the production went on sale."""
        if stage.production.series in SERIES:
            return resales(self.seed, stage.production)[0]
        return super().lives_at(stage, now)


@dataclass(frozen=True)
class FirstHandSales:
    """The box offices of the invented events in the market of `seed` with `events` events."""

    seed: int
    events: int

    def following(self, at: datetime) -> FirstHandSale:
        """That of the event to put on sale at `at` (UTC): the next one that is not too close."""
        offered = [one for one in catalogue.upcoming(self.seed, self.events, at) if one.series in SERIES]
        if not offered:  # so few events that the marketplace has none of them
            offered = [catalogue.next_edition(self.seed, SERIES[0], at)]
        later = [one for one in offered if one.date >= at + timedelta(days=LEAST_DAYS)]
        return self._of(later[0] if later else offered[-1])

    def of(self, external_id: str) -> FirstHandSale | None:
        """That of the event with this id at the marketplace; None if no box office sells it."""
        production = catalogue.find(self.seed, SERIES[-1] + 1, int(external_id)) if external_id.isdigit() else None
        return self._of(production) if production is not None and production.series in SERIES else None

    def _of(self, production: SimulatedProduction) -> FirstHandSale:
        stage = _stage(self.seed, production)
        places = tuple(
            Place(stage.zone_names[zone], seats, Decimal(_face_dollars(stage, zone)))
            for zone, seats in _houses(stage).items()
        )
        return FirstHandSale(production, places, purchases(self.seed, production), stage.zone_names)


def purchases(seed: int, production: SimulatedProduction) -> Purchases:
    """Who buys at the box office, from the beginning to the event. A place that is sold out sells nothing more."""
    number, stage = production.production_id, _stage(seed, production)
    demand = 0.6 + 0.35 * fraction(seed, number, "first hand demand")
    found = []
    for zone, seats in _houses(stage).items():
        wanted = int(demand * seats / _MEAN_QUANTITY)
        key = keys(origin(seed, number, f"first hand {zone}"), np.arange(wanted))
        at = np.floor(np.interp(fractions(key, _AT), _SALE_SHARES, _SALE_DAYS) * DAY_SECONDS)
        quantity = _QUANTITIES[np.searchsorted(_QUANTITY_EDGES, fractions(key, _QUANTITY), side="right")]
        order = np.argsort(at)
        order = order[np.cumsum(quantity[order]) <= seats]
        resells = (fractions(key, _RESELLS) < RESOLD_SHARE).astype(np.int64)
        found.append((at[order], np.full(len(order), zone), quantity[order], resells[order]))
    at, zone_of, quantity, resells = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(at, kind="stable")
    return Purchases(at[order], zone_of[order], quantity[order], resells[order])


@lru_cache(maxsize=8)
def resales(seed: int, production: SimulatedProduction) -> tuple[Lives, Ints]:
    """The truth about what is resold: each listing's life, and the purchase that its tickets are from [listing].

    A listing is of all tickets of one purchase, appears after it, and ends before the event.
    """
    stage, bought = _stage(seed, production), purchases(seed, production)
    per_zone = np.bincount(stage.slot_zone, minlength=len(stage.zone_ids))
    listed = np.flatnonzero((bought.resells == 1) & (per_zone[bought.zone] > 0))
    zone = bought.zone[listed]
    # a zone's listings take its slots in turn: a slot and a cycle are one listing's alone
    turn = np.zeros(len(listed), dtype=np.int64)
    for each in np.unique(zone):
        turn[zone == each] = np.arange(int((zone == each).sum()))
    first_slot = np.searchsorted(stage.slot_zone, np.arange(len(stage.zone_ids)))
    slot, cycle = first_slot[zone] + turn % per_zone[zone], turn // per_zone[zone]

    key = keys(origin(seed, production.production_id, "resales"), listed)
    born = bought.at[listed] + 1800 - np.log1p(-fractions(key, _WAITS)) * LISTED_AFTER_DAYS * DAY_SECONDS
    stops = catalogue.ON_SALE_DAYS * DAY_SECONDS - LAST_HOURS * 3600
    left_alone = born - np.log1p(-fractions(key, _LIFE)) * PATIENCE_DAYS * DAY_SECONDS
    ends = np.minimum(left_alone, stops)
    sold_share = 0.35 + 0.5 * np.exp(-(catalogue.ON_SALE_DAYS - ends / DAY_SECONDS) / 10)
    sold = (fractions(key, _OUTCOME) < sold_share) & (left_alone < stops)
    rule = np.searchsorted(RULE_EDGES, fractions(key, _RULE), side="right")
    quantity = bought.quantity[listed]
    parts = np.zeros((len(listed), PARTIAL_SALES), dtype=np.int64)
    part_draw = (fractions(key, _PARTS) * 32).astype(np.int64)
    parts[:, 0] = np.where(part_draw < 8, TAKES[rule, quantity, part_draw % 8], 0)
    moment = born + (0.05 + 0.9 * fractions(key, _PARTS + 1)) * (ends - born)
    lives = Lives(
        slot=slot,
        cycle=cycle,
        root=cycle,
        occupied=born < stops,
        born=born,
        ends=ends,
        outcome=np.where(sold, int(Outcome.SOLD), int(Outcome.WITHDRAWN)),
        rule=rule,
        quantity=quantity,
        partial_at=np.repeat(moment[:, None], PARTIAL_SALES, axis=1),
        partial_sold=parts,
    )
    return lives, listed


def _stage(seed: int, production: SimulatedProduction) -> Stage:
    return Market(seed).stage(production)


def _houses(stage: Stage) -> dict[int, int]:
    """The seats of each zone that has a name of its own."""
    names = stage.zone_names
    zones = [zone for zone, name in enumerate(names) if name and names.index(name) == zone]
    sections = int(stage.section_count[zones].sum())
    capacity = stage.production.venue.capacity
    return {zone: capacity * int(stage.section_count[zone]) // sections for zone in zones}


def _face_dollars(stage: Stage, zone: int) -> int:
    dollars = FACE_VALUE_SHARE * stage.production.genre.price_dollars * 0.62**zone
    return STEP_DOLLARS * max(1, round(dollars / STEP_DOLLARS))
