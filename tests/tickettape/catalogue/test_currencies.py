"""An event has one currency."""

import pytest

from tests.support.markets import NOON, TEN, add_event
from tests.support.stored_ranges import of
from tickettape.database import Connection, ensure_partitions
from tickettape.observations import (
    PriceRangeError,
    store_price_ranges,
)


@pytest.fixture
def event(connection: Connection) -> int:
    ensure_partitions(connection, [NOON], answers=False)
    return add_event(connection)


def test_an_event_has_one_currency_which_its_first_price_range_may_give_it(connection: Connection, event: int) -> None:
    other = add_event(connection, "2")
    connection.execute("update market.events set currency = null where event_key = %s", [other])
    connection.execute("update market.events set currency = 'USD' where event_key = %s", [event])
    with pytest.raises(PriceRangeError, match="An evening has prices in USD, and these are in EUR"):
        store_price_ranges(connection, [of(other, currency="EUR"), of(event, currency="EUR")])
    with pytest.raises(PriceRangeError, match=r"in EUR and in GBP"):
        store_price_ranges(connection, [of(other, currency="EUR"), of(other, NOON + TEN, currency="GBP")])
    known = "select currency from market.events where event_key = %s"
    assert connection.execute(known, [other]).fetchone() == (None,)
    assert store_price_ranges(connection, [of(other, currency="EUR")])["added"] == 1
    assert connection.execute(known, [other]).fetchone() == ("EUR",)
    with pytest.raises(PriceRangeError, match="in EUR, and these are in USD"):
        store_price_ranges(connection, [of(other, currency="USD")])
