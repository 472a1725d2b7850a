"""Rules as they are stored. Who may write which: the policies on price_alerts.rules."""

from collections.abc import Sequence
from typing import Any, LiteralString

from tickettape.price_alerts.rules import Rule

RULE_COLUMNS: LiteralString = """rules.rule_id, rules.condition, rules.price, rules.percent, rules.days, rules.few,
    rules.zones, rules.sections, rules.excluded, rules.tickets, rules.at_least, rules.basis, rules.captures,
    rules.step_percent, rules.quiet_from, rules.quiet_until, rules.time_zone, rules.most_per_day"""
"""What `rule_from_row` reads of price_alerts.rules."""

_NAMES = [column.strip().removeprefix("rules.") for column in RULE_COLUMNS.split(",")]


def rule_from_row(row: Sequence[Any]) -> Rule:
    """The rule in a row of RULE_COLUMNS."""
    said = dict(zip(_NAMES, row, strict=True))
    price, percent, basis = said.pop("price"), said.pop("percent"), said.pop("basis")
    begin, end = said.pop("quiet_from"), said.pop("quiet_until")
    return Rule(
        **said
        | {
            "limit_cents": None if price is None else int(price * 100),
            "percent": None if percent is None else float(percent),
            "zones": frozenset(said["zones"]),
            "sections": frozenset(said["sections"]),
            "excluded": tuple(said["excluded"]),
            "all_in": basis == "all_in",
            "step_percent": float(said["step_percent"]),
            "quiet": None if begin is None else (begin, end),
        }
    )
