"""The market of agents as a simulated market: the same catalogue, venue maps and answers, other listings.

`shelf` is what the answers are made of. `draw_listings` and its truth are for tests: no answer is made from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from tickettape.marketplaces.simulator import catalogue
from tickettape.marketplaces.simulator.catalogue import SimulatedProduction
from tickettape.marketplaces.simulator.draws import Ints, fraction, keys
from tickettape.marketplaces.simulator.market import Market, Shelf
from tickettape.marketplaces.simulator.split_rules import Rule
from tickettape.marketplaces.simulator.worlds.agents import trade
from tickettape.marketplaces.simulator.worlds.changes import Change, Departures, Log, States, read_changes
from tickettape.marketplaces.simulator.worlds.offers import STEP_MINUTES, STEPS_A_DAY, Offers, offers_of
from tickettape.marketplaces.simulator.worlds.random_world import live_and_go
from tickettape.marketplaces.simulator.worlds.ranges import MARKET_RANGES, drawn

EDITION = 20  # of each series: their dates lie in the 17 weeks from July 2026 on
ROWS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class ListingHistory:
    """What captures show of some events, in the window before each.

    `events`: event (the production id), starts_at, date, captures; capture c is at starts_at + c × `interval`.
    `listings`: a row per time in which a listing did not change: event, listing_id, zone, section, row, quantity,
    rule (`split_rules`), price_cents, all_in_price_cents, and the captures that show it: first_capture (included) to
    until_capture (excluded).
    """

    interval: timedelta
    events: pd.DataFrame
    listings: pd.DataFrame

    def at(self, event: int, capture: int) -> pd.DataFrame:
        """What one capture of one event shows: the rows of `listings`, without their captures."""
        rows = self.listings
        here = (rows["event"] == event) & (rows["first_capture"] <= capture) & (capture < rows["until_capture"])
        return rows[here].drop(columns=["first_capture", "until_capture"])


@dataclass(frozen=True)
class _Lives:
    """What happened to all events of one edition. The [event, slot] of a slot number is its divmod by `width`."""

    productions: Sequence[SimulatedProduction]
    offers: Offers
    states: States
    departures: Departures

    @property
    def width(self) -> int:
        return int(self.offers.appears.shape[1])


class AgentsMarket(Market):
    """A market of agents: each event is on sale for the last `days` days before its date.

    `strength` (0 to 1) says how much of what agents do leaves a trace, `random_share` (0 to 1) how many events belong
    to the random world instead. The parameters are drawn by `seed`.
    """

    def __init__(
        self, seed: int = 1, events: int = 24, *, strength: float = 1.0, random_share: float = 0.0, days: int = 30
    ) -> None:
        super().__init__(seed, events)
        if not (0 <= strength <= 1 and 0 <= random_share <= 1):
            raise ValueError(
                f"The strength {strength} or the random share {random_share} is no share. Give 0 to 1 for each."
            )
        if not 1 <= days <= catalogue.ON_SALE_DAYS:
            raise ValueError(f"A market of agents cannot last {days} days. Give 1 to {catalogue.ON_SALE_DAYS}.")
        self.strength, self.random_share, self.days = strength, random_share, days
        self.parameters = drawn(MARKET_RANGES, seed, "agents")
        self._lives_of = lru_cache(maxsize=2)(self._live)

    def productions(self, at: datetime) -> list[SimulatedProduction]:
        """What is on sale at `at` (UTC), soonest first."""
        found = (self._windowed(one) for one in super().productions(at))
        return [one for one in found if one.is_on_sale(at)]

    def production(self, production_id: int, at: datetime) -> SimulatedProduction | None:
        """The production if it is on sale at `at` (UTC), else None."""
        production = super().production(production_id, at)
        windowed = None if production is None else self._windowed(production)
        return windowed if windowed is not None and windowed.is_on_sale(at) else None

    def shelf(self, production: SimulatedProduction, at: datetime) -> Shelf:
        """All that is for sale of the production at `at` (UTC)."""
        lives = self._lives_of(production.edition)
        states, width = lives.states, lives.width
        first, last = np.searchsorted(states.slot, [production.series * width, (production.series + 1) * width])
        start = production.date - timedelta(days=self.days)
        step = (at - start) // timedelta(minutes=STEP_MINUTES)
        row = first + np.flatnonzero((states.first[first:last] <= step) & (step < states.until[first:last]))
        slot, price = states.slot[row], states.price_cents[row]
        offers = lives.offers
        rule = offers.rule.ravel()[slot]
        return Shelf(
            slot=slot % width,
            cycle=states.generation[row],
            listing_number=_numbers(offers, slot, states.generation[row]),
            section=offers.section.ravel()[slot],
            zone=offers.zone.ravel()[slot],
            row=offers.row.ravel()[slot],
            first_seat=offers.first_seat.ravel()[slot],
            quantity=states.quantity[row],
            rule=rule,
            states_quantities=rule == Rule.CUSTOM,
            price_cents=price,
            all_in_cents=_all_in(offers, slot, price),
            score_tenths=np.full(len(row), -1, dtype=np.int64),
        )

    def _windowed(self, production: SimulatedProduction) -> SimulatedProduction:
        return replace(production, on_sale_at=production.date - timedelta(days=self.days))

    def _live(self, edition: int) -> _Lives:
        productions = [catalogue.production_of(self.seed, series, edition) for series in range(self.size)]
        offers = offers_of(self, productions, self.parameters, self.random_share, self.days)
        demand = [2 / 3 + 2 / 3 * fraction(self.seed, one.production_id, "agents: demand") for one in productions]
        steps, log = self.days * STEPS_A_DAY, Log()
        live_and_go(offers, self.parameters, steps, log)
        trade(offers, self.parameters, np.array(demand), self.strength, steps, log)
        return _Lives(productions, offers, *read_changes(log.changes(), steps))


def draw_listings(
    market: AgentsMarket, *, edition: int = EDITION, interval_minutes: int = STEP_MINUTES
) -> tuple[ListingHistory, pd.DataFrame]:
    """The listings of all events of an edition by capture, and the truth about each departure.

    The truth has a row per listing that went or shrank after a capture had shown it: event, listing_id, capture (the
    first without it, or with fewer tickets), what ("went" or "shrank"), outcome ("sold", "withdrawn" or "relisted"),
    tickets, relisted_as (a listing_id, or ""), seller (a broker's number, or -1), random (of the random world).
    A listing that shrank and went between two captures has a row for each.
    """
    if interval_minutes < STEP_MINUTES or interval_minutes % STEP_MINUTES:
        raise ValueError(f"Captures cannot come every {interval_minutes} minutes. Give a multiple of {STEP_MINUTES}.")
    lives, every = market._lives_of(edition), interval_minutes // STEP_MINUTES
    dates = [one.date for one in lives.productions]
    events = pd.DataFrame(
        {
            "event": [one.production_id for one in lives.productions],
            "starts_at": pd.to_datetime([date - timedelta(days=market.days) for date in dates], utc=True),
            "date": pd.to_datetime(dates, utc=True),
            "captures": -(-market.days * STEPS_A_DAY // every),
        }
    )
    history = ListingHistory(timedelta(minutes=interval_minutes), events, _listings(market, lives, every))
    return history, _truth(lives, every)


def _listings(market: AgentsMarket, lives: _Lives, every: int) -> pd.DataFrame:
    states, offers = lives.states, lives.offers
    first, until = -(-states.first // every), -(-states.until // every)
    kept = first < until
    slot, price = states.slot[kept], states.price_cents[kept]
    event, zone, section = slot // lives.width, offers.zone.ravel()[slot], offers.section.ravel()[slot]
    stages = [market.stage(one) for one in lives.productions]
    return pd.DataFrame(
        {
            "event": _ids(lives)[event],
            "listing_id": _listing_ids(offers, slot, states.generation[kept]),
            "zone": [stages[one].zone_ids[place] for one, place in zip(event, zone, strict=True)],
            "section": [stages[one].sections[place].section_id for one, place in zip(event, section, strict=True)],
            "row": np.array(list(ROWS))[offers.row.ravel()[slot]],
            "quantity": states.quantity[kept],
            "rule": offers.rule.ravel()[slot],
            "price_cents": price,
            "all_in_price_cents": _all_in(offers, slot, price),
            "first_capture": first[kept],
            "until_capture": until[kept],
        }
    )


def _truth(lives: _Lives, every: int) -> pd.DataFrame:
    gone, offers = lives.departures, lives.offers
    capture = -(-gone.step // every)
    kept = -(-gone.shown_since // every) < capture
    slot, generation, kind = gone.slot[kept], gone.generation[kept], gone.kind[kept]
    outcomes = {int(one): one.name.lower() for one in Change} | {int(Change.SHRANK): "sold"}
    relisted_as = _listing_ids(offers, slot, generation + 1)
    event = slot // lives.width
    return pd.DataFrame(
        {
            "event": _ids(lives)[event],
            "listing_id": _listing_ids(offers, slot, generation),
            "capture": capture[kept],
            "what": np.where(kind == Change.SHRANK, "shrank", "went"),
            "outcome": [outcomes[one] for one in kind.tolist()],
            "tickets": gone.tickets[kept],
            "relisted_as": np.where(gone.comes_back[kept], relisted_as, ""),
            "seller": offers.seller.ravel()[slot],
            "random": offers.random[event],
        }
    )


def _ids(lives: _Lives) -> Ints:
    return np.array([one.production_id for one in lives.productions])


def _all_in(offers: Offers, slot: Ints, price: Ints) -> Ints:
    cents: Ints = np.rint(price * offers.fee.ravel()[slot]).astype(np.int64)
    return cents


def _listing_ids(offers: Offers, slot: Ints, generation: Ints) -> npt.NDArray[np.object_]:
    return np.array([f"VB{number}" for number in _numbers(offers, slot, generation).tolist()], dtype=object)


def _numbers(offers: Offers, slot: Ints, generation: Ints) -> Ints:
    # 40 bits of a hash give away neither the seats nor the id before. An event has some hundred listings, so two of the
    # same number are one event in a million.
    event, place = np.divmod(slot, offers.appears.shape[1])
    numbers: Ints = (keys(13, offers.event_key[event], place, generation) >> np.uint64(24)).astype(np.int64)
    return numbers
