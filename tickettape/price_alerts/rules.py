"""What a price alert's rule says. Pure: no SQL, no clock. What a rule makes of the listings for sale: `decisions`."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

CONDITIONS = ("below", "below_median", "cheapest", "fell", "rose", "back", "few")
"""at most a price; below the rule's own 7-day median; the cheapest in n days; fell or rose in a day; for sale again
after it was sold out; few tickets left"""

OF_HISTORY = ("below_median", "cheapest", "fell", "rose")
"""The conditions that compare with earlier prices."""

ALWAYS_EXCLUDED = ("obstructed", "limited view", "parking")
"""What a rule excludes unless it says otherwise: words in the name of a zone or section, or in a row."""


class Place(NamedTuple):
    """A section with its zone, by the marketplace's names."""

    zone: str
    section: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. Percentages are of a hundred; `quiet` is from and until, in the time zone of the person.

    `tickets` None: any quantity. `captures`: at how many ok captures in a row a price must stand, 1 or 2.
    `step_percent`: by how much a price must fall (for `rose`: rise) further before it is told again.
    """

    rule_id: UUID
    condition: str
    limit_cents: int | None = None
    percent: float | None = None
    days: int | None = None
    few: int | None = None
    zones: frozenset[str] = frozenset()
    sections: frozenset[str] = frozenset()
    excluded: tuple[str, ...] = ALWAYS_EXCLUDED
    tickets: int | None = 2
    at_least: bool = False
    all_in: bool = True
    captures: int = 2
    step_percent: float = 10
    quiet: tuple[time, time] | None = None
    time_zone: str = "UTC"
    most_per_day: int = 5

    @property
    def rises(self) -> bool:
        """Whether the rule waits for a rise."""
        return self.condition == "rose"


def wanted_sections(rule: Rule, places: Mapping[int, Place]) -> frozenset[int]:
    """The keys of the sections that a rule is about."""
    zones, sections = _folded(rule.zones), _folded(rule.sections)
    return frozenset(
        key
        for key, place in places.items()
        if (not zones or place.zone.casefold() in zones)
        and (not sections or place.section.casefold() in sections)
        and not _is_excluded(rule.excluded, f"{place.zone}\n{place.section}")
    )


def is_excluded_row(rule: Rule, row: str) -> bool:
    """Whether a rule excludes a row by its name, such as `GA obstructed`."""
    return _is_excluded(rule.excluded, row)


@lru_cache(50_000)  # names and rows that the rules of a tick ask about again and again
def _is_excluded(excluded: tuple[str, ...], name: str) -> bool:
    folded = name.casefold()
    return any(word.casefold() in folded for word in excluded)


def can_be_bought(rule: Rule, buyable: Collection[int]) -> bool:
    """Whether a listing is sold in the quantity of a rule, by what its seller lets people buy together."""
    if rule.tickets is None:
        return bool(buyable)
    return max(buyable, default=0) >= rule.tickets if rule.at_least else rule.tickets in buyable


def is_quiet(rule: Rule, at: datetime) -> bool:
    """Whether an instant is in a rule's quiet hours, which may go over midnight."""
    if rule.quiet is None:
        return False
    begin, end = rule.quiet
    clock = at.astimezone(ZoneInfo(rule.time_zone)).time()
    return begin <= clock < end if begin <= end else clock >= begin or clock < end


def less(cents: int, percent: float) -> int:
    """A price less a percentage, rounded down to a cent."""
    return int(cents * (100 - Fraction(str(percent))) / 100)


def more(cents: int, percent: float) -> int:
    """A price with a percentage added, rounded up to a cent."""
    return -int(-cents * (100 + Fraction(str(percent))) // 100)


def _folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)
