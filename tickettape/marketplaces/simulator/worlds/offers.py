"""Who offers which seats when: what a market of agents begins with. Nothing that depends on another agent belongs here.

Arrays are [event, slot]. A slot is one seller's seats, sorted by zone; an event with fewer slots than the others is
padded with slots that never appear. Every draw is a hash of (event, slot), so an event is the same beside any others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from tickettape.marketplaces.simulator.catalogue import SimulatedProduction
from tickettape.marketplaces.simulator.draws import Floats, Hashes, Ints, fraction, fractions, keys, normals, origin
from tickettape.marketplaces.simulator.market import Market
from tickettape.marketplaces.simulator.split_rules import RULE_EDGES

STEP_MINUTES = 10
STEPS_A_DAY = 24 * 60 // STEP_MINUTES
NEVER = np.iinfo(np.int64).max
PRIVATE = -1  # the seller of a listing that no broker has
LEAST_CENTS, MOST_CENTS = 600, 5_000_000

_SECTION, _ROW, _QUANTITY, _RULE, _SEATS, _APPEARS, _EARLY, _BROKER, _SELLER, _FEE, _USUAL = range(0, 22, 2)
_UNDERCUTS, _BROKER_USUAL = 0, 2

_QUANTITIES = np.array([2, 4, 1, 3, 6])
_QUANTITY_EDGES = np.cumsum([0.5, 0.25, 0.15, 0.05])

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Offers:
    """What sellers put up. Everything is [event, slot] but `event_key`, `random`, `start_hour`, `trend` [event].

    `worth_cents` is what the seats are worth before fees, `usual_cents` what the seller finds them worth; prices tend
    to it and, as the event comes near, to it times exp(`trend`). `appears` is a step, `NEVER` in padding. `seller` is
    a broker's number or `PRIVATE`. `start_hour` is the local hour of step 0.
    """

    event_key: Ints
    random: Bools
    start_hour: Floats
    trend: Floats
    slot_key: Hashes
    section: Ints
    zone: Ints
    row: Ints
    first_seat: Ints
    quantity: Ints
    rule: Ints
    seller: Ints
    undercuts: Bools
    worth_cents: Floats
    usual_cents: Floats
    fee: Floats
    appears: Ints

    @property
    def count(self) -> Ints:
        """How many slots of each event are no padding."""
        counts: Ints = (self.appears != NEVER).sum(axis=1)
        return counts


def offers_of(
    market: Market, productions: Sequence[SimulatedProduction], chosen: dict[str, float], random_share: float, days: int
) -> Offers:
    """The offers of these events in the last `days` days before each, with the parameters that were `chosen`."""
    numbers = [one.production_id for one in productions]
    event_key = np.array([origin(market.seed, number, "agents") >> 1 for number in numbers], dtype=np.int64)

    def of_event(purpose: str) -> Floats:
        return np.array([fraction(market.seed, number, f"agents: {purpose}") for number in numbers])

    counts = np.rint(chosen["listings"] * (2 + 2 * of_event("listings")) / 3).astype(np.int64)
    slots = np.arange(int(counts.max()))
    key = keys(0, *np.broadcast_arrays(event_key[:, None], slots[None, :]))
    zone, section, place = _places(market, productions, counts, key)
    row = (fractions(key, _ROW) * 26).astype(np.int64)

    brokers = round(chosen["brokers"])
    from_broker = fractions(key, _BROKER) < chosen["broker_share"]
    # The square makes some brokers large and others small.
    broker = (fractions(key, _SELLER) ** 2 * brokers).astype(np.int64)
    broker_key = keys(1, *np.broadcast_arrays(event_key[:, None], broker))
    worth = place * (1.12 - 0.009 * row) * 100 * np.array([one.genre.price_dollars for one in productions])[:, None]
    error = np.where(
        from_broker,
        chosen["broker_spread"] * (0.7 * normals(broker_key, _BROKER_USUAL) + 0.7 * normals(key, _USUAL)),
        chosen["private_spread"] * normals(key, _USUAL),
    )
    late = (fractions(key, _APPEARS) * days * STEPS_A_DAY).astype(np.int64)
    appears = np.where(fractions(key, _EARLY) < chosen["early_share"], 0, late)
    return Offers(
        event_key=event_key,
        random=of_event("random world") < random_share,
        start_hour=np.array([_local_hour(one) for one in productions]),
        trend=chosen["late_trend"] + 0.15 * (2 * of_event("trend") - 1),
        slot_key=key,
        section=section,
        zone=zone,
        row=row,
        first_seat=1 + (fractions(key, _SEATS) * 20).astype(np.int64),
        quantity=_QUANTITIES[np.searchsorted(_QUANTITY_EDGES, fractions(key, _QUANTITY), side="right")],
        rule=np.searchsorted(RULE_EDGES, fractions(key, _RULE), side="right"),
        seller=np.where(from_broker, broker, PRIVATE),
        undercuts=from_broker & (fractions(broker_key, _UNDERCUTS) < chosen["undercutter_share"]),
        worth_cents=worth,
        usual_cents=worth * np.exp(error),
        fee=chosen["fee"] + 0.06 * (fractions(key, _FEE) - 0.5),
        appears=np.where(slots[None, :] < counts[:, None], appears, NEVER),
    )


def cents_of(price: Floats, whole_dollars: Bools) -> Ints:
    """Prices as sellers write them: private ones in whole dollars."""
    clipped = np.clip(price, LEAST_CENTS, MOST_CENTS)
    cents: Ints = np.where(whole_dollars, np.rint(clipped / 100) * 100, np.rint(clipped)).astype(np.int64)
    return cents


def trend_at(trend: Floats, step: int | Ints, steps: int) -> Floats:
    """What seats are worth at a step, as a factor: it moves in the last days."""
    factor: Floats = np.exp(trend * np.exp(-(steps - step) / (4 * STEPS_A_DAY)))
    return factor


def _places(
    market: Market, productions: Sequence[SimulatedProduction], counts: Ints, key: Hashes
) -> tuple[Ints, Ints, Floats]:
    """Zone, section and the section's factor of price, by the venue's own map."""
    zone, section = np.zeros(key.shape, dtype=np.int64), np.zeros(key.shape, dtype=np.int64)
    factor = np.ones(key.shape)
    share = fractions(key, _SECTION)
    for index, production in enumerate(productions):
        stage = market.stage(production)
        # The slots of the default market are sorted by zone; these take the same shares of them.
        place = (np.arange(key.shape[1]) * len(stage.slot_zone) // counts[index]).clip(0, len(stage.slot_zone) - 1)
        zone[index] = stage.slot_zone[place]
        here = stage.section_count[zone[index]]
        section[index] = stage.first_section[zone[index]] + np.minimum((share[index] * here).astype(np.int64), here - 1)
        factor[index] = stage.section_factors[section[index]]
    return zone, section, factor


def _local_hour(production: SimulatedProduction) -> float:
    local = production.date.astimezone(ZoneInfo(production.venue.time_zone))
    return local.hour + local.minute / 60
