"""The ranges from which the worlds are drawn, each with its reason. They were written before any method was.

`docs/worlds.md` has the same tables for people, and a test compares the two. A world of another seed has other values
from the same ranges. Nobody changes a range to make a forecast look better: `test_frozen` shows any change.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from tickettape.marketplaces.simulator.draws import fraction


class World(StrEnum):
    """A world of prices, by what it does to the forecasts that people like to make."""

    MARTINGALE = "martingale"
    QUOTE_NOISE = "quote noise"
    LATE_COLLAPSE = "late collapse"
    LATE_SPIKE = "late spike"
    REGIME_CHANGE = "regime change"
    COMMON_SHOCKS = "common shocks"


class Range(NamedTuple):
    """A parameter lies evenly between the two values. The unit is in its name; without one it is a share or a log."""

    least: float
    most: float
    reason: str


class Phase(NamedTuple):
    """Days to the event, both ends included, before a day's move; the median size of that move; and how often it is
    not zero."""

    least_days: int
    most_days: int
    median_move: float
    moving_share: float


PHASES = (
    Phase(1, 1, 0.12, 1.0),
    Phase(2, 3, 0.08, 1.0),
    Phase(4, 7, 0.06, 0.95),
    Phase(8, 14, 0.024, 0.8),
    Phase(15, 30, 0.01, 0.65),
    Phase(31, 10_000, 0.0, 0.4),
)
"""The medians are those of get-in prices of an NFL season. The shares of days that move are assumed."""

FAR_MOVE = 0.03  # log standard deviation of a move over 30 days out, where the median of all days is zero

PRICE_RANGES: dict[str, Range] = {
    "level": Range(0.7, 1.4, "a market's moves are smaller or larger than the season's that was measured"),
    "event_spread": Range(0.2, 0.5, "log deviation of one event's moves from its market's: some events are calm"),
    "jump_share": Range(0.0, 0.06, "of moves that are three times as large: a stray cheap listing is sold"),
    "first_dollars": Range(40, 160, "median get-in price at the beginning; events differ by a log deviation of 0.6"),
    "missing_share": Range(0.0, 0.04, "of days without an observation: failed and partial captures"),
    "first_listings": Range(80, 400, "median number of listings; events differ by a log deviation of 0.5"),
    "far_fall": Range(-0.002, 0.006, "of listings a day, over 14 days out: new ones replace most that go"),
    "near_fall": Range(0.01, 0.03, "of listings a day, 14 to 4 days out: fewer new ones come"),
    "last_fall": Range(0.06, 0.16, "of listings a day, in the last three days: the unsold are taken down"),
    "count_noise": Range(0.02, 0.06, "log deviation of a day's change of the number of listings"),
}
"""Of every world of prices."""

OWN_RANGES: dict[World, dict[str, Range]] = {
    World.MARTINGALE: {},
    World.QUOTE_NOISE: {
        "quote_noise": Range(0.04, 0.12, "log deviation of the quote from the price it stands for"),
        "noisy_share": Range(0.3, 0.8, "of days whose quote is off: one odd listing makes the get-in price"),
    },
    World.LATE_COLLAPSE: {
        "shaped_share": Range(0.65, 0.85, "of events that collapse; 77 % did not end over 10 % dearer"),
        "first_day": Range(5, 10, "days to the event at which the fall begins"),
        "fall": Range(0.25, 0.6, "log fall until the event, in the middle; events differ by half of it both ways"),
    },
    World.LATE_SPIKE: {
        "shaped_share": Range(0.18, 0.3, "of events that spike; 23 % ended over 10 % dearer"),
        "first_day": Range(2, 5, "days to the event at which the rise begins"),
        "rise": Range(0.2, 0.6, "log rise until the event, in the middle; events differ by half of it both ways"),
    },
    World.REGIME_CHANGE: {
        "shaped_share": Range(0.65, 0.85, "of events that collapse, as in the world of that name"),
        "first_day": Range(5, 10, "days to the event at which the fall begins"),
        "fall": Range(0.25, 0.6, "log fall until the event, before the change"),
        "change_at": Range(0.5, 0.7, "share of the calendar after which the regime is another"),
        "after": Range(-1.0, -0.4, "what the fall is multiplied by from then on: it becomes a rise"),
    },
    World.COMMON_SHOCKS: {
        "shock": Range(0.05, 0.15, "log deviation of the shock that all events share on one day of each week"),
    },
}
"""Of one world each, beside those of every world."""

MARKET_RANGES: dict[str, Range] = {
    "listings": Range(150, 320, "per event in the window; events differ by up to a third both ways"),
    "early_share": Range(0.5, 0.7, "of them for sale when the window begins; the others come evenly"),
    "broker_share": Range(0.5, 0.8, "of listings that brokers sell; most of a resale market is theirs"),
    "brokers": Range(4, 12, "per event"),
    "undercutter_share": Range(0.4, 0.9, "of brokers whose software undercuts the cheapest like theirs"),
    "undercut": Range(0.003, 0.03, "by which they undercut: from a token to a step that a buyer notices"),
    "floor": Range(0.55, 0.85, "of a broker's usual price, below which the software does not follow: what was paid"),
    "broker_hours": Range(8, 48, "mean time between two looks of a broker at a price"),
    "private_hours": Range(72, 240, "the same of a private seller, who forgets the listing"),
    "broker_spread": Range(0.08, 0.25, "log deviation of brokers' usual prices from the seats' worth"),
    "private_spread": Range(0.15, 0.4, "the same of private sellers, who know less"),
    "late_trend": Range(-0.35, 0.15, "log change of what seats are worth to the event; events differ by 0.15"),
    "demand": Range(0.25, 0.55, "buyers per listing in 30 days, so that some 0.25 to 0.65 of departures are sales"),
    "late_demand": Range(1, 4, "times the early rate by which buyers come more often on the last day"),
    "evening": Range(0.4, 0.9, "by which buyers are more in the evening and fewer at night than on average"),
    "seen_share": Range(0.3, 0.9, "of listings that one buyer sees: filters, maps and patience"),
    "reserve": Range(0.1, 0.35, "log of the median reservation price over the seats' worth; fees are part of it"),
    "reserve_spread": Range(0.2, 0.45, "log deviation of reservation prices"),
    "taste_spread": Range(0.1, 0.4, "deviation of how much a buyer pays for better seats"),
    "batch_days": Range(8, 30, "mean time between two batches that one broker withdraws"),
    "batch_share": Range(0.1, 0.5, "of a broker's listings in one batch: sold elsewhere, or held back"),
    "lone_share": Range(0.15, 0.35, "of listings that a seller withdraws alone in a window of 30 days"),
    "relist_days": Range(6, 25, "mean time between two rounds in which one broker relists"),
    "relist_share": Range(0.1, 0.5, "of a broker's listings in one round, each under a new id"),
    "relist_minutes": Range(20, 120, "the longest gap between the old id and the new one; shorter ones as likely"),
    "fee": Range(1.2, 1.35, "all-in price over the price before fees, in the middle; listings differ by 0.03"),
    "random_life_days": Range(8, 30, "mean time for sale of a listing in the random world"),
}
"""Of a market of agents, and of the random world beside it."""

RANDOM_SOLD_SHARE = 1 / 3
"""Of whole departures in the random world, by a coin that looks at nothing: what was measured in the default market."""


def drawn(ranges: Mapping[str, Range], seed: int, purpose: str) -> dict[str, float]:
    """A value from every range; another `purpose` is another family of draws."""
    return {name: at(one, fraction(seed, 0, f"{purpose}: {name}")) for name, one in ranges.items()}


def at(one: Range, share: float) -> float:
    """The value at a share of the way through a range."""
    return one.least + (one.most - one.least) * share
