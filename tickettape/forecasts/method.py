"""The constants of the method: horizons, phases and bins. `docs/forecasts.md` explains them."""

from typing import Literal, LiteralString

Measure = Literal["get_in", "listings", "sales", "zones"]
"""Get-in prices; numbers of listings; tickets that were probably sold in a day; the lowest prices of zones."""

HORIZONS = (1, 3, 7, 14)  # days
PHASES = ("0-3", "4-7", "8-14", "15-30", "over 30")
"""Days to the event at the target. Skill is measured, and the gate set, by phase."""

FEWEST_EVENTS = 100  # ended ones; with fewer, the last price is all that is said
PARENT_WEIGHT: LiteralString = "60"  # pairs of an origin and a target: a cell with as many counts half, its parent half

# the last day and the days before it move most, so that they have bins of their own
DAYS_BIN: LiteralString = "width_bucket({}, '{{0,1,2,4,8,15,31}}'::int[])::smallint"
PHASE: LiteralString = """('{{0-3,4-7,8-14,15-30,over 30}}'::text[])[width_bucket({}, '{{0,4,8,15,31}}'::int[])]"""


def days_bin(days: LiteralString) -> LiteralString:
    """SQL for the bin of a number of whole days to the event, 1 to 7."""
    return DAYS_BIN.format(days)


def phase(days: LiteralString) -> LiteralString:
    """SQL for the phase of a number of whole days to the event."""
    return PHASE.format(days)
