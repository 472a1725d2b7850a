"""What a rule tells at a capture, and what it remembers of it. Pure: no SQL, no clock.

Every condition about a price becomes a limit (`limit_of`). From then on all are alike: a price that stands within the
limit is told once, and again only after all prices were outside of it or one went a step further. A listing that was
told is not told again at nearly the same price, whatever happens in between.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median_low
from typing import NamedTuple

from tickettape.price_alerts.rules import OF_HISTORY, Rule, can_be_bought, is_excluded_row, is_quiet, less, more
from tickettape.price_alerts.sights import Listing, Offered, Outlier, Sight

DAY = timedelta(days=1)
MEDIAN_OVER = timedelta(days=7)
FEWEST_HOURS = 24  # of prices before a median says anything
MOST_TOLD = 50  # listings that a rule remembers of an event
NOT_TOLD_YET = ("quiet", "missed")
SAME_SEATS_FOR = timedelta(days=1)
"""How long other listings of the same seats count as one that was told: some marketplaces change ids."""


class Told(NamedTuple):
    """A listing that was told, at which price."""

    listing_id: str
    section_key: int
    row: str
    quantity: int
    cents: int
    tick: datetime


@dataclass(frozen=True, slots=True)
class State:
    """What a rule remembers of an event. `sold_out`: at how many ok captures in a row nothing was for sale."""

    armed: bool = True
    told_cents: int | None = None
    told: tuple[Told, ...] = ()
    left_out: tuple[str, ...] = ()
    sold_out: int = 0


class LeftOut(NamedTuple):
    """A listing within the limit that is not told, because it is an outlier."""

    listing: Listing
    cents: int
    next_cents: int


@dataclass(frozen=True, slots=True)
class Occasion:
    """A reason to tell. `outcome`: `tell`; `capped`, because enough was told on the day; or not told, and decided again
    at the next capture: `quiet` (in quiet hours) and `missed` (the capture was read too late).

    `cents`: the listing's price on the rule's basis; None where it is not stated.
    """

    tick: datetime
    outcome: str
    listing: Listing | None
    cents: int | None
    reference_cents: int | None
    tickets: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule made of a capture: its new state, perhaps an occasion, and outliers that it had not left out before.

    `lowest_cents`: the lowest price that stands and counts for the rule; None: there is none. (Of a rule with a fixed
    limit, only prices within it are looked at.) `holder`: a listing that keeps the rule from telling again: while it
    stands as it is, and nothing is a step cheaper, nothing else can come of the rule.
    """

    state: State
    occasion: Occasion | None = None
    left_out: tuple[LeftOut, ...] = ()
    lowest_cents: int | None = None
    holder: Listing | None = None


Limit = tuple[int, int | None]
"""The price that a rule waits for, and what that is computed from (cents)."""

Hours = Mapping[datetime, int]
"""UTC hour -> the lowest price that stood in it and counted for a rule (cents)."""


def decide(
    rule: Rule,
    sections: frozenset[int],
    sight: Sight,
    state: State,
    limit: Limit | None,
    told_today: int = 0,
    *,
    late: bool = False,
) -> Decision:
    """What a rule tells at a capture. `sections`: what it is about (`wanted_sections`). `limit`: that of `limit_of`.

    `late`: the capture was read too late to tell of it.
    """
    outcome = _outcome(rule, sight.tick, told_today, late)
    if rule.condition == "few":
        return _few(rule, sections, sight, state, outcome)
    outliers = _outliers(rule, sight)
    offered, credible, standing = _looked_at(rule, sections, sight, outliers, limit)
    lowest = standing[0][0] if standing else None
    if rule.condition == "back":
        anything = any(one.section_key in sections and can_be_bought(rule, one.buyable) for one in sight.now)
        return _back(rule, sight, state, anything, standing, outcome)
    if limit is None:
        return Decision(state, lowest_cents=lowest)
    limit_cents, reference_cents = limit
    left_out = [] if rule.rises else _newly_left_out(offered, outliers, limit_cents, state)
    new = replace(state, left_out=(*state.left_out, *(one.listing.listing_id for one in left_out))[-MOST_TOLD:])
    if rule.rises:
        new, found = _rose(rule, new, _lowest_before(rule, sections, sight), credible, limit_cents)
    else:
        new, found = _fell(rule, sight, new, standing, credible, limit_cents)
    decision = Decision(new, None, tuple(left_out), lowest, credible[0].listing if credible else None)
    return _tell(rule, sight, state, decision, found, reference_cents, outcome)


def limit_of(rule: Rule, reference_cents: int | None) -> Limit | None:
    """The price (cents) that a rule waits for, given what it compares with (`reference_of`). None: it is not known."""
    if rule.condition == "below":
        return None if rule.limit_cents is None else (rule.limit_cents, None)
    if reference_cents is None or rule.condition not in OF_HISTORY:
        return None
    if rule.condition == "cheapest":
        return reference_cents - 1, reference_cents
    return (more if rule.rises else less)(reference_cents, rule.percent or 0), reference_cents


def reference_of(rule: Rule, hours: Hours, hour: datetime) -> int | None:
    """What a rule on history compares prices with in an hour (cents). None: too little is known of the time before."""
    earlier = {before: cents for before, cents in hours.items() if before < hour}
    if rule.condition in ("fell", "rose"):
        known = [before for before in earlier if hour - 2 * DAY < before <= hour - DAY]
        return earlier[max(known)] if known else None
    if rule.condition == "below_median":
        recent = [cents for before, cents in earlier.items() if before >= hour - MEDIAN_OVER]
        return median_low(recent) if len(recent) >= FEWEST_HOURS else None
    since = hour - timedelta(days=rule.days or 1)
    if rule.condition != "cheapest" or not earlier or min(earlier) > since:
        return None  # a record needs the whole time
    return min((cents for before, cents in earlier.items() if before >= since), default=None)


def needs_history(rule: Rule) -> timedelta | None:
    """How far back a rule looks; None: it does not."""
    if rule.condition not in OF_HISTORY:
        return None
    return {"cheapest": timedelta(days=rule.days or 1), "below_median": MEDIAN_OVER}.get(rule.condition, 2 * DAY)


def _looked_at(
    rule: Rule, sections: frozenset[int], sight: Sight, outliers: Mapping[str, Outlier], limit: Limit | None
) -> tuple[list[Offered], list[Offered], list[tuple[int, Offered]]]:
    """What a rule is about, the cheapest first: all of it, without outliers, and of these what stands with its price.

    Most of the market costs more than the limit. Of that, only what the lowest standing price needs is looked at, and
    for a fixed limit nothing.
    """
    most = limit[0] if limit and not rule.rises else 0
    offered, credible, standing = [], [], []
    lowest = most if limit and rule.condition == "below" else None
    for one in _wanted(rule, sections, sight):
        if lowest is not None and one.cents > max(most, lowest):
            break
        offered.append(one)
        if one.listing.listing_id in outliers:
            continue
        credible.append(one)
        stood = _stood(rule, one)
        if stood:
            standing.append((stood, one))
            lowest = stood if lowest is None else min(lowest, stood)
    return offered, credible, sorted(standing)


def _lowest_before(rule: Rule, sections: frozenset[int], sight: Sight) -> int:
    """The lowest price at the capture before, without outliers; 0: there is none."""
    earlier = sight.earlier
    if earlier is None:
        return 0
    outliers = _outliers(rule, earlier)
    credible = (one for one in _wanted(rule, sections, earlier) if one.listing.listing_id not in outliers)
    return next((one.cents for one in credible), 0)


def _wanted(rule: Rule, sections: frozenset[int], sight: Sight) -> Iterator[Offered]:
    for one in sight.all_in if _compares_all_in(rule) else sight.before_fees:
        listing = one.listing
        if (
            listing.section_key in sections
            and can_be_bought(rule, listing.buyable)
            and not is_excluded_row(rule, listing.row)
        ):
            yield one


def _compares_all_in(rule: Rule) -> bool:
    return rule.all_in and rule.condition != "back"  # what has no all-in price is for sale all the same


def _outliers(rule: Rule, sight: Sight) -> Mapping[str, Outlier]:
    return sight.all_in_outliers if _compares_all_in(rule) else sight.before_fees_outliers


def _stood(rule: Rule, one: Offered) -> int | None:
    return one.cents if rule.captures == 1 else one.stood_cents


def _newly_left_out(
    offered: Sequence[Offered], outliers: Mapping[str, Outlier], limit_cents: int, state: State
) -> list[LeftOut]:
    return [
        LeftOut(one.listing, one.cents, outliers[one.listing.listing_id].next_cents)
        for one in offered
        if one.cents <= limit_cents
        and one.listing.listing_id in outliers
        and one.listing.listing_id not in state.left_out
    ]


Found = tuple[int, Offered] | None


def _fell(
    rule: Rule,
    sight: Sight,
    state: State,
    standing: Sequence[tuple[int, Offered]],
    credible: Sequence[Offered],
    limit_cents: int,
) -> tuple[State, Found]:
    """What is within the limit and was not told, and the state without it."""
    above = limit_cents
    if rule.condition != "below" and state.told_cents is not None:
        # these limits move with what was told: a price that hardly moves must not cross them back and forth
        above = max(limit_cents, more(state.told_cents, rule.step_percent))
    if not state.armed and all(one.cents > above for one in credible):
        state = replace(state, armed=True, told_cents=None)
    within = [(stood, one) for stood, one in standing if stood <= limit_cents]
    if not state.armed:
        further = less(state.told_cents or 0, rule.step_percent)
        within = [(stood, one) for stood, one in within if stood <= further]
    fresh = (found for found in within if not _was_told(rule, state, *found, sight.tick))
    return state, next(fresh, None)


def _rose(
    rule: Rule,
    state: State,
    lowest_before: int,
    credible: Sequence[Offered],
    limit_cents: int,
) -> tuple[State, Found]:
    """The cheapest listing, if even it is at or above the limit, and the cheapest of the capture before was so too."""
    if not credible:
        return state, None
    lowest = credible[0]
    if not state.armed and lowest.cents < limit_cents:
        state = replace(state, armed=True, told_cents=None)
    least = limit_cents if state.armed else max(limit_cents, more(state.told_cents or 0, rule.step_percent))
    before = lowest.cents if rule.captures == 1 else lowest_before
    return state, (lowest.cents, lowest) if min(lowest.cents, before) >= least else None


def _was_told(rule: Rule, state: State, cents: int, one: Offered, tick: datetime) -> bool:
    listing = one.listing
    return any(
        cents > less(told.cents, rule.step_percent)
        for told in state.told
        if told.listing_id == listing.listing_id
        or ((told.section_key, told.row, told.quantity) == listing.seats and tick - told.tick <= SAME_SEATS_FOR)
    )


def _back(
    rule: Rule,
    sight: Sight,
    state: State,
    anything: bool,
    standing: Sequence[tuple[int, Offered]],
    outcome: str,
) -> Decision:
    """For sale after it was sold out. Only ok captures come here, so nothing is taken for sold out that failed."""
    if not standing:
        return Decision(state if anything else replace(state, sold_out=state.sold_out + 1))
    found = standing[0] if state.sold_out >= rule.captures else None
    return _tell(rule, sight, state, Decision(replace(state, sold_out=0)), found, None, outcome)


def _few(rule: Rule, sections: frozenset[int], sight: Sight, state: State, outcome: str) -> Decision:
    """At most `few` tickets left at the captures that must agree, and at least one: all in the rule's sections."""

    def tickets(listings: Sequence[Listing]) -> int:
        return sum(listing.quantity for listing in listings if listing.section_key in sections)

    left, most = tickets(sight.now), rule.few or 0
    if left > most:
        return Decision(replace(state, armed=True))
    before = left if rule.captures == 1 else tickets(sight.before) if sight.before is not None else 0
    if not state.armed or not left or not before or before > most:
        return Decision(state)
    occasion = Occasion(sight.tick, outcome, None, None, None, tickets=left)
    return Decision(state if outcome in NOT_TOLD_YET else replace(state, armed=False), occasion)


def _tell(
    rule: Rule,
    sight: Sight,
    old: State,
    decision: Decision,
    found: Found,
    reference_cents: int | None,
    outcome: str,
) -> Decision:
    if found is None:
        return decision
    cents, one = found
    occasion = Occasion(sight.tick, outcome, one.listing, one.listing.cents(rule.all_in) or None, reference_cents)
    if outcome in NOT_TOLD_YET:
        return replace(decision, occasion=occasion, state=replace(decision.state, sold_out=old.sold_out))
    told = Told(one.listing.listing_id, *one.listing.seats, cents, sight.tick)
    kept = tuple(earlier for earlier in decision.state.told if earlier.listing_id != told.listing_id)
    state = replace(decision.state, armed=False, told_cents=cents, told=(*kept, told)[-MOST_TOLD:])
    return replace(decision, occasion=occasion, state=state)


def _outcome(rule: Rule, tick: datetime, told_today: int, late: bool) -> str:
    if late:
        return "missed"
    if is_quiet(rule, tick):
        return "quiet"
    return "capped" if told_today >= rule.most_per_day else "tell"
