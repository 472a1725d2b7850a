"""Listings shrink as their split rules allow."""

from datetime import timedelta

from tests.support.simulated_market import AT, faces
from tickettape.marketplaces.simulator import Market
from tickettape.marketplaces.simulator.split_rules import Rule, buyable

MARKET = Market(seed=3, events=24)


def test_listings_appear_vanish_are_repriced_and_shrink_as_their_split_rule_allows() -> None:
    births = ends = repriced = shrunk = 0
    for production in MARKET.productions(AT)[:8]:
        before = MARKET.shelf(production, AT)
        for hour in range(1, 25):
            after = MARKET.shelf(production, AT + timedelta(hours=hour))
            then, now = faces(before), faces(after)
            rules = dict(zip(before.listing_number.tolist(), before.rule.tolist(), strict=True))
            births += len(now.keys() - then.keys())
            ends += len(then.keys() - now.keys())
            for number in then.keys() & now.keys():
                (had, old), (has, new) = then[number], now[number]
                repriced += old != new
                assert has <= had
                if has < had:
                    shrunk += 1
                    assert rules[number] != Rule.WHOLE
                    assert has in left_by_sales(Rule(rules[number]), had)
            before = after
    assert min(births, ends, repriced, shrunk) > 20


def left_by_sales(rule: Rule, quantity: int) -> set[int]:
    once = {quantity - part for part in buyable(rule, quantity) if part < quantity}
    return once | {left - part for left in once for part in buyable(rule, left) if part < left}
