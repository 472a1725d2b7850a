"""What the catalogue says of a production."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.answers_read import PRODUCTION, PRODUCTION_ID, item
from tickettape.marketplaces import Refused
from tickettape.marketplaces.vividseats.read_catalogue import read_production


def test_a_production_says_what_where_when_and_who() -> None:
    production = read_production(item(), PRODUCTION_ID)
    assert production.external_id == PRODUCTION_ID
    assert production.name == PRODUCTION.name
    assert production.date == PRODUCTION.date
    assert production.date.tzinfo is UTC
    assert production.category == PRODUCTION.genre.sub_category
    assert production.performer_name == PRODUCTION.performers[-1].name
    assert production.venue_time_zone == PRODUCTION.venue.time_zone


@pytest.mark.parametrize(
    "changes",
    [
        {"dateTbd": True},
        {"utcDate": None, "localDate": None},
        {"utcDate": "", "localDate": ""},
        {"utcDate": "0001-01-01T00:00:00+01:00"},
        {"utcDate": "9999-12-31T23:59:59-05:00"},
        {"name": "Conference Semifinals: Home Game 1 (Date TBD)"},
    ],
)
def test_no_placeholder_becomes_a_date(changes: dict[str, Any]) -> None:
    event = read_production(item(**changes), PRODUCTION_ID)
    assert (event.date, event.date_status) == (None, "date_tbd")
    assert event.venue_time_zone == PRODUCTION.venue.time_zone  # what is known is kept


@pytest.mark.parametrize("name", ["POSTPONED: Evening", "Evening (Postponed)", "Evening - Postponed", "Postponed"])
def test_a_postponed_production_has_no_date_and_says_why(name: str) -> None:
    event = read_production(item(name=name), PRODUCTION_ID)
    assert (event.date, event.date_status) == (None, "postponed")


@pytest.mark.parametrize("name", ["The Postponed Wedding", "Date Night", "TBD at Cavaliers"])
def test_a_name_with_such_a_word_in_it_keeps_its_date(name: str) -> None:
    event = read_production(item(name=name), PRODUCTION_ID)
    assert (event.date, event.date_status) == (PRODUCTION.date, "known")


def test_a_time_to_be_determined_is_said_to_be() -> None:
    event = read_production(item(timeTbd=True), PRODUCTION_ID)
    assert (event.date, event.date_status) == (PRODUCTION.date, "time_tbd")


def test_without_a_date_in_utc_the_local_one_counts() -> None:
    changes = {"utcDate": None, "localDate": "2026-12-24T20:00:00-05:00[America/New_York]"}
    assert read_production(item(**changes), PRODUCTION_ID).date == datetime(2026, 12, 25, 1, tzinfo=UTC)


@pytest.mark.parametrize("changes", [{"name": "VIP Parking - Evening"}, {"venue": {"name": "Hall Parking Lots"}}])
def test_a_pass_for_parking_is_no_event(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=f"Production {PRODUCTION_ID} .* is a pass"):
        read_production(item(**changes), PRODUCTION_ID)


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
