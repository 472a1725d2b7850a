"""What no column can hold is refused, whichever marketplace it is from."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.answers_read import read
from tickettape.marketplaces import Refused
from tickettape.marketplaces.protocol import Listing
from tickettape.marketplaces.simulator import Market, answers
from tickettape.marketplaces.storable import refuse_unstorable

AT = datetime(2026, 10, 31, 23, 50, tzinfo=UTC)
MARKET = Market(seed=7, events=6)
PRODUCTION = MARKET.productions(AT)[2]
PRODUCTION_ID = str(PRODUCTION.production_id)
BODY = answers.listings(MARKET, PRODUCTION, AT)
Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"currency": "euro"}, "not a currency"),
        ({"listings": [Listing("1", "A", "B", "", 2, 0, None, (2,), None)]}, "from 0 to 0 cents"),
        ({"listings": [Listing("1", "A", "B", "", 2, 100, 2**31, (2,), None)]}, "cents, which cannot be right"),
        ({"listings": [Listing("1", "A", "B", "", 0, 100, None, (), None)]}, "a listing without tickets"),
    ],
)
def test_what_no_column_can_hold_is_refused_whichever_marketplace_it_is_from(
    changes: dict[str, Any], words: str
) -> None:
    refuse_unstorable(read(), BODY)
    with pytest.raises(Refused, match=words):
        refuse_unstorable(replace(read(), **changes), BODY)
