"""What is for sale at a time, and what truly happened to it: a pure function of (seed, production, time).

Nothing is remembered. A production has a fixed number of slots; a slot lives through numbered cycles,
each one listing from its birth to its end, and every figure of a cycle is drawn from a hash of
(seed, production, slot, cycle). So any time can be asked for in any order, and `lives` tells the truth
about a listing (sold, withdrawn, relisted, split) that the wire never says. The wire format belongs in
`answers`, names and dates in `catalogue`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tickettape.marketplaces.simulator import catalogue
from tickettape.marketplaces.simulator.catalogue import SimulatedProduction
from tickettape.marketplaces.simulator.draws import Floats, Ints, fraction, fractions, keys, origin
from tickettape.marketplaces.simulator.split_rules import RULE_EDGES, TAKES, Rule

Bools = npt.NDArray[np.bool_]

CHANGE_SHARE = 0.05  # of the listings per 10 minutes: what a busy resale market shows
TURNOVER_SHARE = 0.12  # of those changes are births and ends; nearly all the others are new prices
CHANGE_SECONDS = 600.0  # what `change_share` is measured over
ALIVE_SHARE = 0.66  # of its cycle that a listing is for sale, on average
PARTIAL_SALES = 2  # at most so many in one cycle
DAY_SECONDS = 86_400.0

_SECTION, _ROW, _QUANTITY, _RULE, _SELLER, _FEE, _STATED = range(7)
_OCCUPIED, _GAP, _LIFE, _RELIST, _OUTCOME, _JITTER, _PRICE, _WHOLE = range(7, 15)
_NO_ALL_IN, _NO_SCORE, _SEATS = range(15, 18)
_PARTIAL = 20  # three streams for each partial sale: when, whether, how many

_QUANTITIES = np.array([1, 2, 3, 4, 5, 6, 7, 8, 10, 12])
_QUANTITY_EDGES = np.cumsum([0.13, 0.46, 0.08, 0.19, 0.03, 0.06, 0.01, 0.025, 0.01])


class Outcome(IntEnum):
    """How a listing ended."""

    SOLD = 0
    WITHDRAWN = 1
    RELISTED = 2


@dataclass(frozen=True, slots=True)
class Block:
    """A section of the venue: `section_id` and `name` as on the wire, `zone` its index."""

    section_id: str
    name: str
    zone: int


@dataclass(frozen=True)
class Stage:
    """What stays the same for one production: its venue's map, its slots, and its temper."""

    production: SimulatedProduction
    zone_ids: tuple[str, ...]
    zone_names: tuple[str, ...]
    sections: tuple[Block, ...]
    section_factors: Floats
    first_section: Ints
    section_count: Ints
    slot_zone: Ints
    hash_origin: int
    repricing_origin: int
    phase: Floats
    repricing_rate: Floats
    last_density: float
    drift: float
    late_drift: float

    @property
    def slots(self) -> Ints:
        """All slots, in order."""
        return np.arange(len(self.slot_zone))


@dataclass(frozen=True, slots=True)
class Lives:
    """The truth about one cycle per row. Times are seconds since the production went on sale.

    The listing is for sale in `born <= t < ends` if `occupied`. Its figures come from the cycle `root`: the one
    before, if that listing came back under another id; otherwise its own. `partial_at` and
    `partial_sold` ([row, sale], ascending) are the sales of a part; `quantity` is what it began with.
    """

    slot: Ints
    cycle: Ints
    root: Ints
    occupied: Bools
    born: Floats
    ends: Floats
    outcome: Ints
    rule: Ints
    quantity: Ints
    partial_at: Floats
    partial_sold: Ints


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is for sale at one time: one listing per row, in slot order. Prices are cents per ticket.

    `listing_number` names the listing; `all_in_cents` is 0 and `score_tenths` -1 where not stated.
    """

    slot: Ints
    cycle: Ints
    listing_number: Ints
    section: Ints
    zone: Ints
    row: Ints
    first_seat: Ints
    quantity: Ints
    rule: Ints
    states_quantities: Bools
    price_cents: Ints
    all_in_cents: Ints
    score_tenths: Ints


class Market:
    """A simulated market: `events` series for ever, each with 150 to 800 listings at its best time.

    `change_share` is the share of listings that change within 10 minutes.
    """

    def __init__(self, seed: int = 1, events: int = 24, change_share: float = CHANGE_SHARE) -> None:
        if not 0 < events <= catalogue.MOST_SERIES:
            raise ValueError(f"The simulated market cannot have {events} events. Give 1 to {catalogue.MOST_SERIES}.")
        if not 0 < change_share <= 0.9:
            raise ValueError(f"The change share cannot be {change_share}. Give more than 0 and at most 0.9.")
        self.seed = seed
        self.size = events
        self.change_share = change_share
        self.cycle_seconds = 2 * CHANGE_SECONDS / (ALIVE_SHARE * TURNOVER_SHARE * change_share)
        # A price drawn anew within one interval is one change, however often: hence the logarithm.
        self.repricing_seconds = CHANGE_SECONDS / -np.log1p(-(1 - TURNOVER_SHARE) * change_share)

    def productions(self, at: datetime) -> list[SimulatedProduction]:
        """What the marketplace offers at `at` (UTC), soonest first."""
        return catalogue.upcoming(self.seed, self.size, at)

    def production(self, production_id: int, at: datetime) -> SimulatedProduction | None:
        """The production if the marketplace knows it at `at` (UTC), else None."""
        production = catalogue.find(self.seed, self.size, production_id)
        return production if production is not None and production.is_on_sale(at) else None

    def stage(self, production: SimulatedProduction) -> Stage:
        """The production's venue map and temper."""
        return _stage(self.seed, production)

    def shelf(self, production: SimulatedProduction, at: datetime) -> Shelf:
        """All that is for sale of the production at `at` (UTC)."""
        stage = self.stage(production)
        now = (at - production.on_sale_at).total_seconds()
        lives = self.lives_at(stage, now)
        for_sale = lives.occupied & (lives.born <= now) & (now < lives.ends)
        slot, cycle, root = lives.slot[for_sale], lives.cycle[for_sale], lives.root[for_sale]
        sold = np.where(lives.partial_at[for_sale] <= now, lives.partial_sold[for_sale], 0).sum(axis=1)
        rule = lives.rule[for_sale]

        own, rooted = keys(stage.hash_origin, slot, cycle), keys(stage.hash_origin, slot, root)
        zone = stage.slot_zone[slot]
        section = stage.first_section[zone] + _pick(fractions(rooted, _SECTION), stage.section_count[zone])
        row = (fractions(rooted, _ROW) * 26).astype(np.int64)
        usual = stage.section_factors[section] * (1.12 - 0.009 * row)
        price_cents = self._prices(stage, slot, lives.born[for_sale], now, own, rooted, usual)
        fee = 1.2 + 0.15 * np.sqrt(fractions(own, _FEE))
        all_in_cents = np.rint(price_cents * fee).astype(np.int64)
        all_in_cents[fractions(own, _NO_ALL_IN) < 0.03] = 0
        fair_cents = usual * self._trend_dollars(stage, np.full(len(slot), now)) * 100
        score = np.clip(100 - 45 * np.maximum(0, price_cents / fair_cents - 0.55), 0, 100).astype(np.int64)
        score[fractions(own, _NO_SCORE) < 0.2] = -1
        return Shelf(
            slot=slot,
            cycle=cycle,
            listing_number=_numbers(stage, slot, cycle),
            section=section,
            zone=zone,
            row=row,
            first_seat=1 + (fractions(rooted, _SEATS) * 20).astype(np.int64),
            quantity=lives.quantity[for_sale] - sold,
            rule=rule,
            states_quantities=(rule == Rule.CUSTOM) | (fractions(own, _STATED) >= 0.15),
            price_cents=price_cents,
            all_in_cents=all_in_cents,
            score_tenths=score,
        )

    def lives_at(self, stage: Stage, now: float) -> Lives:
        """The truth about all that may be for sale `now` seconds after the production went on sale."""
        return self.lives(stage, stage.slots, self.cycle_at(stage, stage.slots, now))

    def cycle_at(self, stage: Stage, slot: Ints, now: float) -> Ints:
        """The cycle that each slot is in, `now` seconds after the production went on sale."""
        position = now / self.cycle_seconds - stage.phase[slot]
        cycle = np.floor(position).astype(np.int64)
        return cycle - (now < self._starts(stage, slot, cycle))

    def lives(self, stage: Stage, slot: Ints, cycle: Ints) -> Lives:
        """The truth about the given cycles (arrays of one length), whenever they are."""
        own = keys(stage.hash_origin, slot, cycle)
        before = keys(stage.hash_origin, slot, cycle - 1)
        odd = cycle % 2 == 1
        # Only even cycles are relisted, so the root of a listing is never more than one cycle away.
        comes_back = odd & (fractions(before, _RELIST) < 0.14)
        relisted = ~odd & (fractions(own, _RELIST) < 0.14)
        root = cycle - comes_back
        rooted = np.where(comes_back, before, own)
        root_starts = self._starts(stage, slot, root)
        starts, stops = self._starts(stage, slot, cycle), self._starts(stage, slot, cycle + 1)

        occupied = fractions(rooted, _OCCUPIED) < _density(stage, root_starts)
        gap = np.where(comes_back, 1800.0, 0.35 * (stops - starts)) * fractions(own, _GAP)
        born = np.minimum(starts + gap, stops)
        urgency = np.exp(-_days_to_go(starts) / 3)
        life = np.where(relisted, 1.0, 1 - (0.4 + 0.4 * urgency) * fractions(own, _LIFE))
        ends = born + (stops - born) * life
        sold_share = 0.35 + 0.5 * np.exp(-_days_to_go(ends) / 10)
        outcome = np.where(
            relisted,
            int(Outcome.RELISTED),
            np.where(fractions(own, _OUTCOME) < sold_share, int(Outcome.SOLD), int(Outcome.WITHDRAWN)),
        )

        rule = np.searchsorted(RULE_EDGES, fractions(rooted, _RULE), side="right")
        quantity = _QUANTITIES[np.searchsorted(_QUANTITY_EDGES, fractions(rooted, _QUANTITY), side="right")]
        root_sold = _partial_sales(rooted, rule, quantity, root_starts).sum(axis=1)
        quantity = quantity - np.where(comes_back, root_sold, 0)
        moments = np.sort(np.stack([fractions(own, _PARTIAL + 3 * sale) for sale in range(PARTIAL_SALES)], axis=1))
        return Lives(
            slot=slot,
            cycle=cycle,
            root=root,
            occupied=occupied,
            born=born,
            ends=ends,
            outcome=outcome,
            rule=rule,
            quantity=quantity,
            partial_at=born[:, None] + (0.05 + 0.9 * moments) * (ends - born)[:, None],
            partial_sold=_partial_sales(own, rule, quantity, starts),
        )

    def _starts(self, stage: Stage, slot: Ints, cycle: Ints) -> Floats:
        jitter = 0.8 * fractions(keys(stage.hash_origin, slot, cycle), _JITTER)
        starts: Floats = (cycle + stage.phase[slot] + jitter) * self.cycle_seconds
        return starts

    def _prices(
        self, stage: Stage, slot: Ints, born: Floats, now: float, own: npt.NDArray[np.uint64],
        rooted: npt.NDArray[np.uint64], usual: Floats,
    ) -> Ints:  # fmt: skip
        # A seller looks at the market only when he reprices, so a price is a function of that moment.
        seconds = self.repricing_seconds / stage.repricing_rate[slot]
        step = np.floor(now / seconds - stage.phase[slot]).astype(np.int64)
        step_key = keys(stage.repricing_origin, slot, step)
        repriced = (step + stage.phase[slot] + 0.8 * fractions(step_key, _JITTER)) * seconds
        late = repriced > now
        step_key = np.where(late, keys(stage.repricing_origin, slot, step - 1), step_key)
        earlier = (step - 1 + stage.phase[slot] + 0.8 * fractions(step_key, _JITTER)) * seconds
        repriced = np.where(late, earlier, repriced)
        unchanged = repriced < born
        mood = fractions(np.where(unchanged, own, step_key), _PRICE)
        spread = fractions(rooted, _SELLER)
        seller = np.exp(0.22 * np.clip(np.log((spread + 1e-9) / (1 - spread)), -2.5, 8))
        dollars = usual * seller * self._trend_dollars(stage, np.where(unchanged, born, repriced))
        dollars = np.clip(dollars * np.exp(0.12 * (mood - 0.5)), 6, 50_000)
        whole = fractions(rooted, _WHOLE) < 0.6
        cents: Ints = np.where(whole, np.rint(dollars) * 100, np.rint(dollars * 100)).astype(np.int64)
        return cents

    def _trend_dollars(self, stage: Stage, at: Floats) -> Floats:
        left = _days_to_go(at)
        progress = np.clip(1 - left / catalogue.ON_SALE_DAYS, 0, 1)
        wave = 0.07 * np.sin(2 * np.pi * (at / (9.3 * DAY_SECONDS) + stage.phase[0]))
        trend: Floats = stage.production.genre.price_dollars * np.exp(
            stage.drift * progress**2 + stage.late_drift * np.exp(-left / 2.5) + wave
        )
        return trend


def _days_to_go(at: Floats) -> Floats:
    days: Floats = np.maximum(0.0, catalogue.ON_SALE_DAYS - at / DAY_SECONDS)
    return days


def _density(stage: Stage, at: Floats) -> Floats:
    """The share of slots that are in use: it fills in a month and thins out in the last two weeks."""
    filled = np.clip(0.35 + at / (30 * DAY_SECONDS), 0, 1)
    left = np.minimum(1.0, _days_to_go(at) / 14) ** 0.7
    density: Floats = filled * (stage.last_density + (1 - stage.last_density) * left)
    return density


def _partial_sales(key: npt.NDArray[np.uint64], rule: Ints, quantity: Ints, starts: Floats) -> Ints:
    chance = 0.08 + 0.25 * np.exp(-_days_to_go(starts) / 5)
    sold = np.zeros((len(key), PARTIAL_SALES), dtype=np.int64)
    left = quantity
    for sale in range(PARTIAL_SALES):
        happens = fractions(key, _PARTIAL + 3 * sale + 1) < chance
        draw = (fractions(key, _PARTIAL + 3 * sale + 2) * 8).astype(np.int64)
        sold[:, sale] = np.where(happens, TAKES[rule, left, draw], 0)
        left = left - sold[:, sale]
    return sold


def _pick(draw: Floats, count: Ints) -> Ints:
    # The last sixth of a zone's sections never has anything for sale: venues list those too.
    index: Ints = np.minimum((draw * np.ceil(count * 0.85)).astype(np.int64), count - 1)
    return index


def _numbers(stage: Stage, slot: Ints, cycle: Ints) -> Ints:
    # An odd factor is a bijection modulo 2^40: no two listings of a production share a number, and the
    # number gives away neither slot nor cycle.
    serial = (slot.astype(np.uint64) << np.uint64(24)) + (cycle + 2).astype(np.uint64)
    mixed = serial * np.uint64(0x9E3779B97F4A7C15) + np.uint64(stage.hash_origin >> 24)
    numbers: Ints = (mixed & np.uint64(0xFF_FFFF_FFFF)).astype(np.int64)
    return numbers


@lru_cache(maxsize=512)  # 0.24 ms to make, some 45 kB to keep
def _stage(seed: int, production: SimulatedProduction) -> Stage:
    number = production.production_id

    def draw(purpose: str) -> float:
        return fraction(seed, number, purpose)

    names = list(production.venue.zones)
    if draw("nameless zone") < 0.25:
        names.append("")
    elif draw("twin zone") < 0.25:
        names.append(names[1])
    zones = len(names)
    section_total = 40 + int(draw("sections") * 41)
    zone_shares = np.array([1.0 + 1.5 * draw(f"zone share {zone}") for zone in range(zones)])
    # The dearest and the last zones are small: they are the ones that sell out and come back.
    zone_shares[[0, -1]] *= 0.35
    counts = np.maximum(2, np.floor(zone_shares / zone_shares.sum() * section_total)).astype(np.int64)
    counts[int(np.argmax(counts))] += section_total - int(counts.sum())

    slots = int((170 + draw("listings") ** 1.3 * 560) / ALIVE_SHARE)
    shares = counts / section_total
    shares[-1] = 3 / slots if draw("rare zone") < 0.7 else 0.0
    edges = np.cumsum(shares / shares.sum())
    slot_zone = np.minimum(np.searchsorted(edges, (np.arange(slots) + 0.5) / slots), zones - 1)
    if shares[-1] == 0.0:
        slot_zone = np.minimum(slot_zone, zones - 2)

    sections: list[Block] = []
    factors: list[float] = []
    for zone, (name, count) in enumerate(zip(names, counts.tolist(), strict=True)):
        for index in range(count):
            label = f"{100 * (zone + 1) + index + 1}"
            sections.append(Block(label, f"{name or 'Section'} {label}", zone))
            factors.append(0.62**zone * (0.8 + 0.45 * draw(f"section {label}")))
    slot_keys = keys(origin(seed, number, "slots"), np.arange(slots))
    return Stage(
        production=production,
        zone_ids=tuple(f"{production.venue.venue_id * 100 + zone}" for zone in range(zones)),
        zone_names=tuple(names),
        sections=tuple(sections),
        section_factors=np.array(factors),
        first_section=np.concatenate([[0], np.cumsum(counts)[:-1]]),
        section_count=counts,
        slot_zone=slot_zone,
        hash_origin=origin(seed, number, "cycles"),
        repricing_origin=origin(seed, number, "prices"),
        phase=fractions(slot_keys, 0),
        repricing_rate=0.3 + 1.4 * fractions(slot_keys, 1),
        last_density=0.05 + 0.45 * draw("last density"),
        drift=-0.5 + draw("drift"),
        late_drift=-0.45 + 0.75 * draw("late drift"),
    )
