"""How many of a listing one may buy."""

from typing import Any

import pytest

from tests.support.answers_read import read
from tickettape.marketplaces.vividseats.wire_values import buyable_quantities


@pytest.mark.parametrize(
    ("stated", "rule", "quantity", "expected"),
    [
        ("1,2,4", "3", 4, (1, 2, 4)),
        ("2, 4", "2", 4, (2, 4)),
        ("4,2,2", "0", 4, (2, 4)),
        ("2,4,6", "0", 4, (2, 4)),
        (None, "0", 6, (2, 4, 6)),
        (None, "0", 5, (2, 4)),
        (None, "0", 1, (1,)),
        (None, "1", 3, (1, 2, 3)),
        (None, "2", 4, (4,)),
        ("", "2", 4, (4,)),
        (None, "3", 1, (1,)),
        (None, "3", 2, (2,)),
        (None, "3", 5, (1, 2, 3, 5)),
        (None, "9", 4, (4,)),
        (None, None, 2, (2,)),
    ],
)
def test_what_one_may_buy_is_what_is_stated_else_what_the_split_rule_leaves(
    stated: str | None, rule: str | None, quantity: int, expected: tuple[int, ...]
) -> None:
    assert buyable_quantities(stated, rule, quantity) == expected


def test_the_simulators_own_rules_give_back_what_it_leaves_unsaid() -> None:
    told = {listing.listing_id: listing.buyable for listing in read().listings}

    def silence(answer: dict[str, Any]) -> None:
        for ticket in answer["tickets"]:
            if ticket["t"] != "2":
                ticket.pop("m", None)

    assert {listing.listing_id: listing.buyable for listing in read(silence).listings} == told
