"""What the catalogue says of a production."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.answers_read import item
from tickettape.marketplaces import Refused
from tickettape.marketplaces.protocol import NoDate
from tickettape.marketplaces.simulator import Market
from tickettape.marketplaces.vividseats.read_catalogue import read_production

AT = datetime(2026, 10, 31, 23, 50, tzinfo=UTC)
MARKET = Market(seed=7, events=6)
PRODUCTION = MARKET.productions(AT)[2]
PRODUCTION_ID = str(PRODUCTION.production_id)


def test_a_production_says_what_where_when_and_who() -> None:
    production = read_production(item(), PRODUCTION_ID)
    assert production.external_id == PRODUCTION_ID
    assert production.name == PRODUCTION.name
    assert production.date == PRODUCTION.date
    assert production.date.tzinfo is UTC
    assert production.category == PRODUCTION.genre.sub_category
    assert production.performer_name == PRODUCTION.performers[-1].name
    assert production.venue_time_zone == PRODUCTION.venue.time_zone


@pytest.mark.parametrize("changes", [{"dateTbd": True}, {"utcDate": None}, {"utcDate": ""}])
def test_a_production_without_a_date_says_so(changes: dict[str, Any]) -> None:
    with pytest.raises(NoDate, match=f"Production {PRODUCTION_ID} .* no date yet"):
        read_production(item(**changes), PRODUCTION_ID)


def test_a_time_to_be_determined_is_acceptable() -> None:
    assert read_production(item(timeTbd=True), PRODUCTION_ID).date == PRODUCTION.date


def test_what_a_production_does_not_say_is_unknown() -> None:
    production = read_production(item(venue=None, performers=[]), PRODUCTION_ID)
    assert production.venue is production.city is production.category is production.performer_id is None


def test_without_a_master_the_first_performer_counts_and_a_category_may_lack_its_sub_category() -> None:
    performers = [{"id": 1, "name": "First", "category": {"name": "Sports"}}, {"id": 2, "name": "Second"}]
    production = read_production(item(performers=performers), PRODUCTION_ID)
    assert (production.performer_id, production.performer_name) == ("1", "First")
    assert production.category == "Sports"


@pytest.mark.parametrize("changes", [{"id": 5}, {"name": None}, {"utcDate": "soon"}])
def test_details_that_cannot_be_trusted_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        read_production(item(**changes), PRODUCTION_ID)
