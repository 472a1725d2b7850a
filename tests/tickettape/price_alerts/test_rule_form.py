"""Rules as people write them."""

from typing import Any

import pytest
from pydantic import ValidationError

from tickettape.price_alerts.rule_form import RuleForm


def form(**said: Any) -> RuleForm:
    return RuleForm.model_validate({"scope": "venue", "about": "The Hall", "price": 100} | said)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({}, "2 tickets for at most 100.00 with fees"),
        ({"tickets": 1, "basis": "before_fees"}, "1 ticket for at most 100.00 before fees"),
        ({"tickets": None}, "Tickets for at most 100.00 with fees"),
        ({"tickets": 3, "at_least": True}, "At least 3 tickets for at most 100.00 with fees"),
        ({"zones": ["Lower"], "sections": ["101"]}, "2 tickets for at most 100.00 with fees in Lower, 101"),
        ({"condition": "below_median", "percent": 12.5}, "2 tickets 12.5 % below the median of 7 days, with fees"),
        ({"condition": "cheapest", "days": 7}, "2 tickets cheaper than in the last 7 days, with fees"),
        ({"condition": "fell", "percent": 20}, "2 tickets 20 % cheaper than a day before, with fees"),
        ({"condition": "rose", "percent": 20}, "2 tickets 20 % dearer than a day before, with fees"),
        ({"condition": "back"}, "2 tickets back for sale"),
        ({"condition": "few", "few": 8}, "At most 8 tickets left"),
        ({"name": " Dad "}, "Dad"),
    ],
)
def test_a_rule_without_a_name_is_named_by_what_it_says(said: dict[str, Any], name: str) -> None:
    assert form(**said).name == name


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"price": "100.005"}, "decimal places"),
        ({"valid_until": "2027-01-01T00:00:00"}, "timezone"),
        ({"quiet_from": "23:00+01:00", "quiet_until": "07:00"}, "without an offset"),
        ({"about": "  "}, "at least 1 character"),
        ({"captures": 3}, "1 or 2"),
        ({"scope": "event"}, "needs event_id"),
        ({"condition": "cheapest"}, "needs days"),
    ],
)
def test_what_cannot_be_is_refused(said: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        form(**said)


def test_the_rule_that_is_decided() -> None:
    rule = form(zones=["Lower"], quiet_from="23:00", quiet_until="07:00", percent=12.5).rule()
    assert (rule.limit_cents, rule.percent, rule.zones, rule.all_in) == (10_000, 12.5, frozenset({"Lower"}), True)
    assert rule.quiet is not None
    assert rule.quiet[0].hour == 23
