"""The productions of the simulated market."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tickettape.marketplaces.simulator import Market

AT = datetime(2026, 10, 31, 23, 50, tzinfo=UTC)
MARKET = Market(seed=3, events=24)
times = st.datetimes(datetime(2021, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(at=times)
def test_the_catalogue_is_always_full_and_its_ids_name_one_production_for_ever(at: datetime) -> None:
    offered = MARKET.productions(at)
    assert len({one.production_id for one in offered}) == 24
    assert all(at < one.date <= at + timedelta(days=121) for one in offered)
    assert all(MARKET.production(one.production_id, at) == one for one in offered)
    assert all(one.name.endswith(" (simulated)") for one in offered)


def test_a_past_production_and_one_not_yet_announced_are_unknown() -> None:
    production = MARKET.productions(AT)[0]
    second = timedelta(seconds=1)
    assert MARKET.production(production.production_id, production.date - second) == production
    assert MARKET.production(production.production_id, production.date) is None
    assert MARKET.production(production.production_id, production.on_sale_at) == production
    assert MARKET.production(production.production_id, production.on_sale_at - second) is None
    assert MARKET.production(5990417, AT) is None


def test_what_is_offered_today_was_known_for_four_months() -> None:
    for production in MARKET.productions(AT):
        assert production.on_sale_at <= AT - timedelta(days=118)


def test_thousands_of_productions_on_demand() -> None:
    market = Market(seed=1, events=5_000)
    offered = market.productions(AT)
    assert len({one.production_id for one in offered}) == 5_000
    assert len(market.shelf(offered[4_321], AT).slot) > 0
